"""The search index: written with each change of a video, and rebuilt on demand."""

from typing import Any

from django.db import connection, models, transaction
from django.db.models.expressions import RawSQL

from downloads.search.backend import get_backend
from downloads.search.document import Searchable, build_document

INDEX_CHUNK_SIZE = 500


def index_video(video: Searchable) -> None:
    """Keep the words of a video; within the transaction that writes what they come from."""
    engine = get_backend()
    with connection.cursor() as cursor:
        cursor.execute(engine.UPSERT_SQL, [video.pk, *engine.column_values(build_document(video))])


def reindex(videos: models.QuerySet[Any], *, include_indexed: bool = False) -> int:
    """Index the videos that are not, or all of them, and forget those that are gone; return how many were indexed."""
    engine = get_backend()
    with connection.cursor() as cursor:
        for statement in engine.SYNC_STATEMENTS:
            cursor.execute(statement)
    left = videos if include_indexed else videos.exclude(pk__in=RawSQL(engine.INDEXED_KEYS_SQL, ()))
    keys = list(left.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), INDEX_CHUNK_SIZE):
        _index_videos(videos, keys[start : start + INDEX_CHUNK_SIZE])
    return len(keys)


def _index_videos(videos: models.QuerySet[Any], keys: list[int]) -> None:
    engine = get_backend()
    some = videos.filter(pk__in=keys).only("title", "url", "uploader", "description", "subtitle_files")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            engine.UPSERT_SQL, [[video.pk, *engine.column_values(build_document(video))] for video in some]
        )
