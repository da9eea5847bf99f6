"""The library's listing: what can be watched, by search, filters, sort order and page of an untrusted query string."""

import dataclasses
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from downloads.accounts.permissions import is_signed_in
from downloads.formatting import truncate_text
from downloads.library import filters
from downloads.library.display import Display
from downloads.library.paging import LatestChange, PageLinks, SelectableListing
from downloads.library.playlists.covers import attach_covers
from downloads.library.search_results import SearchResults
from downloads.library.subscriptions.videos import MANY_VIDEOS
from downloads.models import ACTIVITY_STATUSES, Video, VideoQuerySet
from downloads.search import query as search_query

PAGE_SIZE = 60  # fills rows of 2 to 6 cards
MAX_RECENT_VIDEOS = 6
# Filters that select videos of playlists too, whatever the display leaves out.
SHOWING_ENTRIES = {"channel", filters.SUBSCRIPTION_FILTER}


@dataclasses.dataclass(frozen=True)
class Chip:
    """A filter; `unset_url` is the URL of the listing without it, "" while it is not set."""

    field: forms.BoundField
    unset_url: str

    @property
    def value_label(self) -> str:
        """Return the label of the selected value."""
        return dict(self.field.field.widget.choices).get(self.field.value(), self.field.value())


class Listing(PageLinks, LatestChange, SelectableListing):
    """The videos that a query string selects, and the URLs of related listings."""

    page_size = PAGE_SIZE

    def __init__(self, query: QueryDict, user: Any = None, display: Display | None = None) -> None:
        self.form = filters.FilterForm(query)
        cleaned_data = self.form.cleaned_data
        self.q = search_query.clean_text(query.get("q", ""))
        self.search_words = search_query.parse_query(self.q)
        self.filters: dict[str, str] = {
            name: cleaned_data[name] for name in (*filters.CRITERIA_NAMES, *filters.FLAGS) if cleaned_data.get(name)
        }
        # Strangers have watched nothing, as far as the archive knows.
        self.has_own_state = user is not None and is_signed_in(user)
        if not self.has_own_state:
            self.filters.pop("watched", None)
        self.display = display or Display()
        personal = {"unwatched_by": str(user.pk)} if "watched" in self.filters else {}
        asks_for_alone = self.display.hides_entries or bool(cleaned_data.get("alone"))
        # Who asks for more than the library finds all.
        self.hides_entries = asks_for_alone and not (self.search_words or self.filters.keys() & SHOWING_ENTRIES)
        self._shared_criteria = {**self.filters, **({"alone": "yes"} if self.hides_entries else {})}
        self.criteria: dict[str, str] = {**self._shared_criteria, **personal}
        # "best" needs a search to rank by.
        self.sort_choices = {
            name: label for name, label in filters.SORT_LABELS.items() if name != "best" or self.search_words
        }
        self.default_sort = next(iter(self.sort_choices))
        requested_sort = cleaned_data.get("sort", "")
        self.sort = requested_sort if requested_sort in self.sort_choices else self.default_sort
        self.requested_page = query.get("page")

    @cached_property
    def chips(self) -> list["Chip"]:
        """Return the filters as chips; playlists have a tab in place of a kind."""
        self.form.fill_choices(self.sort, self.sort_choices)
        needless = {"uploader", "site"} if "channel" in self.filters else set()
        if self.filters.get("kind") == "list":
            needless = needless | {"kind"}
        if len(self.form.fields[filters.SUBSCRIPTION_FILTER].widget.choices) == 1:
            needless = needless | {filters.SUBSCRIPTION_FILTER}
        names = [name for name in filters.FILTER_NAMES if name not in needless]
        return [Chip(self.form[name], self.build_url(**{name: ""}) if name in self.filters else "") for name in names]

    @property
    def sort_field(self) -> forms.BoundField:
        """Return the field of the sort order."""
        self.form.fill_choices(self.sort, self.sort_choices)
        return self.form["sort"]

    @property
    def tabs(self) -> list[tuple[str, str, bool]]:
        """Return the tabs above the cards: label, URL, and whether it is the current one."""
        shows_playlists, is_unwatched = self.filters.get("kind") == "list", "watched" in self.filters
        kind = "" if shows_playlists else self.filters.get("kind", "")
        tabs = [("All", self.build_url(kind=kind, watched=""), not (shows_playlists or is_unwatched))]
        if self.has_own_state:
            tabs.append(("Unwatched", self.build_url(kind=kind, watched="no"), is_unwatched))
        return [*tabs, ("Playlists", self.build_url(kind="list", watched=""), shows_playlists)]

    @property
    def has_chips_set(self) -> bool:
        """Return whether a chip is set: the tab of playlists and the page of a channel are no chips."""
        return "subtitles" in self.filters or any(chip.unset_url for chip in self.chips)

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to filter: the archive, or the channel, has no videos."""
        return not (self.is_filtered or self.hides_entries or self.total)

    @property
    def offers_filters(self) -> bool:
        """Return whether there is something to filter: a search without results and without filters has nothing."""
        if self.search_words:
            return bool(self.total or self.filters.keys() - {"channel"})
        return not self.is_empty

    @property
    def total_label(self) -> str:
        """Return how many there are on all pages, such as "1,204 videos"; "" for none."""
        count = self.total
        noun = "playlist" if self.filters.get("kind") == "list" else "video"
        noun = "result" if self.search_words else noun
        return f"{count:,}{'+' * self.is_truncated} {noun}{'s' * (count != 1)}" if count else ""

    @property
    def heading(self) -> str:
        """Describe this listing, for its heading and the title of the page."""
        if self.search_words:
            words = "Results" if self.total else "No results"
            return f"{words} for “{truncate_text(self.q, 60)}”"
        site = self.filters.get("site", "")
        playlists = "Playlists" if self.filters.get("kind") == "list" else ""
        whole = "Videos" if "channel" in self.filters else "Library"
        whole = "Unwatched" if "watched" in self.filters else whole
        name = self.filters.get("uploader") or (site and filters.site_label(site)) or playlists or whole
        return truncate_text(name, 60)

    @property
    def title(self) -> str:
        """Return the title of the page."""
        return self.heading if self.page.number == 1 else f"{self.heading}, page {self.page.number}"

    @property
    def is_filtered(self) -> bool:
        """Return whether a search or a filter narrows the listing; a channel's page is not narrowed."""
        return bool(self.search_words or self.filters.keys() - {"channel"})

    @property
    def accepts_new_cards(self) -> bool:
        """Return whether live updates may insert cards: on the first page, in the default order, without a search."""
        return not self.search_words and self.sort == self.default_sort and self.place.number == 1

    @property
    def is_start(self) -> bool:
        """Return whether this is the library's first page as everybody opens it, with what only it shows."""
        is_whole = not (self.search_words or self.filters)
        return is_whole and self.sort == self.default_sort and self.requested_page in (None, "", "1")

    @property
    def takes_pushed_cards(self) -> bool:
        """Return whether all viewers of this page see the same videos, so that its cards can be pushed."""
        return self.is_start and not self.hides_entries

    # URLs ----------------------------------------------------------------------------------------

    def build_url(self, **changes: str | int) -> str:
        """Return the URL of this listing with `changes`; the first page unless `changes` has a page."""
        parameters: dict[str, str | int] = {"q": self.q, **self.filters}
        if self.sort != self.default_sort:
            parameters["sort"] = self.sort
        parameters.pop("channel", "")
        query = QueryDict(mutable=True)
        query.update({name: str(value) for name, value in {**parameters, **changes}.items() if value})
        return f"{self.clear_url}?{query.urlencode()}" if query else self.clear_url

    @cached_property
    def clear_url(self) -> str:
        """Return the URL of the whole library, or of all videos of the channel."""
        channel = self.filters.get("channel")
        return reverse("channel", args=[channel]) if channel else reverse("library")

    @cached_property
    def list_url(self) -> str:
        """Return the URL of the list alone, which the page's own query string follows."""
        return f"{reverse('list')}?{self.scope_query}"

    @cached_property
    def cards_url(self) -> str:
        """Return the URL of single cards, which the page's own query string and the ids follow."""
        return f"{reverse('cards')}?as=card&{self.scope_query}"

    @property
    def has_other_pages(self) -> bool:
        """Return whether this page shows only some of the videos."""
        return self.place.has_other_pages()

    @property
    def selection_query(self) -> str:
        """Return the query string by which a form names all videos of this listing."""
        return urlencode({"q": self.q, **self._shared_criteria})

    @cached_property
    def activity_url(self) -> str:
        """Return the URL of the matches of this search that are listed under Activity; "" without any."""
        is_any = self.results is not None and self.results.activity_count
        return f"{reverse('activity')}?{urlencode({'q': self.q})}" if is_any else ""

    @property
    def scope_query(self) -> str:
        """Return the part of those query strings that the page's own one lacks: its channel."""
        return f"channel={self.filters['channel']}&" if "channel" in self.filters else ""

    @property
    def without_search_url(self) -> str:
        """Return the URL of this listing without the search."""
        return self.build_url(q="")

    @property
    def search_everything_url(self) -> str:
        """Return the URL of this search without filters."""
        return self.build_url(**dict.fromkeys(self.filters, ""))

    # Videos ------------------------------------------------------------------------------------

    @property
    def _filtered_videos(self) -> VideoQuerySet:
        return filters.filter_videos(self.criteria)

    @cached_property
    def results(self) -> SearchResults | None:
        """Return the results of the search; None without one."""
        videos = self._filtered_videos if self.filters else None
        return SearchResults(self.search_words, videos) if self.search_words else None

    @property
    def is_truncated(self) -> bool:
        """Return whether the search has reached its limit of results."""
        return self.results is not None and self.results.is_truncated

    @cached_property
    def status_counts(self) -> dict[str, int]:
        """Return the number of videos per status under this search and these filters, whichever status is selected."""
        if self.results:
            return self.results.status_counts
        if not self.criteria:
            return self.archive_status_counts
        return filters.count_by_status(self.criteria, self.latest_event)

    @cached_property
    def archive_status_counts(self) -> dict[str, int]:
        """Return the number of videos per status in the whole archive."""
        return filters.count_by_status({}, self.latest_event)

    @property
    def videos(self) -> VideoQuerySet:
        """Return what the library shows of these on all its pages, in no order."""
        if self.results:
            return Video.objects.filter(pk__in=self.results.library_keys)
        # The videos of one channel are few: its own index finds them.
        use_order_index = self.sort != "newest" and "channel" not in self.filters
        has_many = filters.SUBSCRIPTION_FILTER in self.filters and self.total >= MANY_VIDEOS
        return filters.filter_videos(self.criteria, use_order_index=use_order_index, has_many=has_many).watchable()

    @cached_property
    def total(self) -> int:
        """Return the number of videos on all pages."""
        if self.results:
            return len(self.results.library_keys)
        return filters.count_watchable(self.criteria, self.status_counts)

    @cached_property
    def place(self) -> "Page[Any]":
        """Return the page's place among the pages, without its videos."""
        return Paginator(range(self.total), PAGE_SIZE).get_page(self.requested_page)

    @cached_property
    def page(self) -> "Page[Video]":
        """Return the requested page of the library, or the nearest one that exists."""
        page = self.place
        offsets = range(self.total)[page.start_index() - 1 : page.end_index()] if self.total else range(0)
        keys = self._page_keys(offsets)
        rows = Video.objects.without_long_text(self.search_words).in_bulk(keys)
        page.object_list = [rows[key] for key in keys if key in rows]
        attach_covers(page.object_list)
        return page

    @cached_property
    def recent_videos(self) -> list[Video]:
        """Return the newest videos of the library, which the page of a search without results ends with."""
        if self.total or not self.search_words or "channel" in self.filters:
            return []
        newest = Video.objects.watchable().exclude(kind="list").newest_first()
        return list(newest.without_long_text([])[:MAX_RECENT_VIDEOS])

    def _page_keys(self, offsets: range) -> list[int]:
        """Return the primary keys at these offsets of the library, read from the nearer end."""
        if self.results and self.sort == "best":
            return self.results.library_keys[offsets.start : offsets.stop]
        keys = self.videos.sorted_by(self.sort).values_list("pk", flat=True)
        if offsets.start <= self.total // 2:
            return list(keys[offsets.start : offsets.stop])
        return list(keys.reverse()[self.total - offsets.stop : self.total - offsets.start])[::-1]

    def sections_of(self, videos: list[Video]) -> list[str]:
        """Return the section of this page for each video: "library" or "elsewhere"."""
        keys = [video.pk for video in videos]
        selected_keys = (
            set(self._filtered_videos.filter(pk__in=keys).values_list("pk", flat=True)) if self.criteria else set(keys)
        )
        if self.search_words:
            selected_keys &= search_query.filter_matching(keys, self.search_words)
        is_shown = [video.pk in selected_keys and _can_be_watched(video) for video in videos]
        return ["library" if shown else "elsewhere" for shown in is_shown]


def _can_be_watched(video: Video) -> bool:
    # Also a status that is none: the video is shown rather than hidden.
    return video.status not in ACTIVITY_STATUSES or video.is_redownloading
