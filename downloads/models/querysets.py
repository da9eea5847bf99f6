"""Which videos there are, in which order they start, and who may have the next one."""

import datetime as dt
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, models, transaction
from django.db.models import Count, Exists, Max, Min, Q
from django.utils import timezone

from downloads.database import advisory_lock
from downloads.models import event, indexes, removal, transitions
from downloads.models.choices import ACTIVE_STATUSES, UNFINISHED_STATUSES, Quality, Status
from downloads.models.queue import Queue
from downloads.models.value_objects import MAX_PRIORITY
from downloads.progress import keys
from downloads.search import index

if TYPE_CHECKING:
    from downloads.models import Video

MAX_PERIODS = 60  # years, months or days that are asked for one by one
PERIOD_LENGTHS = {"year": dt.timedelta(days=366), "month": dt.timedelta(days=31), "day": dt.timedelta(days=1)}
# Extractors whose ids are file names: two sites may well have the same.
NON_UNIQUE_ID_EXTRACTORS = ("Generic", "generic", "HTML5MediaEmbed", "html5", "")


def _iterate_periods(first: dt.datetime, last: dt.datetime, kind: str) -> Iterator[tuple[dt.datetime, dt.datetime]]:
    """Yield the beginning and the end of each year, month or day from `first` to `last`."""
    start = first.replace(hour=0, minute=0, second=0, microsecond=0)
    start = start if kind == "day" else start.replace(day=1, month=1 if kind == "year" else start.month)
    while start <= last:
        end = start + PERIOD_LENGTHS[kind]
        end = end if kind == "day" else end.replace(day=1)
        yield start, end
        start = end


