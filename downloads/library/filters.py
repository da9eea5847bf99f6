"""Filters and sort orders of the library: the form, the querysets, and their cached counts."""

import datetime as dt
import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.cache import cache
from django.db.models import Count
from django.db.models.functions import Lower
from django.utils import timezone

from downloads.formatting import truncate_text
from downloads.library.subscriptions.videos import filter_by_subscription
from downloads.models import (
    ACTIVITY_STATUSES,
    UNFINISHED_STATUSES,
    Subscription,
    Video,
    VideoEvent,
    VideoQuerySet,
    WatchState,
)
from downloads.models.watching.watch_state import finished_by_condition
from downloads.network import hostnames

MAX_FILTER_CHOICES = 50  # of uploaders, and of sites
FILTER_CACHE_SECONDS = 60
COMMIT_GRACE_PERIOD = dt.timedelta(seconds=2)  # within it, an older event may still be committed
KIND_LABELS = {"video": "Video", "audio": "Audio", "list": "Playlists"}
# Seconds: from the first of them, and below the second.
LENGTH_RANGES: dict[str, tuple[str, float, float]] = {
    "short": ("Under 5 min", 0.0, 300.0),
    "medium": ("5 to 20 min", 300.0, 1200.0),
    "long": ("20 min to 1 h", 1200.0, 3600.0),
    "film": ("Over 1 h", 3600.0, 1e12),
}
DATE_RANGES = {
    "today": ("Past day", 1),
    "week": ("Past week", 7),
    "month": ("Past month", 30),
    "year": ("Past year", 365),
}
SORT_LABELS = {
    "best": "Best match",
    "newest": "Recently added",
    "oldest": "First added",
    "published": "Recently published",
    "title": "Title",
    "uploader": "Uploader",
    "duration": "Longest",
    "size": "Largest",
}
# The column of each filter. The status is not among them: it is chosen by links of its own.
FILTER_COLUMNS = {
    "uploader": "uploader",
    "site": "host",
    "length": "duration",
    "date": "added_at",
    "published": "upload_date",
    "kind": "kind",
}
# Of the extractors that older addresses name in place of the host, none has a dot.
EXTRACTOR_COLUMN = "extractor"


# Filters without a column to compare: the subtitles by an index of their own, what one person has not watched.
FLAGS = ("subtitles", "watched")
# Also of a filter that no field offers: the pages of channels set it.
CRITERIA_COLUMNS = {**FILTER_COLUMNS, "channel": "channel_id"}
# The filters of the ledgers of subscriptions, which are no column of a video.
SUBSCRIPTION_FILTER = "subscription"
FILTER_NAMES = (*FILTER_COLUMNS, SUBSCRIPTION_FILTER)
CRITERIA_NAMES = (*CRITERIA_COLUMNS, SUBSCRIPTION_FILTER)


class FilterForm(forms.Form):
    """The filters in a query string; invalid values are ignored."""

    sort = forms.ChoiceField(choices=list(SORT_LABELS.items()), required=False)
    uploader = forms.CharField(max_length=255, required=False, strip=False, widget=forms.Select)
    site = forms.CharField(max_length=100, required=False, strip=False, widget=forms.Select)
    kind = forms.ChoiceField(choices=[("", "Kind"), *KIND_LABELS.items()], required=False)
    length = forms.ChoiceField(
        choices=[("", "Length"), *((value, label) for value, (label, *_) in LENGTH_RANGES.items())], required=False
    )
    date = forms.ChoiceField(
        choices=[("", "Added"), *((value, f"Added: {label.lower()}") for value, (label, _) in DATE_RANGES.items())],
        label="Added",
        required=False,
    )
    published = forms.ChoiceField(
        choices=[
            ("", "Published"),
            *((value, f"Published: {label.lower()}") for value, (label, _) in DATE_RANGES.items()),
        ],
        required=False,
    )
    subscription = forms.RegexField(r"\A[A-Za-z0-9_-]{1,64}\Z", required=False, widget=forms.Select)
    channel = forms.RegexField(r"\A[1-9][0-9]{0,17}\Z", required=False)
    subtitles = forms.ChoiceField(choices=[("yes", "With subtitles")], required=False)
    watched = forms.ChoiceField(choices=[("no", "Unwatched")], required=False)
    # Of no chip: it names what a selection is made from.
    alone = forms.ChoiceField(choices=[("yes", "Without videos of playlists")], required=False)

    def __init__(self, query: Mapping[str, Any]) -> None:
        super().__init__(query, auto_id="filter_%s", label_suffix="")
        self.is_valid()

    def fill_choices(self, sort: str, sort_choices: dict[str, str]) -> None:
        """Set the choices of uploader, site and sort order, and the selected values."""
        for name, blank_label in (("uploader", "Uploader"), ("site", "Site")):
            values = {self.cleaned_data.get(name, ""), *frequent_values(FILTER_COLUMNS[name])} - {""}
            to_label = site_label if name == "site" else str
            choices = sorted(((value, to_label(value)) for value in values), key=lambda choice: choice[1].casefold())
            self.fields[name].widget.choices = [("", blank_label), *choices]
        self.fields[SUBSCRIPTION_FILTER].widget.choices = [
            ("", "Subscription"),
            *subscription_choices(self.cleaned_data.get(SUBSCRIPTION_FILTER, "")),
        ]
        # Playlists have a tab.
        self.fields["kind"].widget.choices = [("", "Kind"), ("video", "Video"), ("audio", "Audio")]
        self.fields["sort"].choices = list(sort_choices.items())  # type: ignore[attr-defined]
        self.data = {**self.cleaned_data, "sort": sort}


