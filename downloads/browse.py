"""What of the archive is looked at: the query of an address, read without trusting it."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.cache import cache
from django.core.paginator import Page, Paginator
from django.db.models import Count, Q
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from downloads.models import ENDED, Status, Video, VideoQuerySet

PAGE = 24
WAITING_SHOWN = 20
CHOICES = 50
LONGEST_QUERY = 1000
CHOICES_LAST = 60  # seconds
KINDS = {"video": "Videos", "audio": "Audio", "list": "Lists"}
DATES = {"today": ("Past day", 1), "week": ("Past week", 7), "month": ("Past month", 30), "year": ("Past year", 365)}
SORTS = {"best": "Best match", "newest": "Newest", "title": "Title", "duration": "Longest", "size": "Largest"}


class Choices(forms.Form):
    """The filters as a person chooses them; a value that is no choice is as if it were not there."""

    state = forms.ChoiceField(choices=Status.choices, required=False)
    uploader = forms.CharField(max_length=255, strip=False, required=False, widget=forms.Select)
    site = forms.CharField(max_length=100, required=False, widget=forms.Select)
    kind = forms.ChoiceField(choices=[("", "Any kind"), *KINDS.items()], required=False)
    date = forms.ChoiceField(
        label="Added",
        choices=[("", "Any time"), *((name, words) for name, (words, _) in DATES.items())],
        required=False,
    )
    sort = forms.ChoiceField(choices=list(SORTS.items()), required=False)

    def __init__(self, query: Mapping[str, Any]) -> None:
        super().__init__(query, auto_id="filter_%s", label_suffix="")
        self.is_valid()

    def offer(self, sort: str, sorts: dict[str, str]) -> None:
        """Fill in what may be chosen: the uploaders and sites that there are, and the order that is kept now."""
        for name, field, any_words in (
            ("uploader", "uploader", "Any uploader"),
            ("site", "extractor", "Any site"),
        ):
            chosen = self.cleaned_data.get(name, "")
            found = [*frequent(field)]
            if chosen and chosen not in found:
                found.insert(0, chosen)
            self.fields[name].widget.choices = [("", any_words), *((each, each) for each in found)]
        self.fields["sort"].choices = list(sorts.items())  # type: ignore[attr-defined]
        self.data = {**self.cleaned_data, "sort": sort}


def frequent(field: str) -> list[str]:
    """Return the values that most videos have, in alphabetical order; a minute old at most."""

    def count() -> list[str]:
        named = Video.objects.exclude(**{field: ""}).order_by()
        counted = named.values_list(field).annotate(count=Count("pk")).order_by("-count", field)[:CHOICES]
        return sorted((value for value, _ in counted), key=str.casefold)

    found: list[str] = cache.get_or_set(f"frequent-{field}", count, CHOICES_LAST)
    return found


class Browse:
    """The part of the archive that a query asks for, and the addresses that lead on from there."""

    def __init__(self, query: QueryDict) -> None:
        self.form = Choices(query)
        chosen = self.form.cleaned_data
        self.q = " ".join(query.get("q", "")[:LONGEST_QUERY].replace("\x00", " ").split())
        self.state: str = chosen.get("state", "")
        self.sort = self._sort(chosen.get("sort", ""))
        self.asked_page = query.get("page")
        self.filters = {name: value for name in ("uploader", "site", "kind", "date") if (value := chosen.get(name))}
        self.form.offer(self.sort, self.sorts)

    @property
    def sorts(self) -> dict[str, str]:
        """Return the orders that make sense: only a search has a best match."""
        return SORTS if self.q else {name: words for name, words in SORTS.items() if name != "best"}

    def _sort(self, asked: str) -> str:
        return asked if asked in self.sorts else next(iter(self.sorts))

    @property
    def fields(self) -> list[forms.BoundField]:
        """Return the fields of the filter bar; states have links of their own."""
        return [self.form[name] for name in ("sort", "uploader", "site", "kind", "date")]

    @property
    def is_filtered(self) -> bool:
        """Tell whether anything is left out."""
        return bool(self.q or self.state or self.filters)

    @property
    def takes_new(self) -> bool:
        """Tell whether a card that is new belongs where its order says: onto the first page, newest first."""
        return not self.q and self.sort == "newest" and self.page.number == 1

    @property
    def shows_rows(self) -> bool:
        """Tell whether the library holds videos that wait or run, which are drawn as rows."""
        return bool(self.state) and self.state not in ENDED

    # Addresses ----------------------------------------------------------------------------------

    def url(self, **changes: str | int) -> str:
        """Return the address of the same with `changes`; the first page, unless one is given."""
        kept = {"q": self.q, "state": self.state, **self.filters}
        if self.sort != next(iter(self.sorts)):
            kept["sort"] = self.sort
        query = QueryDict(mutable=True)
        query.update({name: str(value) for name, value in {**kept, **changes}.items() if value})
        return f"{reverse('library')}?{query.urlencode()}" if query else reverse("library")

    @property
    def clear_url(self) -> str:
        """Return where everything is shown."""
        return reverse("library")

    @property
    def without_q_url(self) -> str:
        """Return where the same is shown without the search."""
        return self.url(q="", sort="")

    @property
    def only_q_url(self) -> str:
        """Return where the whole archive is searched."""
        return self.url(state="", **dict.fromkeys(self.filters, ""))

    @cached_property
    def states(self) -> list[dict[str, Any]]:
        """Return the states that there are, each with its count and address, and all together first."""
        counts = self.counts
        shown = [(status.value, str(status.label)) for status in (*ENDED, *Status) if counts.get(status, 0)]
        shown += [(self.state, str(Status(self.state).label))] if self.state else []
        return [
            {
                "value": value,
                "label": label,
                "count": counts.get(value, 0) if value else sum(counts.values()),
                "url": self.url(state=value),
                "current": value == self.state,
            }
            for value, label in dict([("", "All"), *shown]).items()
        ]

    # Videos ------------------------------------------------------------------------------------

    @property
    def filtered(self) -> VideoQuerySet:
        """Return what the filters let through, in any state."""
        found = Video.objects.all()
        if uploader := self.filters.get("uploader"):
            found = found.filter(uploader=uploader)
        if site := self.filters.get("site"):
            found = found.filter(extractor=site)
        if date := self.filters.get("date"):
            found = found.filter(added_at__gte=timezone.now() - dt.timedelta(days=DATES[date][1]))
        if kind := self.filters.get("kind"):
            found = found.of_kind(kind)
        if self.q:
            found = found.filter(Q(title__icontains=self.q) | Q(uploader__icontains=self.q))
        return found

    @cached_property
    def counts(self) -> dict[str, int]:
        """Return how many there are in each state, whichever state is chosen."""
        return dict(self.filtered.order_by().values_list("status").annotate(count=Count("pk")))

    def active(self) -> VideoQuerySet:
        """Return what runs, for the section of its own; with a state chosen the library has it."""
        return Video.objects.none() if self.state else self.filtered.active().order_by("started_at", "pk")

    def waiting(self) -> VideoQuerySet:
        """Return what waits and comes first, likewise."""
        return Video.objects.none() if self.state else self.filtered.waiting()[:WAITING_SHOWN]

    @cached_property
    def page(self) -> "Page[Any]":
        """Return the page of the library that was asked for, or the one that comes nearest."""
        where = Q(status=self.state) if self.state else Q(status__in=ENDED)
        return Paginator(self.filtered.filter(where).sorted(self.sort), PAGE).get_page(self.asked_page)

    @property
    def pages(self) -> list[tuple[int | None, str]]:
        """Return the numbers to choose from with their addresses; None where some are left out."""
        numbers = self.page.paginator.get_elided_page_range(self.page.number, on_each_side=2, on_ends=1)
        return [(number, self.url(page=number)) if isinstance(number, int) else (None, "") for number in numbers]

    def places(self, videos: list[Video]) -> list[str]:
        """Return where each of these belongs on this page."""
        shown = set(self.filtered.filter(pk__in=[video.pk for video in videos]).values_list("pk", flat=True))
        return [self._place(video) if video.pk in shown else "elsewhere" for video in videos]

    def _place(self, video: Video) -> str:
        if self.state:
            return "library" if video.status == self.state else "elsewhere"
        if video.is_ended:
            return "library"
        return "active" if video.is_active else "waiting"
