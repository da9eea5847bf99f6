"""Queries of the bridge: the rows and events that its state must agree with."""

import asyncio
import datetime as dt
import logging
from collections.abc import Callable, Collection
from typing import Any, TypeVar

from asgiref.sync import sync_to_async
from django.db import DatabaseError, InterfaceError, close_old_connections

from downloads.asyncio_tasks import mark_exception_retrieved
from downloads.bridge.conflator import INACTIVE_TTL_SECONDS
from downloads.bridge.video_state import RowState
from downloads.database.clock import current_moment
from downloads.models import UNFINISHED_STATUSES, Video, VideoEvent, VideoQuerySet
from downloads.outage_log import OutageLog

logger = logging.getLogger(__name__)

T = TypeVar("T")
D = TypeVar("D")
IDS_PER_QUERY = 500
MAX_RECENT_EVENTS = 2_000
STATE_COLUMNS = ("video_id", "status", "attempt", "percent", "downloaded_bytes", "total_bytes", "phase", "error")
QUERY_TIMEOUT_SECONDS = 1.0


class RowReader:
    """Run queries in the database's thread, with a timeout; a failed one gives a default, logged once per outage."""

    def __init__(self) -> None:
        self._outage_log = OutageLog(
            logger,
            "the database does not answer, the bridge continues without it: %r",
            "the database answers again",
        )
        self._query_lock = asyncio.Lock()
        self._hung_query: asyncio.Task[Any] | None = None

    @property
    def is_down(self) -> bool:
        """True from a query that failed until one that succeeds."""
        return self._outage_log.is_down

    async def fetch_rows(self, video_ids: Collection[str]) -> list[RowState]:
        """Return the rows of these ids; none while the database is unavailable."""
        return await self._query_or_default(lambda: _fetch_in_chunks(Video.objects.all(), video_ids), [])

    async def fetch_rows_to_reconcile(
        self, active_ids: Collection[str], inactive_ids: Collection[str], video_ids_with_events: Collection[str]
    ) -> list[RowState] | None:
        """Return all active rows, those of active ids and of ids with events, and unfinished ones of inactive ids.

        None while the database is unavailable.
        """

        def read_rows() -> list[RowState]:
            rows = _to_row_states(Video.objects.active())
            rows += _fetch_in_chunks(Video.objects.all(), {*active_ids, *video_ids_with_events})
            rows += _fetch_in_chunks(Video.objects.filter(status__in=UNFINISHED_STATUSES), inactive_ids)
            return list({row.video_id: row for row in rows}.values())

        return await self._query_or_default(read_rows, None)

    async def fetch_events_since(self, after_rev: int | None) -> tuple[int, set[str]]:
        """Return the newest rev, and the video ids of the events after `after_rev` (None: of the last ten minutes).

        `(after_rev or 0, set())` while the database is unavailable.
        """
        recent = VideoEvent.objects.filter(at__gte=current_moment() - dt.timedelta(seconds=INACTIVE_TTL_SECONDS))
        events = recent if after_rev is None else VideoEvent.objects.filter(pk__gt=after_rev)

        def read_events() -> tuple[int, set[str]]:
            newest_rev = Video.objects.latest_rev()
            if newest_rev == after_rev:
                return newest_rev, set()
            return newest_rev, set(events.order_by("-pk").values_list("public_id", flat=True)[:MAX_RECENT_EVENTS])

        return await self._query_or_default(read_events, (after_rev or 0, set()))

    async def find_ids_without_row(self, video_ids: Collection[str]) -> set[str]:
        """Return those of these ids that have no row; none while the database is unavailable."""
        if not video_ids:
            return set()
        ids_with_row = await self._query_or_default(
            lambda: {row.video_id for row in _fetch_in_chunks(Video.objects.all(), video_ids)}, set(video_ids)
        )
        return set(video_ids) - ids_with_row

    async def _query_or_default(self, query: Callable[[], T], default: D) -> T | D:
        """Return the query's result, or `default` if it fails or takes longer than QUERY_TIMEOUT_SECONDS.

        The bridge's heartbeat must not wait for a database that hangs: until the hung query has ended,
        the default is returned at once.
        """
        if self._hung_query and not self._hung_query.done():
            return default
        query_task = asyncio.create_task(self._run_serialized(query))
        query_task.add_done_callback(mark_exception_retrieved)
        try:
            async with asyncio.timeout(QUERY_TIMEOUT_SECONDS):
                result = await asyncio.shield(query_task)
        except (DatabaseError, InterfaceError, TimeoutError) as error:
            self._hung_query = query_task
            self._outage_log.failed(error)
            return default
        self._outage_log.recovered()
        return result

    async def _run_serialized(self, query: Callable[[], T]) -> T:
        async with self._query_lock:
            return await sync_to_async(_run_with_usable_connection)(query)


def _run_with_usable_connection(query: Callable[[], T]) -> T:
    close_old_connections()
    return query()


def _to_row_states(videos: VideoQuerySet) -> list[RowState]:
    return [RowState(video.video_id, video.to_progress()) for video in videos.only(*STATE_COLUMNS)]


def _fetch_in_chunks(videos: VideoQuerySet, video_ids: Collection[str]) -> list[RowState]:
    ids = list(video_ids)
    chunks = (ids[start : start + IDS_PER_QUERY] for start in range(0, len(ids), IDS_PER_QUERY))
    return [row for chunk in chunks for row in _to_row_states(videos.filter(video_id__in=chunk))]
