"""Template tags for the first page of the admin: the state of the archive, and a note for each model."""

from typing import Any

from django import template
from django.http import QueryDict

from downloads.library.activity import SECTION_KINDS, ActivityListing
from downloads.models import Queue
from downloads.monitoring.standstill import standstill_sentence
from downloads.ytdlp_update.selection import select_version_cached
from downloads.ytdlp_update.status import read_status

register = template.Library()

# In the order of the rows.
MODEL_NOTES = {
    "downloads.video": "Every download with its state. Retry, cancel or delete many at once.",
    "downloads.subscription": "Channels and playlists that are followed, and when each is checked.",
    "downloads.subscriptionitem": "Every video that was seen in a subscription, and why it is or isn’t here.",
    "auth.user": "Who can sign in, and what each may do.",
    "auth.group": "The roles: what viewers, editors and managers may do.",
}
# Their tables are small; the number of videos is known without counting rows, and that of subscription items is not.
COUNTED_MODELS = {"downloads.subscription", "auth.user", "auth.group"}


@register.simple_tag
def archive_overview() -> dict[str, Any]:
    """Return the queue, the number of videos in each section of the activity page, what stands still, and yt-dlp."""
    listing = ActivityListing(QueryDict())
    return {
        "queue": Queue.get_or_default(),
        "sections": [(kind.label, f"{listing.count(kind):,}", listing.build_url(kind)) for kind in SECTION_KINDS],
        "video_count": sum(listing.archive_status_counts.values()),
        "standstill": standstill_sentence(),
        "ytdlp": select_version_cached(),
        "ytdlp_update": read_status(),
    }


# They take the rows of Django's list of apps: a template would call the class of a model.


@register.filter
def most_used_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows in the order of the notes, where Django has that of the alphabet."""
    order = [*MODEL_NOTES]
    return sorted(
        rows, key=lambda row: order.index(label) if (label := row["model"]._meta.label_lower) in order else 99
    )


@register.filter
def model_note(row: dict[str, Any]) -> str:
    """Return a sentence about what is done in the list of a model; "" for a model of another app."""
    return MODEL_NOTES.get(row["model"]._meta.label_lower, "")


@register.filter
def add_label(row: dict[str, Any]) -> str:
    """Return the words of the button that adds to a list: "Add user"."""
    return f"Add {row['model']._meta.verbose_name}"


@register.simple_tag
def model_count(row: dict[str, Any], video_count: int) -> str:
    """Return the number of rows of a model; "" where they would have to be counted for long."""
    label = row["model"]._meta.label_lower
    if label == "downloads.video":
        return f"{video_count:,}"
    return f"{row['model']._default_manager.count():,}" if label in COUNTED_MODELS else ""
