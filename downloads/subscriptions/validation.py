"""Checks of what a person may set of a subscription: a sentence for each field that cannot be."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from downloads.database.clock import read_clock
from downloads.models import ChannelTab, Quality, StartChoice, Subscription
from downloads.models.subscriptions.subscription import MAX_LIST_LENGTH
from downloads.subscriptions.patterns import InvalidPattern, check_pattern
from downloads.subscriptions.schedule import InvalidSchedule, Schedule, load_zone

# Columns that a person may set.
EDITABLE_FIELDS = (
    "name", "tabs", "quality", "subtitle_languages", "check_interval", "cron", "time_zone",
    "title_includes", "title_excludes", "min_duration", "max_duration", "published_since", "max_new",
    "start", "start_count", "start_date", "keep_days", "keep_newest",
)  # fmt: skip
SCHEDULE_FIELDS = ("check_interval", "cron", "time_zone")
FILTER_FIELDS = ("title_includes", "title_excludes", "min_duration", "max_duration", "published_since")
RETENTION_FIELDS = ("keep_days", "keep_newest")
START_FIELDS = ("start", "start_count", "start_date")
INVISIBLE_MESSAGE = "This contains invisible characters. Type it again."
MAX_KEEP_DAYS = 36_500
MAX_DURATION = 10**9
# Least and largest value, and whether the field may be empty.
NUMBERS = {
    "min_duration": (0, MAX_DURATION, True),
    "max_duration": (1, MAX_DURATION, True),
    "max_new": (1, MAX_LIST_LENGTH, False),
    "start_count": (1, MAX_LIST_LENGTH, True),
    "keep_days": (1, MAX_KEEP_DAYS, True),
    "keep_newest": (1, MAX_LIST_LENGTH, True),
}
CHOICES = {"quality": Quality.values, "start": StartChoice.values}


def check_settings(values: Mapping[str, Any]) -> None:
    """Raise ValidationError, with sentences by field, unless a subscription can have these values together.

    What is not given has its default.
    """
    unknown = values.keys() - set(EDITABLE_FIELDS)
    if unknown:
        raise TypeError(f"No settings of a subscription: {', '.join(sorted(unknown))}")
    defaults = {name: _field(name).get_default() for name in EDITABLE_FIELDS}
    complete = {**defaults, **values}
    errors = {
        **_check_texts(complete),
        **_check_numbers(complete),
        **_check_patterns(complete),
        **_check_start(complete),
    }
    if errors.keys().isdisjoint(SCHEDULE_FIELDS):
        errors |= _check_schedule(complete)
    if errors:
        raise ValidationError(errors)


def _field(name: str) -> Any:
    return Subscription._meta.get_field(name)


def label(name: str) -> str:
    """Return the label of a setting."""
    return str(_field(name).verbose_name)


def _check_texts(values: Mapping[str, Any]) -> dict[str, str]:
    errors = {}
    for name in ("name", "subtitle_languages", "cron", "time_zone"):
        longest = _field(name).max_length or 0
        if "\x00" in str(values[name]):
            errors[name] = INVISIBLE_MESSAGE
        elif len(str(values[name])) > longest:
            errors[name] = f"This is too long ({longest} characters at most)."
    for name, choices in CHOICES.items():
        if values[name] not in choices:
            errors[name] = f"“{values[name]}” is none of: {', '.join(choices)}."
    tabs = str(values["tabs"]).split(",")
    if not all(tab in ChannelTab.values for tab in tabs):
        errors["tabs"] = f"Choose at least one of: {', '.join(ChannelTab.values)}."
    return errors


def _check_numbers(values: Mapping[str, Any]) -> dict[str, str]:
    errors = {}
    for name, (least, most, may_be_empty) in NUMBERS.items():
        value = values[name]
        if value is None and may_be_empty:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            errors[name] = f"Enter a whole number between {least:,} and {most:,}."
    if not isinstance(values["check_interval"], int) or isinstance(values["check_interval"], bool):
        errors["check_interval"] = "Enter a whole number of seconds."
    shortest, longest = values["min_duration"], values["max_duration"]
    if not errors and shortest is not None and longest is not None and shortest > longest:
        errors["max_duration"] = "The longest is shorter than the shortest: no video would match."
    return errors


def _check_patterns(values: Mapping[str, Any]) -> dict[str, str]:
    errors = {}
    for name in ("title_includes", "title_excludes"):
        try:
            check_pattern(values[name])
        except InvalidPattern as error:
            errors[name] = str(error)
    return errors


def _check_start(values: Mapping[str, Any]) -> dict[str, str]:
    if values["start"] == StartChoice.NEWEST and values["start_count"] is None:
        return {"start_count": "Enter how many of the newest videos to fetch."}
    if values["start"] == StartChoice.SINCE and values["start_date"] is None:
        return {"start_date": "Enter the day since which videos are fetched."}
    return {}


def _check_schedule(values: Mapping[str, Any]) -> dict[str, str]:
    try:
        load_zone(values["time_zone"])
        interval = dt.timedelta(seconds=max(-1, min(values["check_interval"], MAX_DURATION)))
        Schedule(interval, values["cron"], values["time_zone"]).check(read_clock())
    except InvalidSchedule as error:
        return {error.field: str(error)}
    return {}
