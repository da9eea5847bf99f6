"""Search index: updated with each change of a video, completed at each start, rebuilt on demand."""

from collections.abc import Iterable
from typing import Any

from django.db import connection, models, transaction
from django.db.models.expressions import RawSQL

from downloads.search.backend import get_backend
from downloads.search.document import Searchable, build_document

INDEX_CHUNK_SIZE = 500


def index_video(video: Searchable) -> None:
    """Index a video. Call it in the transaction that writes the indexed columns."""
    index_videos([video])


def index_videos(videos: Iterable[Searchable]) -> None:
    """Index several videos. Call it in the transaction that writes the indexed columns."""
    backend = get_backend()
    rows = [[video.pk, *backend.column_values(build_document(video))] for video in videos]
    with connection.cursor() as cursor:
        cursor.executemany(backend.UPSERT_SQL, rows)


def reindex(videos: models.QuerySet[Any], *, include_indexed: bool = False) -> int:
    """Index videos that are missing, or all, and drop those that no longer exist; return how many were indexed."""
    synchronize()
    indexed_keys = RawSQL(get_backend().INDEXED_KEYS_SQL, ())
    pending = videos if include_indexed else videos.exclude(pk__in=indexed_keys)
    keys = list(pending.order_by("pk").values_list("pk", flat=True))
    index_keys(videos, keys)
    return len(keys)


def index_keys(videos: models.QuerySet[Any], keys: list[int]) -> None:
    """Index the videos with these primary keys, in transactions of INDEX_CHUNK_SIZE."""
    for start in range(0, len(keys), INDEX_CHUNK_SIZE):
        _index_chunk(videos, keys[start : start + INDEX_CHUNK_SIZE])


def synchronize() -> None:
    """Drop videos that no longer exist, and create the triggers again that a migration of SQLite has dropped."""
    with connection.cursor() as cursor:
        for statement in get_backend().SYNC_STATEMENTS:
            cursor.execute(statement)


def _index_chunk(videos: models.QuerySet[Any], keys: list[int]) -> None:
    with transaction.atomic():
        index_videos(videos.filter(pk__in=keys).only("title", "url", "uploader", "description", "subtitle_files"))
