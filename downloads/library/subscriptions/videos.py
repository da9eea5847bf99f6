"""Videos of a subscription: those of its ledger that are kept."""

from django.db.models import Exists, OuterRef

from downloads.models import Subscription, SubscriptionItem, VideoQuerySet
from downloads.models.indexes import UnindexedColumn
from downloads.models.subscriptions.choices import KEPT_STATES

MANY_VIDEOS = 1_000  # videos, from which on it is faster to look for them in the order of the library than to sort them


def filter_by_subscription(videos: VideoQuerySet, key: str, *, has_many: bool) -> VideoQuerySet:
    """Filter the videos that this subscription keeps; `has_many` if they are MANY_VIDEOS, and read in an order."""
    items = SubscriptionItem.objects.in_state(*KEPT_STATES).filter(video__isnull=False)
    if not has_many:
        return videos.filter(pk__in=items.filter(subscription__key=key).values("video"))
    # PostgreSQL has statistics of the number alone; SQLite is kept from the index of the subscription.
    pk = Subscription.objects.filter(key=key).values_list("pk", flat=True).first()
    items = items.alias(subscription_pk=UnindexedColumn("subscription_id")).filter(subscription_pk=pk)
    return videos.filter(Exists(items.filter(video=OuterRef("pk"))))
