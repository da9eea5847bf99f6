"""Filter of queued videos by the metadata of their look-up, which knows more than the list of their subscription.

A video that no subscription wants by it is removed, and its items say why: nothing of it is shown as failed.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable

from django.db.models import Q

from downloads.database.clock import current_moment, read_clock
from downloads.intake.duplicates import find_duplicate
from downloads.models import Metadata, StartChoice, SubscriptionItem, SubscriptionItemState, Video
from downloads.models.choices import ACTIVE_STATUSES
from downloads.models.subscriptions.choices import KEPT_STATES
from downloads.models.subscriptions.item import MAX_REASON_LENGTH
from downloads.subscriptions.judgement import (
    LIVE_RETRY,
    MEMBERS_LOOKED_UP,
    MEMBERS_RETRY,
    NOT_YET_LOOKED_UP,
    WANTED,
    Facts,
    Filters,
    Start,
    Verdict,
    find_announced_look,
    judge,
    judge_start,
)
from downloads.subscriptions.ledger.queueing import BACKLOG_PRIORITY, FOLLOWS_REASON, PRESENT_REASON
from downloads.subscriptions.patterns import InvalidPattern
from downloads.ytdlp.results import NotYetAvailable, Stage

LIVE_STATUSES = {Stage.LIVE: "is_live", Stage.PROCESSING: "post_live"}  # of any other: announced
RETRY_GROWTH = 4  # the next look comes after this fraction of the time for which it may have been live
MAX_LIVE_RETRY = dt.timedelta(days=7)


def remove_unwanted(video: Video, metadata: Metadata) -> bool:
    """Remove a video that no subscription wants after its look-up; False if it is to be downloaded.

    Only a video that came by subscriptions alone, was never here and was not asked for by a person is judged. Raise
    RemovalError if it cannot be removed now.
    """
    items = _find_items(video)
    if not items:
        return False
    if duplicate := find_duplicate(video, metadata):
        archived = Verdict(SubscriptionItemState.ARCHIVED, PRESENT_REASON)
        return _remove_with_verdicts(video, dict.fromkeys(items, archived), metadata, duplicate)
    now = read_clock()
    verdicts = {item: _judge(item, video, metadata, now) for item in items}
    if any(verdict.is_wanted for verdict in verdicts.values()):
        return False
    return _remove_with_verdicts(video, verdicts, metadata)


def remove_members_only(video: Video) -> bool:
    """Remove a video whose look-up has said that it is for members, which its list did not; False for any other."""
    items = _find_items(video)
    verdict = Verdict(SubscriptionItemState.MEMBERS, MEMBERS_LOOKED_UP, read_clock() + MEMBERS_RETRY)
    return bool(items) and _remove_with_verdicts(video, dict.fromkeys(items, verdict), Metadata())


def remove_not_yet_available(video: Video, not_yet: NotYetAvailable, metadata: Metadata) -> bool:
    """Remove a video of which only the look-up has said that it is announced or live; False for any other.

    Its items wait in the ledger, and are judged anew at its date.
    """
    items, now = _find_items(video), read_clock()
    verdicts = {item: _judge_not_yet(item, not_yet, metadata, now) for item in items}
    return bool(items) and _remove_with_verdicts(
        video, verdicts, metadata, prefix="Waits in the list of its subscription"
    )


def _judge_not_yet(item: SubscriptionItem, not_yet: NotYetAvailable, metadata: Metadata, now: dt.datetime) -> Verdict:
    live_status = LIVE_STATUSES.get(not_yet.stage, "is_upcoming")
    facts = dataclasses.replace(_real_facts(item, metadata), live_status=live_status, release_at=not_yet.starts_at)
    try:
        verdict = judge(facts, Filters.of(item.subscription), now)
    except InvalidPattern:
        verdict = judge(facts, Filters(), now)
    if verdict.state != SubscriptionItemState.WAITING:
        return verdict
    _note_stage(item, not_yet.stage, now)
    retry_at = find_announced_look(not_yet.starts_at, now)
    return Verdict(verdict.state, NOT_YET_LOOKED_UP[not_yet.stage], retry_at or _plan_look(item, not_yet, now))


def _note_stage(item: SubscriptionItem, stage: Stage, now: dt.datetime) -> None:
    """Keep since when a video is announced, or live; the wait for one is none for the other."""
    if stage in LIVE_STATUSES:
        item.live_since = min(item.live_since or now, now)
    else:
        item.announced_since, item.live_since = min(item.announced_since or now, now), None


def _plan_look(item: SubscriptionItem, not_yet: NotYetAvailable, now: dt.datetime) -> dt.datetime:
    """Return when to look at a video again of which nobody knows when it is to be had.

    It is looked up less and less often, since a stream may go on for years: counted from its start, or else from the
    look-up that first found it so, however long the list has had it. It is never given up.
    """
    since = item.live_since or item.announced_since or now
    if not_yet.starts_at and not_yet.starts_at <= now:
        since = max(item.seen_at, not_yet.starts_at)
    return now + max(LIVE_RETRY, min((now - since) / RETRY_GROWTH, MAX_LIVE_RETRY))


def _find_items(video: Video) -> list[SubscriptionItem]:
    """Return the items of a video that subscriptions alone want; none for one that a person has a hand in."""
    if video.media_file or video.priority > 0:
        return []
    items = list(SubscriptionItem.objects.filter(video=video, state__in=KEPT_STATES).select_related("subscription"))
    is_brought = any(item.state == SubscriptionItemState.QUEUED for item in items)
    return items if is_brought and not any(item.is_picked for item in items) else []


def _judge(item: SubscriptionItem, video: Video, metadata: Metadata, now: dt.datetime) -> Verdict:
    facts, subscription = _real_facts(item, metadata), item.subscription
    start = Start.of(subscription)
    # Of what was there before, only the date is known better now: its place in the list was right.
    if video.priority == BACKLOG_PRIORITY and start.choice == StartChoice.SINCE:
        verdict = judge_start(facts, start, 1, now)
        if not verdict.is_wanted:
            return verdict
    try:
        return judge(facts, Filters.of(subscription), now)
    except InvalidPattern:
        return WANTED  # its next check says what is wrong with the filter


def _real_facts(item: SubscriptionItem, metadata: Metadata) -> Facts:
    """Return the facts that the look-up found; what it does not know, the list may."""
    published, is_rough = item.published, item.is_date_rough
    if metadata.upload_date:
        midnight = dt.datetime.combine(metadata.upload_date, dt.time(), tzinfo=dt.UTC)
        published, is_rough = midnight, False
    title = metadata.title
    if metadata.has_placeholder_title and item.title:
        title = item.title
    duration = item.duration if metadata.duration is None else metadata.duration
    return Facts(title or item.title, duration, published, is_rough)


def _remove_with_verdicts(
    video: Video,
    verdicts: dict[SubscriptionItem, Verdict],
    metadata: Metadata,
    duplicate: Video | None = None,
    prefix: str = "Not wanted by its subscription",
) -> bool:
    """Remove the row of an attempt that has its lease, with the states of its items in the same transaction."""
    reasons = dict.fromkeys(verdict.reason for verdict in verdicts.values())
    return video.remove(
        f"{prefix}: {' '.join(reasons)}",
        where=Q(lease_token=video.lease_token, status__in=ACTIVE_STATUSES) & ~Q(lease_token=""),
        before_removal=lambda: _write_all_items(video, verdicts, metadata, duplicate),
    )


def _write_all_items(
    video: Video, verdicts: dict[SubscriptionItem, Verdict], metadata: Metadata, duplicate: Video | None
) -> None:
    """Write the items that were judged; those that came since, or were picked, follow with their next check."""
    pks = [item.pk for item in verdicts]
    items = SubscriptionItem.objects.in_state(*KEPT_STATES).filter(video=video)
    others = items.exclude(pk__in=pks, is_picked=False)
    others.change_state(SubscriptionItemState.WAITING, FOLLOWS_REASON, retry_at=current_moment(), video=None)
    left = set(items.values_list("pk", flat=True))
    judged = [(item, verdict) for item, verdict in verdicts.items() if item.pk in left]
    _write_items(judged, metadata, duplicate)


def _write_items(
    verdicts: Iterable[tuple[SubscriptionItem, Verdict]], metadata: Metadata, duplicate: Video | None
) -> None:
    for item, verdict in verdicts:
        facts = _real_facts(item, metadata)
        is_waiting = verdict.state == SubscriptionItemState.WAITING
        SubscriptionItem.objects.filter(pk=item.pk).update(
            state=verdict.state,
            reason=verdict.reason[:MAX_REASON_LENGTH],
            retry_at=verdict.retry_at,
            changed_at=current_moment(),
            video=duplicate,
            title=facts.title.replace("\x00", "")[:500],
            duration=facts.duration,
            published=facts.published,
            is_date_rough=facts.is_date_rough,
            announced_since=item.announced_since if is_waiting else None,
            live_since=item.live_since if is_waiting else None,
        )
