"""Queryset of videos: filters by state, orders of the library, videos that may start."""

import functools
import operator
from collections import Counter
from collections.abc import Collection
from typing import Any, Self, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import F, Q

from downloads.database.clock import CLOCK_TOLERANCE, Moment, current_moment
from downloads.models import indexes
from downloads.models.bulk import bulk_action
from downloads.models.choices import ACTIVE_STATUSES, ACTIVITY_STATUSES, UNFINISHED_STATUSES, Quality, Status
from downloads.models.date_hierarchy import DateHierarchyQuerySet
from downloads.models.leases.lease import LEASE_DURATION, lease_expired
from downloads.models.queue import Queue
from downloads.models.subscriptions.host_pause import HostPause
from downloads.models.transitions import Transitions, max_retry_wait
from downloads.models.value_objects import MAX_LOOK_INTERVAL, MAX_START_DISTANCE
from downloads.network.sites import GENERIC_EXTRACTORS, names_of_site, site_of
from downloads.progress import keys

T = TypeVar("T", bound=Transitions)
UNPROTECTED_CONDITION = Q(protected=None) | Q(protected=False)  # of videos that retention may remove


def _impossible_wait_condition() -> Q:
    """Return the condition for a wait that ends later than any that was ever set: the clock has been set back."""
    now = current_moment()
    retry = Q(retry_count__gt=0, not_before__gt=now + max_retry_wait() + CLOCK_TOLERANCE)
    next_look = Q(not_before__gt=now + MAX_LOOK_INTERVAL) & Q(not_before__gt=F("release_at") + MAX_LOOK_INTERVAL)
    return retry | next_look | Q(not_before__gt=now + MAX_START_DISTANCE + MAX_LOOK_INTERVAL)