def frequent_values(column: str) -> list[str]:
    """Return the most frequent values of a column, up to `MAX_FILTER_CHOICES`; cached for `FILTER_CACHE_SECONDS`."""

    def count() -> list[str]:
        counts = Video.objects.order_by().values_list(column).annotate(count=Count("pk"))
        most_frequent = counts.exclude(**{column: ""}).order_by("-count", column)[:MAX_FILTER_CHOICES]
        return [value for value, _ in most_frequent if isinstance(value, str)]

    return cache.get_or_set(f"frequent-{column}", count, FILTER_CACHE_SECONDS) or []


def subscription_choices(selected: str = "") -> list[tuple[str, str]]:
    """Return the subscriptions to choose from by name, `MAX_FILTER_CHOICES` at most, and the selected one; cached."""

    def read() -> list[tuple[str, str]]:
        rows = Subscription.objects.order_by(Lower("name"), "pk")[:MAX_FILTER_CHOICES]
        return [(row.key, truncate_text(str(row), 60)) for row in rows]

    choices = cache.get_or_set("subscription-choices", read, FILTER_CACHE_SECONDS) or []
    if selected and selected not in dict(choices) and (row := Subscription.objects.filter(key=selected).first()):
        return [*choices, (row.key, truncate_text(str(row), 60))]
    return choices


def filter_videos(criteria: dict[str, str], *, use_order_index: bool = False, has_many: bool = False) -> VideoQuerySet:
    """Return the videos that match, with any status; `use_order_index` makes SQLite scan the index of the order.

    `has_many` says that a subscription has so many that this is faster than to sort them.
    """
    lookups = _build_lookups(criteria)
    videos = Video.objects.filter_using_order_index(**lookups) if use_order_index else Video.objects.filter(**lookups)
    videos = videos.with_subtitles() if "subtitles" in criteria else videos
    videos = videos.alone() if "alone" in criteria else videos
    if key := criteria.get(SUBSCRIPTION_FILTER):
        videos = filter_by_subscription(videos, key, has_many=has_many)
    # A playlist is not watched itself.
    user_pk = criteria.get("unwatched_by")
    return _without_playlists(videos).filter(~finished_by_condition(int(user_pk))) if user_pk else videos


def count_watchable(criteria: dict[str, str], status_counts: dict[str, int]) -> int:
    """Return how many matching videos can be watched, by the numbers of `count_by_status`."""
    count = sum(count for status, count in status_counts.items() if status not in ACTIVITY_STATUSES)
    if any(status_counts.get(status) for status in UNFINISHED_STATUSES):
        count += filter_videos(criteria).redownloading().count()
    return count


def count_by_status(criteria: dict[str, str], latest_event: VideoEvent | None) -> dict[str, int]:
    """Return the number of matching videos per status; cached until there is a newer event than `latest_event`.

    Not cached while that event is younger than `COMMIT_GRACE_PERIOD`. What a person has watched is subtracted each
    time: no event tells of it, and it is little beside all that one has not watched.
    """
    shared = {name: value for name, value in criteria.items() if name != "unwatched_by"}
    if not (user_pk := criteria.get("unwatched_by")):
        return _count_cached(shared, latest_event)
    counts = Counter(_count_cached(shared, latest_event, with_playlists=False))
    finished = WatchState.objects.filter(user_id=int(user_pk), is_finished=True).values("video")
    counts.subtract(_group_by_status(_without_playlists(filter_videos(shared)).filter(pk__in=finished)))
    return {status: count for status, count in counts.items() if count > 0}


def _count_cached(
    criteria: dict[str, str], latest_event: VideoEvent | None, *, with_playlists: bool = True
) -> dict[str, int]:
    def count() -> dict[str, int]:
        videos = filter_videos(criteria)
        return _group_by_status(videos if with_playlists else _without_playlists(videos))

    if latest_event is None or latest_event.at is None or timezone.now() - latest_event.at < COMMIT_GRACE_PERIOD:
        return count()
    flags = ("subtitles" in criteria, "alone" in criteria, with_playlists, criteria.get(SUBSCRIPTION_FILTER))
    key_parts = repr((latest_event.pk, latest_event.at, flags, sorted(_build_lookups(criteria).items())))
    digest = hashlib.sha256(key_parts.encode()).hexdigest()
    return cache.get_or_set(f"counts-{digest}", count, FILTER_CACHE_SECONDS) or {}


def _group_by_status(videos: VideoQuerySet) -> dict[str, int]:
    return dict(videos.order_by().values_list("status").annotate(count=Count("pk")))


def _without_playlists(videos: VideoQuerySet) -> VideoQuerySet:
    # By the kind, which the indexes of the orders have.
    return videos.exclude(kind="list")


def site_label(host: str) -> str:
    """Return a host as people know it: without "www.", in its own script."""
    return hostnames.to_readable(host.removeprefix("www.")) if "." in host else host


def _build_lookups(criteria: dict[str, str]) -> dict[str, Any]:
    lookups: dict[str, Any] = {}
    for name, value in criteria.items():
        if name not in CRITERIA_COLUMNS:
            continue
        column = CRITERIA_COLUMNS[name]
        if name == "length":
            _, lookups[f"{column}__gte"], lookups[f"{column}__lt"] = LENGTH_RANGES[value]
        elif name in ("date", "published"):
            lookups[f"{column}__gte"] = _first_moment(value, is_day=name == "published")
        elif name == "site" and "." not in value and ":" not in value and value not in frequent_values(column):
            lookups[EXTRACTOR_COLUMN] = value
        else:
            lookups[column] = value
    return lookups


def _first_moment(date_range: str, *, is_day: bool) -> dt.datetime | dt.date:
    """Return the first moment of a range of DATE_RANGES, to the minute, or its first day."""
    first = timezone.now().replace(second=0, microsecond=0) - dt.timedelta(days=DATE_RANGES[date_range][1])
    return first.date() if is_day else first