class VideoQuerySet(models.QuerySet["Video"]):
    def with_ids(self, video_ids: list[str]) -> Self:
        """Those with one of these ids; what cannot be an id reaches no query (PostgreSQL refuses a NUL)."""
        return self.filter(video_id__in=[found for found in video_ids if keys.VIDEO_ID_PATTERN.fullmatch(found)])

    def active(self) -> Self:
        """Downloading or processing now."""
        return self.filter(status__in=ACTIVE_STATUSES)

    def unfinished(self) -> Self:
        """Waiting or active."""
        return self.filter(status__in=UNFINISHED_STATUSES)

    def waiting(self) -> Self:
        """In the queue, next one first."""
        return self.filter(status=Status.QUEUED).order_by("-priority", "queued_at", "pk")

    def due(self) -> Self:
        """Those whose time has come: that were not told to wait, or waited long enough."""
        return self.filter(Q(not_before=None) | Q(not_before__lte=timezone.now()))

    def claimable(self) -> Self:
        """Those of the waiting that may start now: their time has come, and their site has a place free."""
        if not Queue.get_or_default().is_open:
            return self.none()
        busy = self.model.objects.active().values("host").annotate(count=Count("pk"))
        full = busy.filter(count__gte=settings.PER_HOST).exclude(host="").values("host")
        return self.waiting().due().exclude(host__in=full)

    def ahead_in_queue(self, video: "Video") -> Self:
        """Those of the waiting that start before this one."""
        earlier = Q(queued_at__lt=video.queued_at) | Q(queued_at=video.queued_at, pk__lt=video.pk)
        return self.waiting().filter(Q(priority__gt=video.priority) | Q(earlier, priority=video.priority))

    def lease_expired(self) -> Self:
        """Active, but nobody has renewed the lease."""
        return self.active().filter(lease_until__lt=timezone.now())

    def newest_first(self) -> Self:
        """Newest first."""
        return self.sorted_by("newest")

    def sorted_by(self, order: str) -> Self:
        """In one of the orders of the library; what has no such value comes last."""
        return self.order_by(*indexes.SORT_ORDERS[order])

    def filter_using_order_index(self, **where: Any) -> Self:
        """Filter, with the index of an order leading."""
        plain = {f"plain_{name.partition('__')[0]}": indexes.UnindexedColumn(name.partition("__")[0]) for name in where}
        return self.alias(**plain).filter(**{f"plain_{name}": value for name, value in where.items()})

    def terminal(self) -> Self:
        """Neither waiting nor active; said so that no index of states leads."""
        return self.exclude(status__in=UNFINISHED_STATUSES)

    def without_long_text(self, search_words: list[str]) -> Self:
        """Without the long texts, unless words are to be marked in them."""
        return self if search_words else self.defer("description", "tracks")

    def neighbours(self, video: "Video") -> "tuple[Video | None, Video | None]":
        """Return the complete videos next to one, newest first: the one before it, and the one after."""
        there = self.filter(status=Status.COMPLETE, is_list=False).only("video_id", "title", "url")
        at, pk = video.added_at, video.pk
        # Bounds first, so that an index leads there; those of the same moment go by their number.
        newer = there.filter(added_at__gte=at).exclude(added_at=at, pk__lte=pk).newest_first().last()
        return newer, there.filter(added_at__lte=at).exclude(added_at=at, pk__gte=pk).newest_first().first()

    def with_source(self, extractor: str, source_id: str) -> Self:
        """The same video at the same site, whatever its address looks like; finished or on its way."""
        if extractor in NON_UNIQUE_ID_EXTRACTORS or not source_id:
            return self.none()
        return self.filter(
            extractor=extractor, source_id=source_id, is_list=False, status__in=(*UNFINISHED_STATUSES, Status.COMPLETE)
        )

    def datetimes(self, field_name: str, kind: Any, order: Any = "ASC", tzinfo: Any = None) -> Any:
        """Return the years, months or days that there are; the admin leafs by them.

        Each is looked for in an index: Django's own way has SQLite call Python for every row.
        """
        first, last = self.aggregate(first=Min(field_name), last=Max(field_name)).values()
        spans = (
            list(itertools.islice(_iterate_periods(first, last, kind), MAX_PERIODS + 1))
            if first and kind in PERIOD_LENGTHS
            else []
        )
        if order != "ASC" or tzinfo or not 0 < len(spans) <= MAX_PERIODS:
            return super().datetimes(field_name, kind, order, tzinfo)
        between = [{f"{field_name}__gte": start, f"{field_name}__lt": end} for start, end in spans]
        asked = {f"span{n}": Exists(self.order_by().filter(**each)) for n, each in enumerate(between)}
        there = self.model.objects.order_by("pk").annotate(**asked).values_list(*asked)[:1].get()
        return [start for (start, _), found in zip(spans, there, strict=True) if found]

    def delete(self) -> tuple[int, dict[str, int]]:
        """Remove each with its files, one by one; raise CannotRemove at the first that stays."""
        count = sum(video.remove() for video in self)
        return count, {self.model._meta.label: count}

    # As Django marks its own: for no template, and not for all there are by a slip.
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class VideoManager(models.Manager["Video"].from_queryset(VideoQuerySet)):  # type: ignore[misc]
    def ingest(
        self, url: str, canonical_url: str, *, added_by: Any = None, quality: str = Quality.BEST, **extra_fields: Any
    ) -> "tuple[Video, bool]":
        """Take a checked URL into the queue; (the video, True), or (the one that has this URL, False)."""
        host = (urlsplit(canonical_url).hostname or "")[:255]
        with transaction.atomic():
            video, created = self.get_or_create(
                canonical_url=canonical_url,
                defaults={"url": url, "added_by": added_by, "quality": quality, "host": host, **extra_fields},
            )
            if created:
                index.index_video(video)
                transitions.record_event(video, "Added")
        return video, created

    def claim(self, worker: str) -> "Video | None":
        """Take the next video that may start for `worker`, with a lease; None if there is none."""
        with transaction.atomic():
            ready = self.get_queryset().claimable()
            if connection.features.has_select_for_update_skip_locked:
                ready = ready.select_for_update(skip_locked=True)
            video = ready.first()
            if video is None or not self._host_has_capacity(video.host) or not video._claim(worker):
                return None
        return video

    def _host_has_capacity(self, host: str) -> bool:
        """Look again with the site to ourselves: two workers may each have seen its last free place."""
        if host:
            advisory_lock(host)
        return not host or self.get_queryset().active().filter(host=host).count() < settings.PER_HOST

    def requeue_expired(self) -> int:
        """Put videos whose worker died back into the queue; return how many."""
        return sum(
            video.release("The worker stopped answering", only_if_expired=True)
            for video in self.get_queryset().lease_expired()
        )

    def finish_interrupted_removals(self) -> None:
        """End the removals that a crash broke off."""
        removal.finish_interrupted_removals(self.get_queryset())

    def cancel_all(self, reason: str = "Cancelled with all others") -> "list[Video]":
        """Take everything that waits or runs out; return those it was done to."""
        # The waiting first: otherwise each place that gets free would start another one.
        found = [*self.get_queryset().waiting(), *self.get_queryset().active()]
        return [video for video in found if video.cancel(reason)]

    def retry_failed(self, reason: str = "Retried with all others") -> "list[Video]":
        """Put everything that failed back into the queue, oldest first; return those it was done to."""
        failed = self.get_queryset().filter(status=Status.FAILED).order_by("pk")
        return [video for video in failed if video.retry(reason, allow_duplicate=False)]

    def front_priority(self) -> int:
        """Return the priority that comes before everything that waits."""
        highest = self.get_queryset().waiting().aggregate(highest=Max("priority"))["highest"] or 0
        return min(highest + 1, MAX_PRIORITY)

    def latest_rev(self) -> int:
        """Return the id of the newest event: it grows with every change of any row."""
        return event.latest_rev()
