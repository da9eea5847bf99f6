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

OFFERED = 50  # uploaders, and sites
FRESH = 60  # seconds that these may be old
SETTLED = dt.timedelta(seconds=2)  # after which no older change is committed any more
KINDS = {"video": "Videos", "audio": "Audio", "list": "Lists"}
DATES = {"today": ("Past day", 1), "week": ("Past week", 7), "month": ("Past month", 30), "year": ("Past year", 365)}
SORTS = {
    "best": "Best match",
    "turn": "Next first",
    "newest": "Newest",
    "title": "Title",
    "duration": "Longest",
    "size": "Largest",
}
# Each filter but the state, which has links of its own, and the column that it is about.
COLUMNS = {"uploader": "uploader", "site": "extractor", "kind": "kind", "date": "added_at"}


class Filters(forms.Form):
    """The filters of an address; a value that is no choice is as if it were not there."""

    sort = forms.ChoiceField(choices=list(SORTS.items()), required=False)
    uploader = forms.CharField(max_length=255, required=False, strip=False, widget=forms.Select)
    site = forms.CharField(max_length=100, required=False, strip=False, widget=forms.Select)
    kind = forms.ChoiceField(choices=[("", "Any kind"), *KINDS.items()], required=False)
    date = forms.ChoiceField(
        label="Added", choices=[("", "Any time"), *((each, DATES[each][0]) for each in DATES)], required=False
    )
    state = forms.ChoiceField(choices=Status.choices, required=False)

    def __init__(self, query: Mapping[str, Any]) -> None:
        super().__init__(query, auto_id="filter_%s", label_suffix="")
        self.is_valid()

    def offer(self, sort: str, sorts: dict[str, str]) -> None:
        """Fill in what there is to choose from, and what is chosen."""
        for name, any_of in (("uploader", "Any uploader"), ("site", "Any site")):
            chosen = {self.cleaned_data.get(name, ""), *frequent(COLUMNS[name])} - {""}
            found = sorted(chosen, key=str.casefold)
            self.fields[name].widget.choices = [("", any_of), *zip(found, found, strict=True)]
        self.fields["sort"].choices = list(sorts.items())  # type: ignore[attr-defined]
        self.data = {**self.cleaned_data, "sort": sort}


def frequent(column: str) -> list[str]:
    """Return the values that most videos have; a minute old at most."""

    def count() -> list[str]:
        counted = Video.objects.order_by().values_list(column).annotate(count=Count("pk"))
        most = counted.exclude(**{column: ""}).order_by("-count", column)[:OFFERED]
        return [value for value, _ in most]

    return cache.get_or_set(f"frequent-{column}", count, FRESH) or []


def narrowed(chosen: dict[str, str], *, steadily: bool = False) -> VideoQuerySet:
    """Return the videos that these filters let through, in any state; `steadily` where an order's index is to lead."""
    where = _where(chosen)
    return Video.objects.filter_using_order_index(**where) if steadily else Video.objects.filter(**where)


def counted(chosen: dict[str, str], newest: VideoEvent | None) -> dict[str, int]:
    """Return how many of these there are in each state; counted anew once there is a newer event than `newest`."""

    def count() -> dict[str, int]:
        return dict(narrowed(chosen).order_by().values_list("status").annotate(count=Count("pk")))

    if newest is None or timezone.now() - newest.at < SETTLED:
        return count()
    asked = repr((newest.pk, newest.at, sorted(_where(chosen).items())))
    return cache.get_or_set(f"counts-{hashlib.sha256(asked.encode()).hexdigest()}", count, FRESH) or {}


def _where(chosen: dict[str, str]) -> dict[str, Any]:
    where: dict[str, Any] = {COLUMNS[name]: value for name, value in chosen.items() if name != "date"}
    if "date" in chosen:
        minute = timezone.now().replace(second=0, microsecond=0)
        where["added_at__gte"] = minute - dt.timedelta(days=DATES[chosen["date"]][1])
    return where
