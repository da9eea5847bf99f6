"""What of the archive is looked at: the query of an address, read without trusting it."""

from collections import Counter
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from downloads.library import filters
from downloads.models import (
    ACTIVE_STATUSES,
    TERMINAL_STATUSES,
    UNFINISHED_STATUSES,
    Status,
    Video,
    VideoEvent,
    VideoQuerySet,
    event,
)
from downloads.search import query as search_query

PAGE_SIZE = 24
MAX_WAITING_SHOWN = 12


class Listing:
    """The part of the archive that a query asks for, and the addresses that lead on from there."""

    def __init__(self, query: QueryDict) -> None:
        self.form = filters.FilterForm(query)
        chosen = self.form.cleaned_data
        self.q = " ".join(query.get("q", "")[: search_query.MAX_QUERY_LENGTH].replace("\x00", " ").split())
        self.search_words = search_query.parse_query(self.q)
        self.state: str = chosen.get("state", "")
        self.filters: dict[str, str] = {name: chosen[name] for name in filters.FILTER_COLUMNS if chosen.get(name)}
        # What matches best is known of a search only, and whose turn is next of what waits.
        unfit = {"best": not self.search_words, "turn": self.state != Status.QUEUED}
        self.sort_choices = {name: words for name, words in filters.SORT_LABELS.items() if not unfit.get(name)}
        self.default_sort = next(iter(self.sort_choices))
        self.sort = asked if (asked := chosen.get("sort", "")) in self.sort_choices else self.default_sort
        self.requested_page = query.get("page")

    @cached_property
    def filter_fields(self) -> list[forms.BoundField]:
        """Return the fields of the filter bar."""
        self.form.fill_choices(self.sort, self.sort_choices)
        return [self.form[name] for name in ("sort", *filters.FILTER_COLUMNS)]

    @property
    def is_filtered(self) -> bool:
        """Tell whether anything is left out."""
        return bool(self.search_words or self.state or self.filters)

    @property
    def accepts_new_cards(self) -> bool:
        """Tell whether a card that is new may be put where its order says: in the usual one, on the first page."""
        return not self.search_words and self.sort == self.default_sort and self.page.number == 1

    @property
    def shows_rows(self) -> bool:
        """Tell whether the library holds videos that wait or run, which are drawn as rows."""
        return self.state in UNFINISHED_STATUSES

    # Addresses ----------------------------------------------------------------------------------

    def build_url(self, **changes: str | int) -> str:
        """Return the address of the same with `changes`; its first page, unless one is given."""
        kept = {"q": self.q, "state": self.state, **self.filters}
        if self.sort != self.default_sort:
            kept["sort"] = self.sort
        query = QueryDict(mutable=True)
        query.update({name: str(value) for name, value in {**kept, **changes}.items() if value})
        return f"{reverse('library')}?{query.urlencode()}" if query else reverse("library")

    @cached_property
    def clear_url(self) -> str:
        """Return where everything is shown."""
        return reverse("library")

    @property
    def without_search_url(self) -> str:
        """Return where the same is shown without the search."""
        return self.build_url(q="")

    @property
    def search_everything_url(self) -> str:
        """Return where the whole archive is searched."""
        return self.build_url(state="", **dict.fromkeys(self.filters, ""))

    @cached_property
    def state_links(self) -> list[dict[str, Any]]:
        """Return the states that there are, each with its count and address, and all of them first."""
        shown = [
            status
            for status in (*TERMINAL_STATUSES, *UNFINISHED_STATUSES)
            if self.status_counts.get(status) or status == self.state
        ]
        found = [("", "All", sum(self.status_counts.values()))]
        found += [(status.value, str(status.label), self.status_counts.get(status, 0)) for status in shown]
        return [
            {
                "value": value,
                "label": label,
                "count": count,
                "url": self.build_url(state=value),
                "current": value == self.state,
            }
            for value, label, count in found
        ]

    @property
    def page_links(self) -> list[tuple[int | None, str]]:
        """Return the numbers to choose from with their addresses; None where some are left out."""
        numbers = self.page.paginator.get_elided_page_range(self.page.number, on_each_side=2, on_ends=1)
        return [(number, self.build_url(page=number)) if isinstance(number, int) else (None, "") for number in numbers]

    # Videos ------------------------------------------------------------------------------------

    @property
    def _filtered_videos(self) -> VideoQuerySet:
        return filters.filtered(self.filters)

    @cached_property
    def _matches(self) -> dict[int, str]:
        """Return the keys and states of what the search finds, best first."""
        return search_query.find_matching(self.search_words, self._filtered_videos if self.filters else None)

    @property
    def is_truncated(self) -> bool:
        """Tell whether the search finds more than it shows."""
        return len(self._matches) == search_query.MAX_RESULTS if self.search_words else False

    @cached_property
    def latest_event(self) -> VideoEvent | None:
        """Return the newest change: what is counted holds until the next."""
        return event.latest_event()

    @property
    def rev(self) -> int:
        """Return the archive's `rev`; read before the rows, so that a change in between is noticed, not missed."""
        return self.latest_event.pk if self.latest_event else 0

    @cached_property
    def status_counts(self) -> dict[str, int]:
        """Return how many there are in each state, whichever state is chosen."""
        if self.search_words:
            return dict(Counter(self._matches.values()))
        return filters.count_by_status(self.filters, self.latest_event) if self.filters else self.archive_status_counts

    @cached_property
    def archive_status_counts(self) -> dict[str, int]:
        """Return how many there are in each state in the whole archive."""
        return filters.count_by_status({}, self.latest_event)

    def active_videos(self) -> VideoQuerySet:
        """Return what runs; with a state chosen the library has it."""
        return self._section(ACTIVE_STATUSES).order_by("started_at", "pk")

    def waiting_videos(self) -> VideoQuerySet:
        """Return what comes next, likewise."""
        return self._section((Status.QUEUED,)).waiting()[:MAX_WAITING_SHOWN]

    @property
    def is_waiting_section_full(self) -> bool:
        """Tell whether as much waits as is shown: one more or less is then a matter of the others as well."""
        return self.status_counts.get(Status.QUEUED, 0) >= MAX_WAITING_SHOWN

    def _section(self, statuses: tuple[str, ...]) -> VideoQuerySet:
        if self.state:
            return Video.objects.none()
        found = (
            self._matches_with_status(statuses)
            if self.search_words
            else self._filtered_videos.filter(status__in=statuses)
        )
        return found.without_long_text(self.search_words)

    def _matches_with_status(self, statuses: tuple[str, ...]) -> VideoQuerySet:
        return Video.objects.filter(pk__in=[key for key, status in self._matches.items() if status in statuses])

    @property
    def _library_statuses(self) -> tuple[str, ...]:
        return (self.state,) if self.state else TERMINAL_STATUSES

    @property
    def _library_videos(self) -> VideoQuerySet:
        if self.search_words:
            return self._matches_with_status(self._library_statuses)
        steadily = self.sort not in ("newest", "turn")
        found = filters.filtered(self.filters, use_order_index=steadily)
        if not self.state:
            return found.terminal()
        return found.filter_using_order_index(status=self.state) if steadily else found.filter(status=self.state)

    @cached_property
    def page(self) -> "Page[Video]":
        """Return the page of the library that was asked for, or the one that comes nearest."""
        best = self._best_match_keys()
        total = (
            len(best) if best is not None else sum(self.status_counts.get(state, 0) for state in self._library_statuses)
        )
        page: Page[Any] = Paginator(range(total), PAGE_SIZE).get_page(self.requested_page)
        numbers = range(total)[page.start_index() - 1 : page.end_index()] if total else range(0)
        keys = best[numbers.start : numbers.stop] if best is not None else self._page_keys(numbers, total)
        rows = Video.objects.without_long_text(self.search_words).in_bulk(keys)
        page.object_list = [rows[key] for key in keys if key in rows]
        return page

    def _best_match_keys(self) -> list[int] | None:
        """Return the keys of the whole library in the order of a search; None where another order is asked for."""
        if self.sort != "best":
            return None
        found = self._matches
        if self.state and self.is_truncated:
            # What is in this state was perhaps among the others that are left out.
            found = search_query.find_matching(self.search_words, self._filtered_videos.filter(status=self.state))
        return [key for key, status in found.items() if status in self._library_statuses]

    def _page_keys(self, numbers: range, total: int) -> list[int]:
        """Return the keys of these numbers of the library, read from the nearer end."""
        keys = self._library_videos.sorted_by(self.sort).values_list("pk", flat=True)
        if numbers.start <= total // 2:
            return list(keys[numbers.start : numbers.stop])
        return list(keys.reverse()[total - numbers.stop : total - numbers.start])[::-1]

    def sections_of(self, videos: list[Video]) -> list[str]:
        """Return where each of these belongs on this page."""
        keys = [video.pk for video in videos]
        shown = (
            set(self._filtered_videos.filter(pk__in=keys).values_list("pk", flat=True)) if self.filters else set(keys)
        )
        if self.search_words:
            shown &= search_query.filter_matching(keys, self.search_words)
        return [self._section_of(video) if video.pk in shown else "elsewhere" for video in videos]

    def _section_of(self, video: Video) -> str:
        if self.state:
            return "library" if video.status == self.state else "elsewhere"
        if video.is_terminal:
            return "library"
        return "active" if video.is_active else "waiting"
