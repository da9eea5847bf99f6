"""Generated subscriptions with their ledgers: one huge channel, and many ordinary ones."""

import datetime as dt
import random

from django.utils import timezone

from downloads.models import Subscription, SubscriptionItem, SubscriptionItemState, Video

STATES = [SubscriptionItemState.QUEUED] * 4 + [SubscriptionItemState.BEFORE] * 4 + [*SubscriptionItemState]
HUGE_SHARE = 0.4  # of all items, in the first subscription
CHUNK_SIZE = 5_000


def fill_subscriptions(count: int = 500, items: int = 100_000, seed: int = 2) -> None:
    """Add `count` subscriptions with `items` items in all."""
    rng, now = random.Random(seed), timezone.now()
    Subscription.objects.bulk_create(
        Subscription(
            name=f"Channel {number:03}",
            url=f"https://site{number % 40}.example/@{number}",
            canonical_url=f"https://site{number % 40}.example/@{number}",
            host=f"site{number % 40}.example",
            error="The site has a problem (503)." if number % 20 == 7 else "",
            next_check_at=now + dt.timedelta(minutes=rng.randint(1, 360)),
            checked_at=now - dt.timedelta(minutes=rng.randint(1, 360)),
            keep_newest=2_000 if number % 10 == 0 else None,
        )
        for number in range(count)
    )
    pks = list(Subscription.objects.order_by("pk").values_list("pk", flat=True))
    videos = list(Video.objects.order_by("pk").values_list("pk", flat=True)[:items])
    for start in range(0, items, CHUNK_SIZE):
        SubscriptionItem.objects.bulk_create(
            _make_item(number, pks[0] if rng.random() < HUGE_SHARE else rng.choice(pks), rng, videos, now)
            for number in range(start, min(start + CHUNK_SIZE, items))
        )


def _make_item(
    number: int, subscription: int, rng: random.Random, videos: list[int], now: dt.datetime
) -> SubscriptionItem:
    state = rng.choice(STATES)
    is_here = state == SubscriptionItemState.QUEUED and number < len(videos)
    return SubscriptionItem(
        subscription_id=subscription,
        identity=f"{number:040}",
        source_id=str(number),
        url=f"https://site.example/watch?v={number}",
        title=f"Video {number} of a channel",
        duration=rng.uniform(20, 5_000),
        published=now - dt.timedelta(hours=number),
        state=state,
        reason="" if is_here else "The title does not contain “lecture”.",
        video_id=videos[number] if is_here else None,
    )
