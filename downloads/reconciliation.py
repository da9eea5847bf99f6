"""What the bridge asks the database: the rows that its picture must agree with."""

import datetime as dt
import logging
from collections.abc import Callable, Collection
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, close_old_connections
from django.utils import timezone

from downloads.conflation import REMEMBERED, Row
from downloads.models import ENDED, UNFINISHED, Video, VideoQuerySet

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
CHUNK = 500  # ids in one query


class Rows:
    """Answers from the rows; one that cannot be had is logged once, and the bridge goes on without it."""

    def __init__(self) -> None:
        self.known_rev = 0
        self._silent = False

    async def of(self, video_ids: Collection[str]) -> list[Row]:
        """Return the rows of these ids."""
        return await self._ask(lambda: _among(Video.objects.all(), video_ids), [])

    async def current(self, active: Collection[str], resting: Collection[str], *, ended: bool) -> list[Row]:
        """Return active rows, those of the active ids, and unfinished ones of the resting ids.

        With `ended` also those that ended in the last ten minutes.
        """

        def read() -> list[Row]:
            found = {row.video_id: row for row in _rows(Video.objects.active())}
            found |= {row.video_id: row for row in _among(Video.objects.all(), active)}
            found |= {row.video_id: row for row in _among(Video.objects.filter(status__in=UNFINISHED), resting)}
            if ended:
                since = timezone.now() - dt.timedelta(seconds=REMEMBERED)
                recent = Video.objects.filter(status__in=ENDED, ended_at__gte=since)
                found |= {row.video_id: row for row in _rows(recent)}
            return list(found.values())

        return await self._ask(read, [])

    async def rev(self) -> int:
        """Return the newest event's id, or the last one known."""
        self.known_rev = await self._ask(Video.objects.rev, self.known_rev)
        return self.known_rev

    async def missing(self, video_ids: Collection[str]) -> set[str]:
        """Return which of these ids have no row; none if that cannot be known now."""
        if not video_ids:
            return set()
        found = await self._ask(
            lambda: {row.video_id for row in _among(Video.objects.all(), video_ids)}, set(video_ids)
        )
        return set(video_ids) - found

    async def _ask(self, question: Callable[[], Answer], otherwise: Answer) -> Answer:
        try:
            answer = await sync_to_async(_connected)(question)
        except DatabaseError as error:
            if not self._silent:
                logger.warning("the database does not answer, the bridge goes on without it: %s", error)
            self._silent = True
            return otherwise
        self._silent = False
        return answer


def _connected(question: Callable[[], Answer]) -> Answer:
    close_old_connections()
    return question()


def _rows(videos: VideoQuerySet) -> list[Row]:
    return [Row(video.video_id, video.progress()) for video in videos]


def _among(videos: VideoQuerySet, video_ids: Collection[str]) -> list[Row]:
    ids = list(video_ids)
    chunks = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
    return [row for chunk in chunks for row in _rows(videos.filter(video_id__in=chunk))]
