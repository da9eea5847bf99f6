"""What the library can be filtered and ordered by, as a person chooses it."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.cache import cache
from django.db.models import Count
from django.utils import timezone

from downloads.models import Status, Video, VideoEvent, VideoQuerySet

MAX_FILTER_CHOICES = 50  # uploaders, and sites
FILTER_CACHE_SECONDS = 60  # seconds that these may be old
COMMIT_GRACE_PERIOD = dt.timedelta(seconds=2)  # after which no older change is committed any more
KIND_LABELS = {"video": "Videos", "audio": "Audio", "list": "Lists"}
DATE_RANGES = {
    "today": ("Past day", 1),
    "week": ("Past week", 7),
    "month": ("Past month", 30),
    "year": ("Past year", 365),
}
SORT_LABELS = {
    "best": "Best match",
    "turn": "Next first",
    "newest": "Newest",
    "title": "Title",
    "duration": "Longest",
    "size": "Largest",
}
# Each filter but the state, which has links of its own, and the column that it is about.
FILTER_COLUMNS = {"uploader": "uploader", "site": "extractor", "kind": "kind", "date": "added_at"}


class FilterForm(forms.Form):
    """The filters of an address; a value that is no choice is as if it were not there."""

    sort = forms.ChoiceField(choices=list(SORT_LABELS.items()), required=False)
    uploader = forms.CharField(max_length=255, required=False, strip=False, widget=forms.Select)
    site = forms.CharField(max_length=100, required=False, strip=False, widget=forms.Select)
    kind = forms.ChoiceField(choices=[("", "Any kind"), *KIND_LABELS.items()], required=False)
    date = forms.ChoiceField(
        label="Added",
        choices=[("", "Any time"), *((each, DATE_RANGES[each][0]) for each in DATE_RANGES)],
        required=False,
    )
    state = forms.ChoiceField(choices=Status.choices, required=False)

    def __init__(self, query: Mapping[str, Any]) -> None:
        super().__init__(query, auto_id="filter_%s", label_suffix="")
        self.is_valid()

    def fill_choices(self, sort: str, sort_choices: dict[str, str]) -> None:
        """Fill in what there is to choose from, and what is chosen."""
        for name, any_of in (("uploader", "Any uploader"), ("site", "Any site")):
            chosen = {self.cleaned_data.get(name, ""), *frequent_values(FILTER_COLUMNS[name])} - {""}
            found = sorted(chosen, key=str.casefold)
            self.fields[name].widget.choices = [("", any_of), *zip(found, found, strict=True)]
        self.fields["sort"].choices = list(sort_choices.items())  # type: ignore[attr-defined]
        self.data = {**self.cleaned_data, "sort": sort}


def frequent_values(column: str) -> list[str]:
    """Return the values that most videos have; a minute old at most."""

    def count() -> list[str]:
        counted = Video.objects.order_by().values_list(column).annotate(count=Count("pk"))
        most = counted.exclude(**{column: ""}).order_by("-count", column)[:MAX_FILTER_CHOICES]
        return [value for value, _ in most]

    return cache.get_or_set(f"frequent-{column}", count, FILTER_CACHE_SECONDS) or []


def filtered(criteria: dict[str, str], *, use_order_index: bool = False) -> VideoQuerySet:
    """Return the videos that these filters let through, in any state; `steadily` where an order's index is to lead."""
    where = _build_lookups(criteria)
    return Video.objects.filter_using_order_index(**where) if use_order_index else Video.objects.filter(**where)


def count_by_status(criteria: dict[str, str], latest_event: VideoEvent | None) -> dict[str, int]:
    """Return how many of these there are in each state; counted anew once there is a newer event than `newest`."""

    def count() -> dict[str, int]:
        return dict(filtered(criteria).order_by().values_list("status").annotate(count=Count("pk")))

    if latest_event is None or timezone.now() - latest_event.at < COMMIT_GRACE_PERIOD:
        return count()
    asked = repr((latest_event.pk, latest_event.at, sorted(_build_lookups(criteria).items())))
    return cache.get_or_set(f"counts-{hashlib.sha256(asked.encode()).hexdigest()}", count, FILTER_CACHE_SECONDS) or {}


def _build_lookups(criteria: dict[str, str]) -> dict[str, Any]:
    where: dict[str, Any] = {FILTER_COLUMNS[name]: value for name, value in criteria.items() if name != "date"}
    if "date" in criteria:
        minute = timezone.now().replace(second=0, microsecond=0)
        where["added_at__gte"] = minute - dt.timedelta(days=DATE_RANGES[criteria["date"]][1])
    return where
