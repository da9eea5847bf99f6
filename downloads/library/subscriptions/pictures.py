"""Pictures of subscriptions: that of the newest kept video, as channels have it."""

from typing import Any

from django.db.models import OuterRef, Subquery
from django.db.models.functions import Coalesce

from downloads.models import Subscription, SubscriptionItem
from downloads.models.subscriptions.choices import KEPT_STATES
from downloads.models.subscriptions.item import AGED_FROM


def attach_newest_videos(subscriptions: list[Subscription]) -> None:
    """Set `newest_video` of each subscription to its newest kept video with a thumbnail, by one query."""
    pks = [subscription.pk for subscription in subscriptions]
    newest = Subscription.objects.filter(pk__in=pks).values_list(Coalesce(*map(_newest_item, KEPT_STATES)))
    items = SubscriptionItem.objects.filter(pk__in=newest).select_related("video")
    items = items.only("subscription_id", "video__video_id", "video__thumbnail", "video__ended_at")
    by_subscription = {item.subscription_id: item.video for item in items}
    for subscription in subscriptions:
        subscription.newest_video = by_subscription.get(subscription.pk)


def _newest_item(state: str) -> Subquery:
    """Return the key of the newest item in a state: one state at a time is in the order of the index."""
    items: Any = SubscriptionItem.objects.in_state(state).filter(subscription=OuterRef("pk"), video__isnull=False)
    with_thumbnail = items.filter(video__thumbnail__gt="")
    return Subquery(with_thumbnail.order_by(AGED_FROM.desc(), "-pk").values("pk")[:1])
