"""Querysets of videos: selections, orders, and which of the waiting may start."""

from typing import Any, Self, TypeVar

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from downloads.models import indexes
from downloads.models.choices import ACTIVE_STATUSES, UNFINISHED_STATUSES, Status
from downloads.models.date_hierarchy import DateHierarchyQuerySet
from downloads.models.queue import Queue
from downloads.models.transitions import Transitions
from downloads.progress import keys

T = TypeVar("T", bound=Transitions)
# Extractors whose ids are file names: two sites may well have the same.
NON_UNIQUE_ID_EXTRACTORS = ("Generic", "generic", "HTML5MediaEmbed", "html5", "")


class VideoQuerySet(DateHierarchyQuerySet[T]):
    """Selections and orders of videos."""

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
        busy = self.model._default_manager.filter(status__in=ACTIVE_STATUSES).values("host").annotate(count=Count("pk"))
        full = busy.filter(count__gte=settings.PER_HOST).exclude(host="").values("host")
        return self.waiting().due().exclude(host__in=full)

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
        return self if search_words else self.defer("description", "subtitle_files")

    def with_source(self, extractor: str, source_id: str) -> Self:
        """The same video at the same site, whatever its address looks like; finished or on its way."""
        if extractor in NON_UNIQUE_ID_EXTRACTORS or not source_id:
            return self.none()
        return self.filter(
            extractor=extractor, source_id=source_id, is_list=False, status__in=(*UNFINISHED_STATUSES, Status.COMPLETE)
        )

    def delete(self) -> tuple[int, dict[str, int]]:
        """Remove each with its files, one by one; raise CannotRemove at the first that stays."""
        count = sum(video.delete()[0] for video in self)
        return count, {self.model._meta.label: count}

    # As Django marks its own: for no template, and not for all there are by a slip.
    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]
