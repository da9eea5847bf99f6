"""Search index: updated with each change of a video, completed at each start, rebuilt on demand."""

from typing import Any

from django.db import connection, models, transaction
from django.db.models.expressions import RawSQL

from downloads.search.backend import get_backend
from downloads.search.document import Searchable, build_document

INDEX_CHUNK_SIZE = 500


def index_video(video: Searchable) -> None:
    """Index a video. Call it in the transaction that writes the indexed columns."""
    backend = get_backend()
    with connection.cursor() as cursor:
        cursor.execute(backend.UPSERT_SQL, [video.pk, *backend.column_values(build_document(video))])


def reindex(videos: models.QuerySet[Any], *, include_indexed: bool = False) -> int:
    """Index videos that are missing, or all, and drop those that no longer exist; return how many were indexed."""
    backend = get_backend()
    with connection.cursor() as cursor:
        for statement in backend.SYNC_STATEMENTS:
            cursor.execute(statement)
    pending = videos if include_indexed else videos.exclude(pk__in=RawSQL(backend.INDEXED_KEYS_SQL, ()))
    keys = list(pending.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), INDEX_CHUNK_SIZE):
        _index_videos(videos, keys[start : start + INDEX_CHUNK_SIZE])
    return len(keys)


def _index_videos(videos: models.QuerySet[Any], keys: list[int]) -> None:
    backend = get_backend()
    chunk = videos.filter(pk__in=keys).only("title", "url", "uploader", "description", "subtitle_files")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(
            backend.UPSERT_SQL, [[video.pk, *backend.column_values(build_document(video))] for video in chunk]
        )
