"""What the bridge asks the database: the rows that its picture must agree with."""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from downloads.asyncio_tasks import mark_exception_retrieved
from downloads.bridge.conflator import INACTIVE_TTL_SECONDS
from downloads.bridge.video_state import RowState
from downloads.models import UNFINISHED_STATUSES, Video, VideoEvent, VideoQuerySet
from downloads.outage_log import OutageLog

logger = logging.getLogger(__name__)

T = TypeVar("T")
IDS_PER_QUERY = 500  # ids in one query
MAX_RECENT_EVENTS = 2_000  # events
QUERY_TIMEOUT_SECONDS = 1.0  # seconds for an answer


class RowReader:
    """Answers from the rows; one that cannot be had is logged once, and the bridge goes on without it."""

    def __init__(self) -> None:
        self._outage_log = OutageLog(
            logger,
            "the database does not answer, the bridge continues without it: %r",
            "the database answers again",
        )
        self._query_lock = asyncio.Lock()
        self._hung_query: asyncio.Task[Any] | None = None

    async def fetch_rows(self, video_ids: Collection[str]) -> list[RowState]:
        """Return the rows of these ids."""
        return await self._query_or_default(lambda: _fetch_in_chunks(Video.objects.all(), video_ids), [])

    async def fetch_rows_to_reconcile(
        self, active_ids: Collection[str], inactive_ids: Collection[str], video_ids_with_events: Collection[str]
    ) -> list[RowState] | None:
        """Return active rows, those of the active ids and of the news, and unfinished ones of the resting ids.

        None if they cannot be read now.
        """

        def read() -> list[RowState] | None:
            found = _to_row_states(Video.objects.active())
            found += _fetch_in_chunks(Video.objects.all(), {*active_ids, *video_ids_with_events})
            found += _fetch_in_chunks(Video.objects.filter(status__in=UNFINISHED_STATUSES), inactive_ids)
            return list({row.video_id: row for row in found}.values())

        return await self._query_or_default(read, None)

    async def recent_events(self, after_rev: int | None) -> tuple[int, set[str]]:
        """Return the newest event's id, and the video ids of those after `rev` (None: of the last ten minutes).

        Where that cannot be known now, `rev` and no ids.
        """
        recent = VideoEvent.objects.filter(at__gte=timezone.now() - dt.timedelta(seconds=INACTIVE_TTL_SECONDS))
        events = recent if after_rev is None else VideoEvent.objects.filter(pk__gt=after_rev)

        def read() -> tuple[int, set[str]]:
            newest = Video.objects.latest_rev()
            # One more query only where there are news at all.
            ids = (
                events.order_by("-pk").values_list("public_id", flat=True)[:MAX_RECENT_EVENTS]
                if newest != after_rev
                else ()
            )
            return newest, set(ids)

        return await self._query_or_default(read, (after_rev or 0, set()))

    async def find_ids_without_row(self, video_ids: Collection[str]) -> set[str]:
        """Return which of these ids have no row; none if that cannot be known now."""
        if not video_ids:
            return set()
        found = await self._query_or_default(
            lambda: {row.video_id for row in _fetch_in_chunks(Video.objects.all(), video_ids)}, set(video_ids)
        )
        return set(video_ids) - found

    async def _query_or_default(self, query: Callable[[], T], default: T) -> T:
        """Ask in the database's thread; give `otherwise` when it fails, or does not answer soon.

        The bridge's heart does not wait for a database that hangs: nobody asks again until it has answered.
        """
        if self._hung_query and not self._hung_query.done():
            return default
        asking = asyncio.create_task(self._run_serialized(query))
        asking.add_done_callback(mark_exception_retrieved)
        try:
            async with asyncio.timeout(QUERY_TIMEOUT_SECONDS):
                answer = await asyncio.shield(asking)
        except (DatabaseError, InterfaceError, TimeoutError) as error:
            self._hung_query = asking
            self._outage_log.failed(error)
            return default
        self._outage_log.recovered()
        return answer

    async def _run_serialized(self, query: Callable[[], T]) -> T:
        async with self._query_lock:
            return await sync_to_async(_run_with_usable_connection)(query)


def _run_with_usable_connection(query: Callable[[], T]) -> T:
    close_old_connections()
    return query()


def _to_row_states(videos: VideoQuerySet) -> list[RowState]:
    return [RowState(video.video_id, video.to_progress()) for video in videos]


def _fetch_in_chunks(videos: VideoQuerySet, video_ids: Collection[str]) -> list[RowState]:
    ids = list(video_ids)
    chunks = (ids[start : start + IDS_PER_QUERY] for start in range(0, len(ids), IDS_PER_QUERY))
    return [row for chunk in chunks for row in _to_row_states(videos.filter(video_id__in=chunk))]
