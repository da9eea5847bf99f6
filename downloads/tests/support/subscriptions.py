"""Subscriptions under check, and flat listings as yt-dlp gives them."""

import datetime as dt
from typing import Any

from django.utils import timezone

from downloads.models import ListKind, Subscription, SubscriptionItem
from downloads.models.subscriptions.item import item_identity
from downloads.subscriptions import ledger
from downloads.subscriptions.verbs import subscribe
from downloads.subscriptions.walks import Walk, WalkKind, plan_walks
from downloads.ytdlp.results import Listing, ListingEntry

CHANNEL_URL = "https://www.youtube.com/@ada"
TOP = Walk("videos", 1, 50, WalkKind.NEWEST)
WHOLE = Walk("", 1, 5000, WalkKind.WHOLE)


def entry(name: Any, position: int = 0, **fields: Any) -> ListingEntry:
    """Return a video of a listing: its name is its id and in its title."""
    defaults = {"url": f"https://www.youtube.com/watch?v={name}", "extractor": "Youtube", "source_id": str(name)}
    return ListingEntry(**{**defaults, "title": f"Film {name}", "position": position, "tab": "videos", **fields})


def entries(*names: Any, first: int = 1, **fields: Any) -> list[ListingEntry]:
    return [entry(name, position, **fields) for position, name in enumerate(names, first)]


def numbered(newest: int, oldest: int, first: int = 1, **fields: Any) -> list[ListingEntry]:
    """Return the videos v<newest> to v<oldest>, as a channel lists them."""
    return entries(*(f"v{number}" for number in range(newest, oldest - 1, -1)), first=first, **fields)


def claimed(url: str = CHANNEL_URL, kind: str = ListKind.CHANNEL, **values: Any) -> Subscription:
    """Return a subscription whose check has begun."""
    subscription, _ = subscribe(url, **values)
    Subscription.objects.filter(pk=subscription.pk).update(kind=kind, extractor="YoutubeTab")
    return claim_again(subscription)


def claim_again(subscription: Subscription) -> Subscription:
    """Return a subscription whose next check has begun, whatever became of the one before, and of others."""
    Subscription.objects.update(lease_token="", lease_until=None, asked_at=None)
    past = timezone.now() - dt.timedelta(hours=1)
    Subscription.objects.filter(pk=subscription.pk).update(next_check_at=past, scheduled_at=past)
    check = Subscription.objects.claim_check("worker", [subscription.key])
    assert check
    return check


def check_list(subscription: Subscription, listed: list[ListingEntry]) -> list[ledger.Outcome]:
    """Walk through a list as a check does, whose entries are `listed` in their order."""
    check = claim_again(subscription)
    outcomes = []
    for walk in plan_walks(check):
        selected = listed[walk.first - 1 : walk.last]
        placed = [entry(one.source_id, walk.first + place, **_rest(one)) for place, one in enumerate(selected)]
        outcomes.append(ledger.apply(check, walk, placed))
    outcomes.append(ledger.apply_due(check))
    return outcomes


def _rest(one: ListingEntry) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__ if name not in ("position", "source_id")}


def states(subscription: Subscription) -> dict[str, int]:
    return SubscriptionItem.objects.filter(subscription=subscription).count_by_state()


def item(subscription: Subscription, name: str) -> SubscriptionItem:
    return SubscriptionItem.objects.get(subscription=subscription, source_id=name)


def listing(**fields: Any) -> Listing:
    return Listing(
        **{"entries": [], "title": "Ada", "extractor": "YoutubeTab", "source_id": "UC1", "is_channel": True, **fields}
    )


def followed(url: str = CHANNEL_URL, **fields: Any) -> tuple[Subscription, SubscriptionItem]:
    """Return a subscription that was checked a while ago, and an item of its ledger that the filters keep out."""
    subscription, _ = subscribe(url)
    an_hour = dt.timedelta(hours=1)
    times = {"checked_at": timezone.now() - an_hour, "next_check_at": timezone.now() + an_hour}
    Subscription.objects.filter(pk=subscription.pk).update(**{**times, "name": "Ada", **fields})
    subscription.refresh_from_db()
    return subscription, seen(subscription, "one")


def seen(subscription: Subscription, name: str, state: str = "filtered", **fields: Any) -> SubscriptionItem:
    """Return a new item of a ledger."""
    url = f"https://www.youtube.com/watch?v={name}"
    identity = item_identity("Youtube", name, url)
    values = {"extractor": "Youtube", "source_id": name, "url": url, "title": f"Film {name}", "reason": "No."}
    return SubscriptionItem.objects.create(
        subscription=subscription, identity=identity, **{**values, "state": state, **fields}
    )
