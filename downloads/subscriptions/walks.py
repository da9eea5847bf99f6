"""Walks of a check: which ranges of which tabs are listed, and where the walk through older videos goes on.

A channel grows at its top: its newest are listed, and where they hold no known video, the walk goes on in later checks
until it meets what is known. A playlist grows at its end: it is listed whole.

`Subscription.positions` has the cursors of each tab that was listed: {"videos": {"backlog": 251}}, {} when all is done;
a slice that was empty is listed once more before that is believed ({"backlog": 251, "empty_backlog": 251}). While more
new ones are caught up than the top held, "newest_known" is the key of the newest item that was there before them:
{"videos": {"catch_up": 251, "newest_known": 1234}}. A playlist
has {"list": {"cut": 5000}} while it was not seen to its end, and {"long": 1} if it is a long one. Under "missing" are
the tabs that the channel did not have at the last check; "rejudge" is there while other filters have to be applied: the
key of the last item that was judged by them, 0 for none yet.
"""

import enum
from dataclasses import dataclass
from typing import Any

from downloads.models import ListKind, Subscription
from downloads.models.subscriptions.subscription import CUT, MAX_LIST_LENGTH, MAX_PLAYLIST_LENGTH, MISSING

NEWEST_COUNT = 50  # of a tab, per check
SLICE_LENGTH = 200  # of older videos, per check
USUAL_PLAYLIST_LENGTH = 5_000  # the most that YouTube lets people make; its own lists of uploads are longer
LONG = "long"  # in the cursor of a playlist that is longer
NEWEST_KNOWN = "newest_known"  # in the cursor of a tab that is caught up
KNOWN_RUN_LENGTH = 10  # known videos in a row, after which the rest of a tab is known
Cursor = dict[str, int]


class WalkKind(enum.StrEnum):
    """Purpose of a walk."""

    NEWEST = "newest"  # the top of a tab
    CATCH_UP = "catch_up"  # more new ones than the top held
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

    None before its first check, when nobody knows of which kind the list is: list its URL, call `save_identity`, and
    ask again.
    """
    if subscription.kind == ListKind.UNKNOWN:
        return []
    if subscription.kind == ListKind.PLAYLIST:
        return [Walk("", 1, _playlist_end(subscription), WalkKind.WHOLE)]
    tabs = subscription.tab_names
    newest = [Walk(tab, 1, NEWEST_COUNT, WalkKind.NEWEST) for tab in tabs]
    slices = [_plan_slice(subscription, tab, kind) for kind in (WalkKind.CATCH_UP, WalkKind.BACKLOG) for tab in tabs]
    return newest + [walk for walk in slices if walk]


def read_cursor(subscription: Subscription, tab: str) -> Cursor | None:
    """Return the cursors of a tab; None if it was never listed."""
    cursor = (subscription.positions or {}).get(tab or "list")
    return dict(cursor) if isinstance(cursor, dict) else None


def write_cursor(subscription: Subscription, tab: str, cursor: Cursor) -> dict[str, Any]:
    """Return the positions of a subscription with another cursor of a tab, which is there."""
    missing = [name for name in subscription.missing_tabs if name != tab]
    return _with_missing({**(subscription.positions or {}), (tab or "list"): cursor}, missing)


def write_missing_tab(subscription: Subscription, tab: str) -> dict[str, Any]:
    """Return the positions of a subscription with a tab that is not there; its cursors stay."""
    return _with_missing(subscription.positions or {}, [*subscription.missing_tabs, tab])


def _with_missing(positions: dict[str, Any], missing: list[str]) -> dict[str, Any]:
    others = {name: value for name, value in positions.items() if name != MISSING}
    return {**others, MISSING: missing} if missing else others


def _playlist_end(subscription: Subscription) -> int:
    """Return the last place of a playlist to list: a longer one costs requests, so it has to be known as long."""
    is_known_as_long = not {CUT, LONG}.isdisjoint(read_cursor(subscription, "") or {})
    is_long = is_known_as_long or subscription.known_length > USUAL_PLAYLIST_LENGTH
    return MAX_PLAYLIST_LENGTH if is_long else USUAL_PLAYLIST_LENGTH


def _plan_slice(subscription: Subscription, tab: str, kind: WalkKind) -> Walk | None:
    first = (read_cursor(subscription, tab) or {}).get(kind)
    if not isinstance(first, int) or not 1 < first <= MAX_LIST_LENGTH:
        return None
    return Walk(tab, first, first + SLICE_LENGTH - 1, kind)
