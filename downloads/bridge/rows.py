"""What the bridge asks the database: the rows that its picture must agree with."""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from downloads.bridge.conflator import REMEMBERED
from downloads.bridge.video_state import Row
from downloads.models import UNFINISHED_STATUSES, Video, VideoEvent, VideoQuerySet

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")
CHUNK = 500  # ids in one query
MOST_NEWS = 2_000  # events
PATIENCE = 1.0  # seconds for an answer


class Rows:
    """Answers from the rows; one that cannot be had is logged once, and the bridge goes on without it."""

    def __init__(self) -> None:
        self._silent = False
        self._turn = asyncio.Lock()
        self._hung: asyncio.Task[Any] | None = None

    async def of(self, video_ids: Collection[str]) -> list[Row]:
        """Return the rows of these ids."""
        return await self._ask(lambda: _among(Video.objects.all(), video_ids), [])

    async def current(
        self, active: Collection[str], resting: Collection[str], news: Collection[str]
    ) -> list[Row] | None:
        """Return active rows, those of the active ids and of the news, and unfinished ones of the resting ids.

        None if they cannot be read now.
        """

        def read() -> list[Row] | None:
            found = _rows(Video.objects.active())
            found += _among(Video.objects.all(), {*active, *news})
            found += _among(Video.objects.filter(status__in=UNFINISHED_STATUSES), resting)
            return list({row.video_id: row for row in found}.values())

        return await self._ask(read, None)

    async def news(self, rev: int | None) -> tuple[int, set[str]]:
        """Return the newest event's id, and the video ids of those after `rev` (None: of the last ten minutes).

        Where that cannot be known now, `rev` and no ids.
        """
        recent = VideoEvent.objects.filter(at__gte=timezone.now() - dt.timedelta(seconds=REMEMBERED))
        events = recent if rev is None else VideoEvent.objects.filter(pk__gt=rev)

        def read() -> tuple[int, set[str]]:
            newest = Video.objects.latest_rev()
            # One more query only where there are news at all.
            ids = events.order_by("-pk").values_list("public_id", flat=True)[:MOST_NEWS] if newest != rev else ()
            return newest, set(ids)

        return await self._ask(read, (rev or 0, set()))

    async def missing(self, video_ids: Collection[str]) -> set[str]:
        """Return which of these ids have no row; none if that cannot be known now."""
        if not video_ids:
            return set()
        found = await self._ask(
            lambda: {row.video_id for row in _among(Video.objects.all(), video_ids)}, set(video_ids)
        )
        return set(video_ids) - found

    async def _ask(self, question: Callable[[], Answer], otherwise: Answer) -> Answer:
        """Ask in the database's thread; give `otherwise` when it fails, or does not answer soon.

        The bridge's heart does not wait for a database that hangs: nobody asks again until it has answered.
        """
        if self._hung and not self._hung.done():
            return otherwise
        asking = asyncio.create_task(self._in_turn(question))
        asking.add_done_callback(lambda task: task.cancelled() or task.exception())
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await asyncio.shield(asking)
        except (DatabaseError, InterfaceError, TimeoutError) as error:
            self._hung = asking
            if not self._silent:
                logger.warning("the database does not answer, the bridge goes on without it: %r", error)
            self._silent = True
            return otherwise
        self._silent = False
        return answer

    async def _in_turn(self, question: Callable[[], Answer]) -> Answer:
        async with self._turn:
            return await sync_to_async(_connected)(question)


def _connected(question: Callable[[], Answer]) -> Answer:
    close_old_connections()
    return question()


def _rows(videos: VideoQuerySet) -> list[Row]:
    return [Row(video.video_id, video.to_progress()) for video in videos]


def _among(videos: VideoQuerySet, video_ids: Collection[str]) -> list[Row]:
    ids = list(video_ids)
    chunks = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
    return [row for chunk in chunks for row in _rows(videos.filter(video_id__in=chunk))]
