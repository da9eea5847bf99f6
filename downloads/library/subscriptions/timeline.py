"""The history of a subscription: its events, and which of them have the icon and colour of a status."""

import dataclasses
from collections.abc import Iterable

from downloads.models import Status, VideoEvent
from downloads.models.subscriptions.checks import FAILED_PREFIX, RECOVERED_REASON


@dataclasses.dataclass(frozen=True)
class TimelineEntry:
    """An event, and the status that it is shown as: "failed", "complete", or "" for most."""

    event: VideoEvent
    status: str = ""


def build_timeline(events: Iterable[VideoEvent]) -> list[TimelineEntry]:
    """Return the entries of these events, in their order."""
    return [TimelineEntry(event, _find_status(event.reason)) for event in events]


def _find_status(reason: str) -> str:
    if reason.startswith(FAILED_PREFIX):
        return Status.FAILED.value
    return Status.COMPLETE.value if reason == RECOVERED_REASON else ""
