"""Cursors of a tab after a walk: where the next check goes on."""

import datetime as dt

from downloads.models import StartChoice, Subscription
from downloads.models.subscriptions.subscription import CUT
from downloads.subscriptions import judgement
from downloads.subscriptions.ledger.reading import Reading
from downloads.subscriptions.walks import (
    KNOWN_RUN_LENGTH,
    LONG,
    NEWEST_COUNT,
    NEWEST_KNOWN,
    USUAL_PLAYLIST_LENGTH,
    Cursor,
    Walk,
    WalkKind,
    read_cursor,
)

# Among the cursors: a slice that was empty, where it began. Its end is believed once the next check has seen it so.
EMPTY_PREFIX = "empty_"


def advance(subscription: Subscription, walk: Walk, reading: Reading, now: dt.datetime) -> Cursor:
    """Return the cursors of a tab after a walk."""
    cursor = {} if reading.is_first else (read_cursor(subscription, walk.tab) or {})
    if walk.kind == WalkKind.NEWEST and reading.is_first:
        return {WalkKind.BACKLOG: walk.last + 1} if _wants_older(subscription, walk, reading, now) else {}
    if walk.kind == WalkKind.WHOLE:
        return _advance_playlist(walk, reading)
    return _advance_slice(subscription, walk, reading, cursor, now)


def _advance_playlist(walk: Walk, reading: Reading) -> Cursor:
    length = max((candidate.entry.position for candidate in reading.walked), default=0)
    if length >= walk.last:
        return {CUT: walk.last}
    return {LONG: 1} if length > USUAL_PLAYLIST_LENGTH else {}


def _advance_slice(
    subscription: Subscription, walk: Walk, reading: Reading, cursor: Cursor, now: dt.datetime
) -> Cursor:
    """Return the cursors after the top of a tab, or a slice of what follows it."""
    empty_mark = f"{EMPTY_PREFIX}{walk.kind}"
    if walk.kind != WalkKind.NEWEST and not reading.walked and cursor.get(empty_mark) != walk.first:
        return {**cursor, empty_mark: walk.first}
    cursor.pop(empty_mark, None)
    if walk.kind != WalkKind.BACKLOG:
        return _advance_catch_up(subscription, walk, reading, cursor)
    cursor.pop(WalkKind.BACKLOG, None)
    if _is_in_the_list(subscription, walk, reading, 0) and _wants_older(subscription, walk, reading, now):
        cursor[WalkKind.BACKLOG] = walk.last + 1
    return cursor


def _advance_catch_up(subscription: Subscription, walk: Walk, reading: Reading, cursor: Cursor) -> Cursor:
    """Go on below new videos until one is met that the ledger had before them.

    Where the top holds nothing known once more, it begins again below the top, whatever slice is read in that check.
    """
    newest_known = cursor.get(NEWEST_KNOWN, reading.newest_known)
    leaves_cursor = not reading.fresh if walk.kind == WalkKind.NEWEST else cursor.get(WalkKind.CATCH_UP) != walk.first
    if leaves_cursor:
        return cursor
    is_long = not reading.meets_known and len(reading.walked) >= NEWEST_COUNT // 2
    if is_long and _is_in_the_list(subscription, walk, reading, newest_known):
        return {**cursor, WalkKind.CATCH_UP: walk.last + 1, NEWEST_KNOWN: newest_known}
    if walk.kind == WalkKind.CATCH_UP:
        cursor.pop(WalkKind.CATCH_UP)
        cursor.pop(NEWEST_KNOWN, None)
    return cursor


def _is_in_the_list(subscription: Subscription, walk: Walk, reading: Reading, newest_known: int) -> bool:
    """Tell whether there is anything new, or so much was read before that this may be some of it, moved down.

    Else the site repeats itself, or its end is reached.
    """
    if reading.fresh:
        return True
    return walk.first <= subscription.items.filter(tab=walk.tab, pk__gt=newest_known).count()


def _wants_older(subscription: Subscription, walk: Walk, reading: Reading, now: dt.datetime) -> bool:
    """Tell whether the choice of the start asks for videos below this range. Sites leave out unavailable ones."""
    if not reading.walked:
        return False
    start = judgement.Start.of(subscription)
    if start.choice == StartChoice.NEWEST:
        return walk.last < (start.count or 0)
    if start.choice == StartChoice.SINCE:
        oldest = reading.walked[-KNOWN_RUN_LENGTH:]
        return any(judgement.judge_start(one.facts, start, 1, now).is_wanted for one in oldest)
    return start.choice == StartChoice.ALL
