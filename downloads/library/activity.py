"""The activity listing: what downloads, waits, has failed or was cancelled, in sections of rows."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.urls import reverse

from downloads.library import filters
from downloads.library.paging import LatestChange, PageLinks, SelectableListing
from downloads.models import ACTIVE_STATUSES, ACTIVITY_STATUSES, Status, Video, VideoQuerySet
from downloads.search import query as search_query

PAGE_SIZE = 50


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
        return Video.objects.last_ended_first(self.state)


SECTION_KINDS = (
    SectionKind("active", "downloading", "Downloading", ACTIVE_STATUSES, 100),
    SectionKind("waiting", "queued", "Waiting", (Status.QUEUED,), 12),
    SectionKind("failed", "failed", "Failed", (Status.FAILED,), 12),
    SectionKind("cancelled", "cancelled", "Cancelled", (Status.CANCELLED,), 6),
)
PLACES = {status: kind.place for kind in SECTION_KINDS for status in kind.statuses}


class ActivityListing(LatestChange, SelectableListing):
    """The sections that a query string selects: one of them in pages, or the first videos of each."""

    clear_url = ""  # cards of the library link to its filters; rows do not

    def __init__(self, query: QueryDict) -> None:
        self.q = search_query.clean_text(query.get("q", ""))
        self.search_words = search_query.parse_query(self.q)
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

    @cached_property
    def _matches(self) -> dict[int, search_query.Match]:
        return search_query.find_matching(self.search_words, Video.objects.filter(status__in=ACTIVITY_STATUSES))

    @cached_property
    def status_counts(self) -> dict[str, int]:
        """Return the number of videos per status, under the search if there is one."""
        if not self.search_words:
            return self.archive_status_counts
        return dict(Counter(match.status for match in self._matches.values()))

    def count(self, kind: SectionKind) -> int:
        """Return the number of videos of a section."""
        return sum(self.status_counts.get(status, 0) for status in kind.statuses)

    def videos_of(self, kind: SectionKind) -> VideoQuerySet:
        """Return the videos of a section in their order, under the search if there is one."""
        return kind.videos().filter(pk__in=self._matches) if self.search_words else kind.videos()

    @property
    def kinds(self) -> Sequence[SectionKind]:
        """Return the sections that this page shows."""
        return [self.kind] if self.kind else SECTION_KINDS

    # What a form selects: all videos of the sections that are shown ---------------------------------

    @property
    def total(self) -> int:
        """Return the number of videos of the shown sections, on all pages."""
        return sum(self.count(kind) for kind in self.kinds)

    @property
    def videos(self) -> VideoQuerySet:
        """Return the videos of the shown sections on all pages, in no order."""
        statuses = [status for kind in self.kinds for status in kind.statuses]
        videos = Video.objects.filter(status__in=statuses)
        return videos.filter(pk__in=self._matches) if self.search_words else videos

    @property
    def has_other_pages(self) -> bool:
        """Return whether this page shows only some of them."""
        return any(section.page.has_other_pages() for section in self.sections)

    @property
    def selection_query(self) -> str:
        """Return the query string by which a form names all of them."""
        return urlencode({"page_of": "activity", "state": self.state, "q": self.q})

    def build_url(self, kind: SectionKind | None, page: int = 1) -> str:
        """Return the URL of a section's page, or of the overview."""
        parameters = {"state": kind.state if kind else "", "q": self.q, "page": page if page > 1 else ""}
        query = urlencode({name: value for name, value in parameters.items() if value})
        return f"{reverse('activity')}{'?' * bool(query)}{query}"

    @property
    def without_search_url(self) -> str:
        """Return the URL of what is shown without the search."""
        return reverse("activity") + (f"?state={self.state}" if self.kind else "")

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
        return [Section(self, kind) for kind in self.kinds]

    def sections_of(self, videos: list[Video]) -> list[str]:
        """Return the place of each video on this page: that of its section, or "elsewhere"."""
        shown = {kind.place for kind in self.kinds}
        keys = {video.pk for video in videos}
        if self.search_words:
            keys = search_query.filter_matching([*keys], self.search_words)
        places = [PLACES.get(video.status, "") if video.pk in keys else "" for video in videos]
        return [place if place in shown else "elsewhere" for place in places]


class Section(PageLinks):
    """One section of the page, with its rows."""

    neighbours_in_links = 1

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
        """Return the rows of this page; an empty section asks for none, being as old as the page's `rev`."""
        if not self.count:
            return []
        first = (self.page.number - 1) * self.page.paginator.per_page
        rows = self.listing.videos_of(self.kind).without_long_text([])
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

    def build_url(self, **changes: str | int) -> str:
        """Return the URL of a page of the section."""
        return self.listing.build_url(self.kind, int(changes["page"]))
