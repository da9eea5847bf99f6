"""Confirmation of an action on many videos: what is about to happen, before it does."""

import dataclasses
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from downloads.actions.delete_confirmation import MAX_LISTED_NAMES, bulk_removal_message
from downloads.formatting import display_name, format_bytes
from downloads.models import ACTIVE_STATUSES, UNFINISHED_STATUSES, Status, Video
from downloads.pluralization import format_count

MAX_UNCONFIRMED_REDOWNLOADS = 5
TOTALS = {
    "count": Count("pk"),
    "size": Sum("size"),
    "active": Count("pk", filter=Q(status__in=ACTIVE_STATUSES)),
    "playlists": Count("pk", filter=Q(is_list=True)),
}
# Question, the button that agrees, and the one that does not.
WORDS = {
    "delete": ("Delete {}?", "Delete", "Keep them"),
    "again": ("Download {} again?", "Download again", "Go back"),
    "cancel": ("Cancel the downloads of {}?", "Cancel downloads", "Go back"),
    "retry": ("Retry {}?", "Retry", "Go back"),
    "front": ("Start {} next?", "Start next", "Go back"),
}

# The states in which an action does something; a deletion does in all.
APPLICABLE_STATUSES: dict[str, tuple[str, ...]] = {
    "again": (Status.COMPLETE,),
    "cancel": UNFINISHED_STATUSES,
    "retry": (Status.FAILED, Status.CANCELLED),
    "front": (Status.QUEUED,),
}


@dataclasses.dataclass(frozen=True)
class BulkConfirmation:
    """The question about many videos, the first MAX_LISTED_NAMES names, and a message about what happens."""

    question: str
    names: list[str]
    more_count: int
    message: str
    verb: str
    dismissal: str
    is_deletion: bool


def build_bulk_confirmation(videos: "QuerySet[Video]", action_name: str, note: str = "") -> BulkConfirmation:
    """Return the confirmation of an action of WORDS; `note` is a sentence before what happens.

    The number of queries does not grow with the number of videos.
    """
    totals = videos.order_by().aggregate(**TOTALS)
    count = totals["count"]
    question, verb, dismissal = WORDS[action_name]
    describe = MESSAGES.get(action_name)
    first = videos.only("title", "url")[:MAX_LISTED_NAMES]
    return BulkConfirmation(
        question=question.format(format_count(count, "video")),
        names=[display_name(video) for video in first],
        more_count=max(0, count - MAX_LISTED_NAMES),
        message=" ".join(filter(None, [note, describe(totals) if describe else ""])),
        verb=verb,
        dismissal=dismissal,
        is_deletion=action_name == "delete",
    )


def _deletion_message(totals: dict[str, Any]) -> str:
    return bulk_removal_message(totals["active"], totals["size"] or 0, has_playlist=bool(totals["playlists"]))


def _redownload_message(totals: dict[str, Any]) -> str:
    size = f" ({format_bytes(totals['size'])} in all)" if totals["size"] else ""
    parts = [f"Each is fetched from its site again{size}. What is here stays until the new file has arrived."]
    if totals["playlists"]:
        parts.append("Playlists are checked for new videos.")
    return " ".join(parts)


MESSAGES = {"delete": _deletion_message, "again": _redownload_message}
