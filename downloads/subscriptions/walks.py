"""Walks of a check: which ranges of which tabs are listed, and where the walk through older videos goes on.

A channel grows at its top: its newest are listed, and where they hold no known video, the walk goes on in later checks
until it meets what is known. A playlist grows at its end: it is listed whole.
"""

import enum
from dataclasses import dataclass

from downloads.models import Subscription

NEWEST_COUNT = 50  # of a tab, per check
SLICE_LENGTH = 200  # of older videos, per check
MAX_PLAYLIST_LENGTH = 5_000
KNOWN_RUN_LENGTH = 10  # known videos in a row, after which the rest of a tab is known


class WalkKind(enum.StrEnum):
    """Purpose of a walk."""

    NEWEST = "newest"  # the top of a tab
    CATCH_UP = "catch-up"  # more new ones than the top held
    BACKLOG = "backlog"  # what was there before the subscription, in slices
    WHOLE = "whole"  # a playlist


@dataclass(frozen=True)
class Walk:
    """A range of one tab to list, by positions from 1; `tab` is "" for the list itself."""

    tab: str
    first: int
    last: int
    kind: WalkKind

    @property
    def playlist_items(self) -> str:
        """The range as yt-dlp's option of this name has it."""
        return f"{self.first}:{self.last}"


def plan_walks(subscription: Subscription) -> list[Walk]:
    """Return the walks of the next check, in their order: the newest of each tab first, then slices of older ones.

    Before its first check nobody knows of which kind a list is: the newest of its tabs, or the list itself, are listed.
    """
    raise NotImplementedError
