"""Verbs of people on subscriptions, shared by pages, commands and the admin."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from downloads.models import Subscription, Video

# Columns that a person may set.
EDITABLE_FIELDS = (
    "name", "tabs", "quality", "subtitle_languages", "check_interval", "cron", "time_zone",
    "title_includes", "title_excludes", "min_duration", "max_duration", "published_since", "max_new",
    "start", "start_count", "start_date", "keep_days", "keep_newest",
)  # fmt: skip


def check_settings(values: Mapping[str, Any]) -> None:
    """Raise ValidationError, a dict of sentences by field, unless a subscription can have these values together."""
    raise NotImplementedError


def subscribe(url: str, *, added_by: Any = None, **values: Any) -> tuple[Subscription, bool]:
    """Follow a list, and check it at once; return (subscription, True), or (the one with this URL, False).

    Raise InvalidUrl for the URL and ValidationError for the values (EDITABLE_FIELDS).
    """
    raise NotImplementedError


def edit(subscription: Subscription, values: Mapping[str, Any], user: Any = None) -> int:
    """Change a subscription, also while it is checked; return how many items were queued by the new filters.

    Raise ValidationError. What the filters had kept out is judged anew; a new schedule counts from now on.
    """
    raise NotImplementedError


def unsubscribe(subscription: Subscription, reason: str = "Unsubscribed") -> bool:
    """Follow a list no more: its ledger goes, its videos stay. False if it is gone already.

    To delete the videos as well, start the bulk action of `own_videos` before.
    """
    raise NotImplementedError


def own_videos(subscription: Subscription) -> "Any":
    """Return the videos that this subscription alone has brought, protected ones left out."""
    return Video.objects.none()


__all__ = ["EDITABLE_FIELDS", "ValidationError", "check_settings", "edit", "own_videos", "subscribe", "unsubscribe"]
