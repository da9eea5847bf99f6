"""Workers, people and removals at the same moment: nothing is doubled or half, and nobody waits for the other for ever.

Run on both databases (system/test_postgres.py): PostgreSQL locks rows, SQLite the whole database.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.db.models import F, Q

from downloads.models import Subscription, SubscriptionItem, Video
from downloads.subscriptions import items, ledger, verbs
from downloads.subscriptions.verbs import subscribe
from downloads.tests.support.subscriptions import TOP, claim_again, claimed, numbered, states

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment", "redis_server")]
ROUNDS = 3
OTHER_URL = "https://www.youtube.com/@bob"


def at_once(*actions: Callable[[], object]) -> list[object]:
    """Run the actions at the same moment, each on a connection of its own; raise what any of them raises."""
    ready = threading.Barrier(len(actions))

    def run(action: Callable[[], object]) -> object:
        ready.wait(30)
        try:
            return action()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def claim_both() -> tuple[Subscription, Subscription]:
    """Return two subscriptions of one site, both under check: as after a lease has run out."""
    first, second = claimed(start="all"), claimed(OTHER_URL, start="all")
    Subscription.objects.filter(pk=first.pk).update(lease_token="first")
    first.refresh_from_db()
    return first, second


def require_whole() -> None:
    """Require that what is kept is a video, and each video kept by somebody."""
    kept = SubscriptionItem.objects.filter(state__in=("queued", "archived"))
    assert not kept.filter(video=None).exists()
    assert {item.video_id for item in kept} == set(Video.objects.values_list("pk", flat=True))
    assert not SubscriptionItem.objects.exclude(Q(state="queued") | Q(state="archived")).exclude(video=None).exists()


def test_two_who_follow_a_list_by_two_spellings_follow_one():
    for number in range(ROUNDS):
        urls = (f"https://a.example/{number}/", f"http://www.a.example/{number}")
        first, second = at_once(*(lambda url=url: subscribe(url) for url in urls))
        assert first[0].pk == second[0].pk
        assert {first[1], second[1]} == {True, False}


def test_of_many_workers_one_does_a_check():
    subscribe("https://a.example/list")
    for _ in range(ROUNDS):
        Subscription.objects.update(lease_token="", lease_until=None, asked_at=None, next_check_at=F("created_at"))
        claims = at_once(*(lambda n=n: Subscription.objects.claim_check(f"w{n}") for n in range(4)))
        assert sum(claim is not None for claim in claims) == 1


def test_of_many_workers_one_asks_a_site():
    for number in range(4):
        subscribe(f"https://a.example/{number}")
    claims = at_once(*(lambda n=n: Subscription.objects.claim_check(f"w{n}") for n in range(4)))
    assert sum(claim is not None for claim in claims) == 1


def test_two_subscriptions_that_find_the_same_videos_at_once_get_one_each():
    for number in range(ROUNDS):
        SubscriptionItem.objects.all().delete()
        Subscription.objects.all().delete()
        first, second = claim_both()
        newest = 20 * (number + 1)
        listed = numbered(newest, newest - 19)
        at_once(
            lambda check=first, listed=listed: ledger.apply(check, TOP, listed),
            lambda check=second, listed=listed[::-1]: ledger.apply(check, TOP, listed),
        )
        assert SubscriptionItem.objects.filter(state="queued").count() == 20
        assert SubscriptionItem.objects.filter(state="archived").count() == 20
        assert Video.objects.count() == newest


def test_a_removal_at_the_moment_of_a_find_leaves_no_item_without_its_video():
    first, second = claim_both()
    ledger.apply(first, TOP, numbered(12, 1))
    videos = list(Video.objects.order_by("pk"))
    at_once(
        lambda: ledger.apply(second, TOP, numbered(12, 1)),
        lambda: [video.remove("Deleted") for video in videos[:6]],
        lambda: [video.remove("Deleted") for video in videos[:5:-1]],
    )
    assert states(first) == {"removed": 12}
    assert set(states(second)) <= {"removed", "queued", "waiting"}
    assert sum(states(second).values()) == 12
    require_whole()


def test_people_and_a_check_at_the_same_ledger_do_not_block_each_other():
    subscription = claimed(start="all", title_excludes="v[1-4]0")
    ledger.apply(subscription, TOP, numbered(50, 1))
    seen = list(subscription.items.order_by("pk"))
    check = claim_again(subscription)
    at_once(
        lambda: ledger.apply(check, TOP, numbered(90, 41)),
        lambda: ledger.apply_due(check),
        lambda: items.ignore(seen[::-1], "ann"),
        lambda: items.fetch(seen, None),
        lambda: verbs.edit(Subscription.objects.get(pk=subscription.pk), {"title_excludes": "v[5-9]5"}),
    )
    assert subscription.items.count() == 90
    kept = SubscriptionItem.objects.filter(state__in=("queued", "archived"))
    assert not kept.filter(video=None).exists()


def test_an_end_of_a_subscription_during_its_check_leaves_nothing():
    subscription = claimed(start="all")
    at_once(
        lambda: ledger.apply(subscription, TOP, numbered(50, 1)),
        lambda: verbs.unsubscribe(Subscription.objects.get(pk=subscription.pk)),
    )
    assert not Subscription.objects.exists()
    assert not SubscriptionItem.objects.exists()
