"""The activity listing: what downloads, waits, has failed or was cancelled, in sections of rows."""

import dataclasses
from functools import cached_property
from typing import Any

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.urls import reverse

from downloads.library import filters
from downloads.library.paging import LatestChange
from downloads.models import ACTIVE_STATUSES, Status, Video, VideoQuerySet

PAGE_SIZE = 50
ACTIVITY_STATUSES = (*ACTIVE_STATUSES, Status.QUEUED, Status.FAILED, Status.CANCELLED)


@dataclasses.dataclass(frozen=True)
class SectionKind:
    """A section: the value of `state` that shows it alone, and how many of its videos the overview shows."""

    place: str
    state: str
    label: str
    statuses: tuple[str, ...]
    overview_size: int

    def videos(self) -> VideoQuerySet:
        """Return the section's videos in their order, which only a change of a video changes."""
        if self.place == "active":
            return Video.objects.active().order_by("started_at", "pk")
        if self.place == "waiting":
            return Video.objects.waiting()
        return Video.objects.filter(status=self.state).newest_first()


SECTION_KINDS = (
    SectionKind("active", "downloading", "Downloading", ACTIVE_STATUSES, 100),
    SectionKind("waiting", "queued", "Waiting", (Status.QUEUED,), 12),
    SectionKind("failed", "failed", "Failed", (Status.FAILED,), 12),
    SectionKind("cancelled", "cancelled", "Cancelled", (Status.CANCELLED,), 6),
)
PLACES = {status: kind.place for kind in SECTION_KINDS for status in kind.statuses}


class ActivityListing(LatestChange):
    """The sections that a query string selects: one of them in pages, or the first videos of each."""

    clear_url = ""  # cards of the library link to its filters; rows do not
    search_words: tuple[str, ...] = ()

    def __init__(self, query: QueryDict) -> None:
        requested = query.get("state", "")
        self.kind = next((kind for kind in SECTION_KINDS if requested in (kind.state, *kind.statuses)), None)
        self.requested_page = query.get("page")

    @property
    def state(self) -> str:
        """Return the value of `state` in the URL; "" for the overview."""
        return self.kind.state if self.kind else ""

    @cached_property
    def archive_status_counts(self) -> dict[str, int]:
        """Return the number of videos per status in the whole archive."""
        return filters.count_by_status({}, self.latest_event)

    def count(self, kind: SectionKind) -> int:
        """Return the number of videos of a section."""
        return sum(self.archive_status_counts.get(status, 0) for status in kind.statuses)

    def build_url(self, kind: SectionKind | None, page: int = 1) -> str:
        """Return the URL of a section's page, or of the overview."""
        query = f"?state={kind.state}" if kind else ""
        return reverse("activity") + query + (f"&page={page}" if page > 1 else "")

    @property
    def links(self) -> list[dict[str, Any]]:
        """Return a link with its count for each section, and one for all."""
        entries: list[dict[str, Any]] = [{"label": "All", "url": self.build_url(None), "current": not self.kind}]
        return entries + [
            {
                "label": kind.label,
                "url": self.build_url(kind),
                "count": self.count(kind),
                "current": kind is self.kind,
            }
            for kind in SECTION_KINDS
        ]

    @cached_property
    def sections(self) -> "list[Section]":
        """Return the sections to show, those without videos too: a live page inserts rows into them."""
        return [Section(self, kind) for kind in ([self.kind] if self.kind else SECTION_KINDS)]

    def sections_of(self, videos: list[Video]) -> list[str]:
        """Return the place of each video on this page: that of its section, or "elsewhere"."""
        shown = {kind.place for kind in ([self.kind] if self.kind else SECTION_KINDS)}
        places = [PLACES.get(video.status, "elsewhere") for video in videos]
        return [place if place in shown else "elsewhere" for place in places]


class Section:
    """One section of the page, with its rows."""

    def __init__(self, listing: ActivityListing, kind: SectionKind) -> None:
        self.listing = listing
        self.kind = kind
        self.count = listing.count(kind)

    @property
    def is_alone(self) -> bool:
        """Return True if the page shows this section only, in pages."""
        return self.listing.kind is self.kind

    @cached_property
    def page(self) -> "Page[Any]":
        """Return the requested page, or the nearest that exists; the overview has a first page only."""
        size = PAGE_SIZE if self.is_alone else self.kind.overview_size
        return Paginator(range(self.count), size).get_page(self.listing.requested_page if self.is_alone else 1)

    @cached_property
    def videos(self) -> list[Video]:
        """Return the rows of this page."""
        first = (self.page.number - 1) * self.page.paginator.per_page
        rows = self.kind.videos().without_long_text([])
        # A video that was added since the counts were taken is shown as well.
        return list(rows[first : first + self.page.paginator.per_page])

    @property
    def is_cut(self) -> bool:
        """Return True if a change of one video affects which others this page shows."""
        return self.page.has_other_pages() or self.count >= self.page.paginator.per_page

    @property
    def accepts_rows(self) -> bool:
        """Return True if live updates may insert rows: on the first page."""
        return self.page.number == 1

    @property
    def more_url(self) -> str:
        """Return the URL of the whole section; "" if it is shown whole, or by itself."""
        is_shown_whole = self.is_alone or self.count <= self.page.paginator.per_page
        return "" if is_shown_whole else self.listing.build_url(self.kind)

    @property
    def page_links(self) -> list[tuple[int | None, str]]:
        """Return the page numbers with their URLs; (None, "") stands for numbers that are left out."""
        numbers = self.page.paginator.get_elided_page_range(self.page.number, on_each_side=1, on_ends=1)
        return [
            (number, self.listing.build_url(self.kind, number)) if isinstance(number, int) else (None, "")
            for number in numbers
        ]

    @property
    def previous_url(self) -> str:
        """Return the URL of the page before; "" on the first."""
        return self.listing.build_url(self.kind, self.page.number - 1) if self.page.has_previous() else ""

    @property
    def next_url(self) -> str:
        """Return the URL of the page after; "" on the last."""
        return self.listing.build_url(self.kind, self.page.number + 1) if self.page.has_next() else ""
