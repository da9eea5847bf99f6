"""What of the archive is looked at: the query of an address, read without trusting it."""

from collections import Counter
from typing import Any

from django import forms
from django.core.paginator import Page, Paginator
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from downloads.library import filters
from downloads.models import ACTIVE_STATUSES, TERMINAL_STATUSES, UNFINISHED_STATUSES, Status, Video, VideoEvent, VideoQuerySet, event
from downloads.search import query as search_query

PAGE = 24
WAITING_SHOWN = 12


class Browse:
    """The part of the archive that a query asks for, and the addresses that lead on from there."""

    def __init__(self, query: QueryDict) -> None:
        self.form = filters.Filters(query)
        chosen = self.form.cleaned_data
        self.q = " ".join(query.get("q", "")[: search_query.MAX_QUERY_LENGTH].replace("\x00", " ").split())
        self.words = search_query.parse_query(self.q)
        self.state: str = chosen.get("state", "")
        self.filters: dict[str, str] = {name: chosen[name] for name in filters.COLUMNS if chosen.get(name)}
        # What matches best is known of a search only, and whose turn is next of what waits.
        unfit = {"best": not self.words, "turn": self.state != Status.QUEUED}
        self.sorts = {name: words for name, words in filters.SORTS.items() if not unfit.get(name)}
        self.usual_sort = next(iter(self.sorts))
        self.sort = asked if (asked := chosen.get("sort", "")) in self.sorts else self.usual_sort
        self.asked_page = query.get("page")

    @cached_property
    def fields(self) -> list[forms.BoundField]:
        """Return the fields of the filter bar."""
        self.form.offer(self.sort, self.sorts)
        return [self.form[name] for name in ("sort", *filters.COLUMNS)]

    @property
    def is_filtered(self) -> bool:
        """Tell whether anything is left out."""
        return bool(self.words or self.state or self.filters)

    @property
    def takes_new(self) -> bool:
        """Tell whether a card that is new may be put where its order says: in the usual one, on the first page."""
        return not self.words and self.sort == self.usual_sort and self.page.number == 1

    @property
    def shows_rows(self) -> bool:
        """Tell whether the library holds videos that wait or run, which are drawn as rows."""
        return self.state in UNFINISHED_STATUSES

    # Addresses ----------------------------------------------------------------------------------

    def url(self, **changes: str | int) -> str:
        """Return the address of the same with `changes`; its first page, unless one is given."""
        kept = {"q": self.q, "state": self.state, **self.filters}
        if self.sort != self.usual_sort:
            kept["sort"] = self.sort
        query = QueryDict(mutable=True)
        query.update({name: str(value) for name, value in {**kept, **changes}.items() if value})
        return f"{reverse('library')}?{query.urlencode()}" if query else reverse("library")

    @cached_property
    def clear_url(self) -> str:
        """Return where everything is shown."""
        return reverse("library")

    @property
    def without_q_url(self) -> str:
        """Return where the same is shown without the search."""
        return self.url(q="")

    @property
    def only_q_url(self) -> str:
        """Return where the whole archive is searched."""
        return self.url(state="", **dict.fromkeys(self.filters, ""))

    @cached_property
    def states(self) -> list[dict[str, Any]]:
        """Return the states that there are, each with its count and address, and all of them first."""
        shown = [status for status in (*TERMINAL_STATUSES, *UNFINISHED_STATUSES) if self.counts.get(status) or status == self.state]
        found = [("", "All", sum(self.counts.values()))]
        found += [(status.value, str(status.label), self.counts.get(status, 0)) for status in shown]
        return [
            {
                "value": value,
                "label": label,
                "count": count,
                "url": self.url(state=value),
                "current": value == self.state,
            }
            for value, label, count in found
        ]

    @property
    def pages(self) -> list[tuple[int | None, str]]:
        """Return the numbers to choose from with their addresses; None where some are left out."""
        numbers = self.page.paginator.get_elided_page_range(self.page.number, on_each_side=2, on_ends=1)
        return [(number, self.url(page=number)) if isinstance(number, int) else (None, "") for number in numbers]

    # Videos ------------------------------------------------------------------------------------

    @property
    def _narrowed(self) -> VideoQuerySet:
        return filters.narrowed(self.filters)

    @cached_property
    def _found(self) -> dict[int, str]:
        """Return the keys and states of what the search finds, best first."""
        return search_query.find_matching(self.words, self._narrowed if self.filters else None)

    @property
    def is_cut(self) -> bool:
        """Tell whether the search finds more than it shows."""
        return len(self._found) == search_query.MAX_RESULTS if self.words else False

    @cached_property
    def newest(self) -> VideoEvent | None:
        """Return the newest change: what is counted holds until the next."""
        return event.latest_event()

    @property
    def rev(self) -> int:
        """Return the archive's `rev`; read before the rows, so that a change in between is noticed, not missed."""
        return self.newest.pk if self.newest else 0

    @cached_property
    def counts(self) -> dict[str, int]:
        """Return how many there are in each state, whichever state is chosen."""
        if self.words:
            return dict(Counter(self._found.values()))
        return filters.counted(self.filters, self.newest) if self.filters else self.all_counts

    @cached_property
    def all_counts(self) -> dict[str, int]:
        """Return how many there are in each state in the whole archive."""
        return filters.counted({}, self.newest)

    def active(self) -> VideoQuerySet:
        """Return what runs; with a state chosen the library has it."""
        return self._section(ACTIVE_STATUSES).order_by("started_at", "pk")

    def waiting(self) -> VideoQuerySet:
        """Return what comes next, likewise."""
        return self._section((Status.QUEUED,)).waiting()[:WAITING_SHOWN]

    @property
    def fills_waiting(self) -> bool:
        """Tell whether as much waits as is shown: one more or less is then a matter of the others as well."""
        return self.counts.get(Status.QUEUED, 0) >= WAITING_SHOWN

    def _section(self, states: tuple[str, ...]) -> VideoQuerySet:
        if self.state:
            return Video.objects.none()
        found = self._found_in(states) if self.words else self._narrowed.filter(status__in=states)
        return found.without_long_text(self.words)

    def _found_in(self, states: tuple[str, ...]) -> VideoQuerySet:
        return Video.objects.filter(pk__in=[key for key, status in self._found.items() if status in states])

    @property
    def _library_states(self) -> tuple[str, ...]:
        return (self.state,) if self.state else TERMINAL_STATUSES

    @property
    def _library(self) -> VideoQuerySet:
        if self.words:
            return self._found_in(self._library_states)
        steadily = self.sort not in ("newest", "turn")
        found = filters.narrowed(self.filters, steadily=steadily)
        if not self.state:
            return found.terminal()
        return found.filter_using_order_index(status=self.state) if steadily else found.filter(status=self.state)

    @cached_property
    def page(self) -> "Page[Video]":
        """Return the page of the library that was asked for, or the one that comes nearest."""
        best = self._best()
        total = len(best) if best is not None else sum(self.counts.get(state, 0) for state in self._library_states)
        page: Page[Any] = Paginator(range(total), PAGE).get_page(self.asked_page)
        numbers = range(total)[page.start_index() - 1 : page.end_index()] if total else range(0)
        keys = best[numbers.start : numbers.stop] if best is not None else self._keys(numbers, total)
        rows = Video.objects.without_long_text(self.words).in_bulk(keys)
        page.object_list = [rows[key] for key in keys if key in rows]
        return page

    def _best(self) -> list[int] | None:
        """Return the keys of the whole library in the order of a search; None where another order is asked for."""
        if self.sort != "best":
            return None
        found = self._found
        if self.state and self.is_cut:
            # What is in this state was perhaps among the others that are left out.
            found = search_query.find_matching(self.words, self._narrowed.filter(status=self.state))
        return [key for key, status in found.items() if status in self._library_states]

    def _keys(self, numbers: range, total: int) -> list[int]:
        """Return the keys of these numbers of the library, read from the nearer end."""
        keys = self._library.sorted_by(self.sort).values_list("pk", flat=True)
        if numbers.start <= total // 2:
            return list(keys[numbers.start : numbers.stop])
        return list(keys.reverse()[total - numbers.stop : total - numbers.start])[::-1]

    def places(self, videos: list[Video]) -> list[str]:
        """Return where each of these belongs on this page."""
        keys = [video.pk for video in videos]
        shown = set(self._narrowed.filter(pk__in=keys).values_list("pk", flat=True)) if self.filters else set(keys)
        if self.words:
            shown &= search_query.filter_matching(keys, self.words)
        return [self._place(video) if video.pk in shown else "elsewhere" for video in videos]

    def _place(self, video: Video) -> str:
        if self.state:
            return "library" if video.status == self.state else "elsewhere"
        if video.is_terminal:
            return "library"
        return "active" if video.is_active else "waiting"
