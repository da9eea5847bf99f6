"""Reading of a listing: which of its videos the ledger does not know, and which of these are old."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from downloads.models import Subscription, SubscriptionItem, SubscriptionItemState
from downloads.models.subscriptions.subscription import CUT
from downloads.subscriptions import judgement
from downloads.subscriptions.ledger.candidates import Candidate
from downloads.subscriptions.walks import (
    KNOWN_RUN_LENGTH,
    NEWEST_KNOWN,
    Walk,
    WalkKind,
    read_cursor,
)

NOT_RANKED = 10**9  # of an old video that turned up after the first check: not among the newest
Known = Mapping[str, SubscriptionItem]


@dataclass(frozen=True)
class Sighting:
    """A video that the ledger does not know. Of one that `is_old`, the choice of the start decides, by its rank."""

    candidate: Candidate
    is_old: bool = False
    rank: int = NOT_RANKED  # from the newest, which is 1


@dataclass
class Reading:
    """The candidates up to where all is known, those that are new to the ledger, and whether it met known ones."""

    walked: list[Candidate]
    fresh: list[Sighting] = field(default_factory=list)
    is_first: bool = False  # the first listing of this tab
    meets_known: bool = False
    newest_known: int = 0  # where nothing is known: the key of the newest item that the ledger had before


def read_listing(subscription: Subscription, walk: Walk, candidates: Sequence[Candidate], known: Known) -> Reading:
    """Compare a listing with what is known of it."""
    cursor = read_cursor(subscription, walk.tab)
    is_first = cursor is None or (not cursor and not known and _was_empty_by_mistake(subscription, walk, candidates))
    if walk.kind == WalkKind.WHOLE:
        return _read_playlist(subscription, candidates, known, is_first=is_first)
    if walk.kind == WalkKind.BACKLOG or is_first:
        return _read_older(subscription, walk, candidates, known, is_first=is_first)
    if walk.kind == WalkKind.CATCH_UP:
        # What was read since it began moves down meanwhile, and says nothing of what is below.
        newest_known = (cursor or {}).get(NEWEST_KNOWN)
        anchors = {key: item for key, item in known.items() if newest_known is None or item.pk <= newest_known}
        return _read_newest(subscription, candidates, known, anchors)
    return _read_newest(subscription, candidates, known, known)


def _was_empty_by_mistake(subscription: Subscription, walk: Walk, candidates: Sequence[Candidate]) -> bool:
    """Tell whether a tab that the ledger knows as empty was not: a few new videos may come at once, never many."""
    is_odd = len(candidates) > KNOWN_RUN_LENGTH or any(_is_certainly_old(subscription, one) for one in candidates)
    return is_odd and not subscription.items.filter(tab=walk.tab).exists()


def _read_playlist(
    subscription: Subscription, candidates: Sequence[Candidate], known: Known, *, is_first: bool
) -> Reading:
    ranks = rank_newest(candidates)
    # Of one that was listed before, all that is unknown is new, also when another start was chosen since.
    is_new_list = is_first and not (known and subscription.succeeded_at)
    # Of one that was not seen to its end, what comes after it was never looked at.
    seen_until = (read_cursor(subscription, "") or {}).get(CUT, NOT_RANKED)
    fresh = [
        Sighting(
            candidate,
            (is_new_list or candidate.entry.position > seen_until)
            and not _is_since_last_check(subscription, candidate),
            ranks[candidate.identity],
        )
        for candidate in candidates
        if candidate.identity not in known
    ]
    return Reading(list(candidates), fresh, is_first=is_first, meets_known=True)


def _read_older(
    subscription: Subscription, walk: Walk, candidates: Sequence[Candidate], known: Known, *, is_first: bool
) -> Reading:
    """Read a tab that was never listed, or from which another start was chosen, or a slice of what follows its top."""
    # Above what the ledger knows of the top is what came since the check before.
    last_anchor = _find_last_anchor(candidates, known) if walk.kind == WalkKind.NEWEST else None
    fresh = [
        Sighting(
            candidate,
            is_old=(last_anchor is None or place > last_anchor) and not _is_since_last_check(subscription, candidate),
            rank=candidate.entry.position or walk.first + place,
        )
        for place, candidate in enumerate(candidates)
        if candidate.identity not in known
    ]
    return Reading(list(candidates), fresh, is_first=is_first)


def rank_newest(candidates: Sequence[Candidate]) -> dict[str, int]:
    """Return the places of a playlist's videos from the newest: by their dates, else from its end."""
    newest_first = list(reversed(candidates))
    if all(candidate.entry.published for candidate in candidates):
        newest_first.sort(key=lambda candidate: candidate.entry.published or dt.datetime.min, reverse=True)
    return {candidate.identity: rank for rank, candidate in enumerate(newest_first, 1)}


def _read_newest(subscription: Subscription, candidates: Sequence[Candidate], known: Known, anchors: Known) -> Reading:
    """Read the top of a tab, or what follows it: what is below the last anchor, a known video, is older than the
    subscription.

    A video may move up to the top when a removed one makes room, and was not asked for.
    """
    walked = _cut_at_known_run(candidates, anchors)
    last_anchor = _find_last_anchor(walked, anchors)
    if last_anchor is None:
        return _read_unknown(subscription, walked, known)
    fresh = [
        Sighting(candidate, is_old=place > last_anchor and not _is_certainly_new(subscription, candidate))
        for place, candidate in enumerate(walked)
        if candidate.identity not in known
    ]
    return Reading(walked, fresh, meets_known=True)


def _read_unknown(subscription: Subscription, walked: list[Candidate], known: Known) -> Reading:
    """Read what holds no known video: more new ones than that, or the known ones were hidden, as their dates tell."""
    fresh = [
        Sighting(candidate, is_old=_is_certainly_old(subscription, candidate))
        for candidate in walked
        if candidate.identity not in known
    ]
    newest_known = subscription.items.order_by("-pk").values_list("pk", flat=True).first() or 0
    return Reading(walked, fresh, meets_known=any(sighting.is_old for sighting in fresh), newest_known=newest_known)


def _find_last_anchor(candidates: Sequence[Candidate], known: Known) -> int | None:
    """Return the place of the last known video, if any. An announced one may stand at the top for weeks: it says
    nothing of those below.
    """
    anchors = [
        place
        for place, candidate in enumerate(candidates)
        if (item := known.get(candidate.identity)) and item.state != SubscriptionItemState.WAITING
    ]
    return anchors[-1] if anchors else None


def _is_certainly_new(subscription: Subscription, candidate: Candidate) -> bool:
    published = candidate.entry.published
    return published is not None and published > subscription.created_at


def _is_since_last_check(subscription: Subscription, candidate: Candidate) -> bool:
    """Tell whether a video of a list that is read from the start is new. A tab may be chosen years later."""
    published = candidate.entry.published
    return published is not None and published > (subscription.succeeded_at or subscription.created_at)


def _is_certainly_old(subscription: Subscription, candidate: Candidate) -> bool:
    """Tell whether a video was published before the subscription; what is announced or live has another date."""
    facts, created_at = candidate.facts, subscription.created_at
    if facts.published is None or facts.live_status in judgement.LIVE_REASONS:
        return False
    return facts.published + judgement.date_margin(facts, created_at) < created_at


def _cut_at_known_run(candidates: Sequence[Candidate], known: Known) -> list[Candidate]:
    run = 0
    for count, candidate in enumerate(candidates, 1):
        run = run + 1 if candidate.identity in known else 0
        if run == KNOWN_RUN_LENGTH:
            return list(candidates[:count])
    return list(candidates)