class VideoQuerySet(DateHierarchyQuerySet[T]):
    """Selections and orders of videos."""

    def with_ids(self, video_ids: list[str]) -> Self:
        """Filter by ids. Strings that cannot be one are left out, since PostgreSQL refuses a NUL."""
        return self.filter(video_id__in=[name for name in video_ids if keys.VIDEO_ID_PATTERN.fullmatch(name)])

    def active(self) -> Self:
        """Filter those that are downloading or processing."""
        return self.filter(status__in=ACTIVE_STATUSES)

    def active_of(self, worker: str) -> Self:
        """Filter the active ones that this worker has claimed."""
        return self.active().filter(worker=worker)

    def unfinished(self) -> Self:
        """Filter those that are waiting or active."""
        return self.filter(status__in=UNFINISHED_STATUSES)

    def waiting(self) -> Self:
        """Filter those in the queue, in the order in which they start."""
        return self.filter(status=Status.QUEUED).order_by("-priority", "queued_at", "pk")

    def due(self) -> Self:
        """Filter those without a delay, whose delay is over, or is longer than any: the clock was set back."""
        return self.filter(Q(not_before=None) | Q(not_before__lte=current_moment()) | _impossible_wait_condition())

    def of_site(self, host: str) -> Self:
        """Filter the videos of the site of this host name, under whatever name (network/sites.py)."""
        return self.filter(host__in=names_of_site(site_of(host)))

    def claimable(self) -> Self:
        """Filter the waiting ones that may start now: due, in no bulk action, and their site can take another."""
        if not Queue.get_or_default().is_open:
            return self.none()
        names = [name for site in self._closed_sites() for name in names_of_site(site)]
        return self.waiting().due().exclude(host__in=names).exclude(bulk_action.pending_condition())

    def has_claimable(self) -> bool:
        """Return whether a waiting one may start now; where none waits, by one small query: workers ask often."""
        return self.waiting().exists() and self.claimable().exists()

    def _closed_sites(self) -> set[str]:
        """Return the sites with PER_HOST downloads, and those that are paused."""
        active = self.model._default_manager.filter(status__in=ACTIVE_STATUSES).exclude(host="")
        counts = Counter(map(site_of, active.values_list("host", flat=True)))
        full = {site for site, count in counts.items() if count >= settings.PER_HOST}
        return full | set(HostPause.objects.in_force().values_list("host", flat=True))

    def with_pending_action(self) -> Self:
        """Annotate `pending_action`: the name of the bulk action that is to be done with a video, or None."""
        return self.annotate(pending_action=bulk_action.pending_action())

    def lease_expired(self) -> Self:
        """Filter active ones whose lease nobody has renewed, or is longer than any: the clock was set back."""
        return self._with_lease_before(current_moment())

    def lease_unrenewed(self) -> Self:
        """Filter active ones whose lease should have been renewed by now; those with an expired one among them."""
        return self._with_lease_before(current_moment() + LEASE_DURATION / 2)

    def _with_lease_before(self, moment: Moment) -> Self:
        return self.active().filter(lease_expired(current_moment(), before=moment))

    def newest_first(self) -> Self:
        """Order by the time of adding, newest first."""
        return self.sorted_by("newest")

    def last_ended_first(self, status: str) -> Self:
        """Filter the failed or the cancelled ones, and order by when they ended, the last one first."""
        ended = self.filter(status=status).sorted_by("ended")
        # PostgreSQL sees that the index has all rows of this status; told so twice, it expects too few, and sorts them.
        return ended.filter(indexes.HasNotSucceeded()) if connection.vendor == "sqlite" else ended

    def redownloading(self) -> Self:
        """Filter those that are downloaded again, and playlists that are checked: what they have is still there."""
        return self.filter(indexes.IsRedownloading())

    def watchable(self) -> Self:
        """Filter what can be watched, also while it is downloaded again; a status that is none does not hide a video.

        By exclusion, so that SQLite chooses no index of the status; the videos that are downloaded again by a query of
        their own, so that the index of the order has all columns that are asked for.
        """
        redownloading = self.model._default_manager.filter(indexes.IsRedownloading()).order_by().values("pk")
        activity_condition = Q(status__in=ACTIVITY_STATUSES)
        return self.filter(~activity_condition | Q(pk__in=redownloading))

    def with_subtitles(self) -> Self:
        """Filter those with subtitles."""
        return self.filter(indexes.HasSubtitles())

    def alone(self) -> Self:
        """Filter those that did not come with a playlist."""
        return self.filter(indexes.IsAlone())

    def sorted_by(self, order: str) -> Self:
        """Order by a key of SORT_ORDERS; NULL comes last."""
        return self.order_by(*indexes.SORT_ORDERS[order])

    def filter_using_order_index(self, **where: Any) -> Self:
        """Filter without the indexes of these columns, so that SQLite reads the index of the order."""
        columns = {name.partition("__")[0] for name in where}
        unindexed = {f"unindexed_{column}": indexes.UnindexedColumn(column) for column in columns}
        return self.alias(**unindexed).filter(**{f"unindexed_{name}": value for name, value in where.items()})

    def terminal(self) -> Self:
        """Filter those that have ended; by exclude(), so that SQLite does not choose an index of the status."""
        return self.exclude(status__in=UNFINISHED_STATUSES)

    def without_long_text(self, search_words: list[str]) -> Self:
        """Defer the long texts, unless search words are to be highlighted in them; annotate what a card shows."""
        videos = self.with_pending_action().annotate(has_subtitles=indexes.HasSubtitles())
        return videos.defer(*(("chapters",) if search_words else ("chapters", "description", "subtitle_files")))

    def of_medium(self, quality: str) -> Self:
        """Filter what this quality would only repeat: audio for audio, and for all others what is not audio only."""
        if quality == Quality.AUDIO:
            return self.filter(Q(quality=Quality.AUDIO) | Q(kind="audio"))
        return self.exclude(quality=Quality.AUDIO)

    def with_source(self, extractor: str, source_id: str, quality: str = Quality.BEST) -> Self:
        """Filter the complete or unfinished videos with this id at this site and of this medium, whatever their URL."""
        if extractor in GENERIC_EXTRACTORS or not source_id:
            return self.none()
        return self.of_medium(quality).filter(
            extractor=extractor, source_id=source_id, is_list=False, status__in=(*UNFINISHED_STATUSES, Status.COMPLETE)
        )

    def with_sources(self, sources: Collection[tuple[str, str]], quality: str = Quality.BEST) -> Self:
        """Filter as `with_source` does, for many pairs of extractor and id at once."""
        ids: dict[str, list[str]] = {}
        for extractor, source_id in sources:
            if extractor not in GENERIC_EXTRACTORS and source_id:
                ids.setdefault(extractor, []).append(source_id)
        if not ids:
            return self.none()
        pairs = (Q(extractor=extractor, source_id__in=source_ids) for extractor, source_ids in ids.items())
        complete_or_unfinished = (*UNFINISHED_STATUSES, Status.COMPLETE)
        return self.of_medium(quality).filter(
            functools.reduce(operator.or_, pairs), is_list=False, status__in=complete_or_unfinished
        )

    def delete(self) -> tuple[int, dict[str, int]]:
        """Remove each video with its files, one by one; raise RemovalError at the first that cannot be removed."""
        count = sum(video.delete()[0] for video in self)
        return count, {self.model._meta.label: count}

    # As on Django's own delete(): not callable from templates, nor on the manager.
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]
