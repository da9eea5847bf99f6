"""Queueing of what a subscription wants, and the items that say so; within a transaction of the caller."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from downloads.database.clock import current_moment
from downloads.intake.urls import InvalidUrl, parse_url
from downloads.models import Subscription, SubscriptionItem, SubscriptionItemState, Video
from downloads.models.choices import Status
from downloads.models.subscriptions.item import MAX_REASON_LENGTH

NEW_PRIORITY, BACKLOG_PRIORITY = -1, -2  # behind what a person adds
PRESENT_REASON = "It was in the archive already."
FOLLOWS_REASON = "It was deleted while another subscription wanted it. It follows with the next check."
ENDED_REASONS = {
    Status.FAILED: "It was added before, and failed. Retry it on its own page.",
    Status.CANCELLED: "It was added before, and cancelled. Retry it on its own page.",
}


def queue_items(
    subscription: Subscription, items: Sequence[SubscriptionItem], priority: int, *, added_by: Any = None
) -> None:
    """Queue the videos of items, saved or not: each gets its video, and its state; the caller saves them.

    A video that the archive has, under whatever URL, is not added again.
    """
    if not items:
        return
    present = _find_present(subscription, items)
    pending: dict[str, SubscriptionItem] = {}
    for item in items:
        if video_pk := present.get(item.identity):
            _assign(item, video_pk, SubscriptionItemState.ARCHIVED, PRESENT_REASON)
        else:
            _add_url(item, pending)
    _ingest(subscription, pending, priority, added_by or subscription.added_by)
    _explain_ended(subscription, [item for item in items if item.state == SubscriptionItemState.ARCHIVED])


def _explain_ended(subscription: Subscription, archived: Sequence[SubscriptionItem]) -> None:
    """Say which of these videos are not here: they failed or were cancelled. What only another subscription has
    ignored, and cancelled with that, waits again. One that was deleted just now follows with the next check.
    """
    # Locked, so that none is deleted before the items are written.
    locked = Video.objects.select_for_update(no_key=True).order_by("pk")
    videos = locked.in_bulk([item.video_id for item in archived if item.video_id])
    ended = {pk: video for pk, video in videos.items() if video.status in ENDED_REASONS and not video.media_file}
    ignored = SubscriptionItem.objects.filter(video__in=ended, state=SubscriptionItemState.IGNORED)
    ignored_elsewhere = set(ignored.exclude(subscription=subscription).values_list("video_id", flat=True))
    for item in archived:
        if item.video_id not in videos:
            item.video_id, item.retry_at = None, current_moment()
            item.state, item.reason = SubscriptionItemState.WAITING, FOLLOWS_REASON
        if (video := ended.get(item.video_id or 0)) is None:
            continue
        if item.video_id in ignored_elsewhere and video.undo_cancel(f"Wanted by {subscription}"):
            item.state, item.reason = SubscriptionItemState.QUEUED, ""
        else:
            item.reason = ENDED_REASONS[Status(video.status)]


def _add_url(item: SubscriptionItem, pending: dict[str, SubscriptionItem]) -> None:
    try:
        url = parse_url(item.url)
    except InvalidUrl as error:
        item.state, item.reason = SubscriptionItemState.FILTERED, f"It can’t be added. {error}"
        return
    pending[url.canonical_url] = item


def _find_present(subscription: Subscription, items: Iterable[SubscriptionItem]) -> dict[str, int]:
    """Return the videos that the archive has of these items, by identity: found by other lists, or by their ids."""
    by_identity = {item.identity: item for item in items}
    elsewhere = SubscriptionItem.objects.identified(list(by_identity)).filter(video__isnull=False)
    same_medium = elsewhere.filter(video__in=Video.objects.of_medium(subscription.quality))
    present = dict(same_medium.values_list("identity", "video_id"))
    sources = {(item.extractor, item.source_id): item.identity for item in items if item.identity not in present}
    for pk, extractor, source_id in Video.objects.with_sources(sources, subscription.quality).values_list(
        "pk", "extractor", "source_id"
    ):
        if identity := sources.get((extractor, source_id)):
            present[identity] = pk
    return present


def _ingest(subscription: Subscription, pending: dict[str, SubscriptionItem], priority: int, added_by: Any) -> None:
    if not pending:
        return
    urls = [(item.url, canonical_url) for canonical_url, item in pending.items()]
    outcomes = Video.objects.ingest_many(
        urls,
        quality=subscription.quality,
        fields_by_url={url: {"title": item.title} for url, item in pending.items()},
        added_by=added_by,
        subtitle_languages=subscription.subtitle_languages,
        priority=priority,
    )
    for item, (video, is_new) in zip(pending.values(), outcomes, strict=True):
        if is_new:
            _assign(item, video.pk, SubscriptionItemState.QUEUED, "")
        else:
            _assign(item, video.pk, SubscriptionItemState.ARCHIVED, PRESENT_REASON)


def _assign(item: SubscriptionItem, video_pk: int, state: SubscriptionItemState, reason: str) -> None:
    item.video_id, item.state, item.reason, item.retry_at = video_pk, state, reason, None


def save_states(items: Collection[SubscriptionItem], now: Any) -> None:
    """Write the state columns of items that were saved before."""
    for item in items:
        item.changed_at = now
    SubscriptionItem.objects.bulk_update(
        items, ["state", "reason", "retry_at", "video", "changed_at", "is_picked"], batch_size=100
    )


def save_verdicts(subscription: Subscription, items: Iterable[SubscriptionItem], now: Any) -> None:
    """Write the state, reason and date of items that have no video: those that share all three at once."""
    by_verdict: dict[tuple[Any, ...], list[int]] = {}
    for item in items:
        by_verdict.setdefault((item.state, item.reason, item.retry_at), []).append(item.pk)
    for (state, reason, retry_at), pks in by_verdict.items():
        rows = subscription.items.filter(pk__in=pks)
        rows.update(state=state, reason=reason[:MAX_REASON_LENGTH], retry_at=retry_at, changed_at=now)
