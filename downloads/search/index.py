"""The search index: written with each change of a video, and rebuilt on demand."""

from typing import TYPE_CHECKING

from django.db import connection, models, transaction
from django.db.models.expressions import RawSQL

from downloads.search.backend import _engine
from downloads.search.document import _parts

if TYPE_CHECKING:
    from downloads.models import Video


AT_ONCE = 500


def index(video: "Video") -> None:
    """Keep the words of a video; within the transaction that writes what they come from."""
    engine = _engine()
    with connection.cursor() as cursor:
        cursor.execute(engine.WRITE, [video.pk, *engine.values(_parts(video))])


def mend(videos: "models.QuerySet[Video]", *, everything: bool = False) -> int:
    """Index the videos that are not, or all of them, and forget those that are gone; return how many were indexed."""
    engine = _engine()
    with connection.cursor() as cursor:
        for statement in engine.KEEP:
            cursor.execute(statement)
    left = videos if everything else videos.exclude(pk__in=RawSQL(engine.KEYS, ()))
    keys = list(left.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), AT_ONCE):
        _index_some(videos, keys[start : start + AT_ONCE])
    return len(keys)


def _index_some(videos: "models.QuerySet[Video]", keys: list[int]) -> None:
    engine = _engine()
    some = videos.filter(pk__in=keys).only("title", "url", "uploader", "description", "tracks")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(engine.WRITE, [[video.pk, *engine.values(_parts(video))] for video in some])
