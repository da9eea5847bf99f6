"""Retention: what goes, what stays, and to the day and the video."""

import datetime as dt
import itertools
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from downloads.database import session_lock
from downloads.database.clock import read_clock
from downloads.models import Status, Subscription, SubscriptionItem, Video, WatchState
from downloads.models.removal import RemovalError
from downloads.progress import recent_plays
from downloads.subscriptions import ledger, retention
from downloads.tests.support.factories import create_videos
from downloads.tests.support.subscriptions import TOP, WHOLE, check_list, claimed, entries, entry, item, seen, states
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_memory_of_plays():
    recent_plays._recorded_at.clear()


def archive(count: int, **values) -> Subscription:
    """Return a subscription with videos v1, v2, … that are here since as many days, and were published so."""
    now = timezone.now()
    subscription = claimed(start="all", **values)
    listed = [entry(f"v{age}", age, published=now - age * DAY) for age in range(1, count + 1)]
    ledger.apply(subscription, TOP, listed)
    for age in range(1, count + 1):
        video = item(subscription, f"v{age}").video
        Video.objects.filter(pk=video.pk).update(
            status=Status.COMPLETE, ended_at=now - age * DAY, media_file=f"{video.video_id}/v.mp4", lease_token=""
        )
    return subscription


def titles() -> list[str]:
    return sorted(Video.objects.values_list("title", flat=True))


def past(subscription: Subscription | None = None, **options) -> list[str]:
    return [one.source_id for one in retention.find_past_retention(subscription, **options).items]


def test_without_a_limit_all_stay():
    archive(3)
    assert past() == []
    assert retention.prune().removed == 0


@pytest.mark.parametrize(("count", "expected"), [(3, []), (4, ["v4"]), (6, ["v6", "v5", "v4"])])
def test_the_newest_n_stay_and_exactly_these(count, expected):
    archive(count, keep_newest=3)
    assert past() == expected


@pytest.mark.parametrize(("seconds", "expected"), [(-1, []), (1, ["v7"])])
def test_days_are_whole_days_to_the_second(seconds, expected):
    archive(7, keep_days=7)
    moment = Video.objects.get(title="Film v7").ended_at + 7 * DAY + dt.timedelta(seconds=seconds)
    assert past(now=moment) == expected


def test_both_limits_hold():
    archive(6, keep_days=5, keep_newest=3)
    assert past() == ["v6", "v5", "v4"]
    reasons = [one.retention_reason for one in retention.find_past_retention().items]
    assert reasons[0] == "Older than the 5 days that the subscription keeps."
    assert reasons[-1] == "Not among the newest 3 of the subscription."


def test_a_dry_run_removes_nothing_and_a_run_what_it_showed():
    subscription = archive(5, keep_newest=3)
    folder = Path(django_settings.MEDIA_ROOT, item(subscription, "v5").video.video_id)
    folder.mkdir(parents=True)
    (folder / "v.mp4").write_bytes(b"x")
    shown = retention.find_past_retention()
    assert ([one.source_id for one in shown.items], shown.removed) == (["v5", "v4"], 0)
    assert len(titles()) == 5
    assert retention.prune().removed == 2
    assert titles() == ["Film v1", "Film v2", "Film v3"]
    assert not folder.exists()
    assert states(subscription) == {"queued": 3, "removed": 2}
    assert item(subscription, "v5").reason == "Not among the newest 3 of the subscription."
    listed = entries("v1", "v2", "v3", "v4", "v5")
    check_list(subscription, listed)
    assert len(titles()) == 3


def test_what_is_protected_stays_until_it_is_not():
    subscription = archive(3, keep_newest=1)
    video = item(subscription, "v3").video
    assert video.protect()
    assert not video.protect()
    assert past() == ["v2"]
    assert video.unprotect()
    assert not video.unprotect()
    assert past() == ["v3", "v2"]


@pytest.mark.parametrize("state", ["archived", "picked", "waits", "failed"])
def test_only_what_the_subscription_brought_goes(state):
    archive(2, keep_newest=1)
    if state == "picked":
        SubscriptionItem.objects.update(is_picked=True)
    elif state == "archived":
        SubscriptionItem.objects.update(state="archived")
    else:
        Video.objects.update(status=Status.QUEUED if state == "waits" else Status.FAILED)
    assert past() == []


def test_what_another_subscription_wants_stays():
    archive(3, keep_newest=1)
    other = claimed("https://www.youtube.com/playlist?list=PL1", "playlist", start="all")
    ledger.apply(other, WHOLE, [entry("v3", 1, tab="")])
    assert past() == ["v2"]
    assert Subscription.objects.filter(pk=other.pk).delete()
    assert past() == ["v3", "v2"]


@pytest.mark.parametrize(("minutes", "expected"), [(59, []), (61, ["v2"])])
def test_what_somebody_watched_within_the_hour_stays(minutes, expected):
    subscription = archive(2, keep_newest=1)
    played_at = timezone.now() - dt.timedelta(minutes=minutes)
    WatchState.objects.create(user=make_user("ann"), video=item(subscription, "v2").video, updated_at=played_at)
    assert past() == expected


def test_what_is_served_to_a_visitor_stays():
    subscription = archive(2, keep_newest=1)
    video_id = item(subscription, "v2").video.video_id
    assert recent_plays.is_due(video_id)
    recent_plays.record_play(video_id)
    assert not recent_plays.is_due(video_id)
    assert retention.prune().removed == 0
    assert len(titles()) == 2


def test_without_redis_nothing_is_removed(settings, monkeypatch):
    archive(2, keep_newest=1)

    def fail(_):
        raise ConnectionError

    monkeypatch.setattr(recent_plays, "was_played", fail)
    pruning = retention.prune()
    assert (pruning.removed, len(titles())) == (0, 2)
    assert pruning.problems == ["Redis cannot be reached, so nobody knows what is being played."]


def test_what_is_protected_after_it_was_chosen_stays(monkeypatch):
    subscription = archive(2, keep_newest=1)
    video = item(subscription, "v2").video
    monkeypatch.setattr(recent_plays, "was_played", lambda _: not video.protect())
    assert retention.prune().removed == 0
    assert len(titles()) == 2


def test_a_run_has_an_end_and_begins_with_the_oldest(monkeypatch):
    archive(5, keep_newest=1)
    monkeypatch.setattr(retention, "MAX_REMOVED_PER_RUN", 2)
    assert retention.prune().removed == 2
    assert titles() == ["Film v1", "Film v2", "Film v3"]
    assert retention.prune().removed == 2
    assert retention.prune().removed == 0


def test_two_runs_are_one():
    archive(2, keep_newest=1)
    is_held, may_end = threading.Event(), threading.Event()

    def hold():
        with session_lock(retention.LOCK_NAME) as is_locked:
            assert is_locked
            is_held.set()
            may_end.wait(30)
        connection.close()

    with ThreadPoolExecutor(1) as other_process:
        held = other_process.submit(hold)
        assert is_held.wait(30)
        pruning = retention.prune()
        may_end.set()
        held.result()
    assert (pruning.is_other_run, pruning.removed) == (True, 0)
    assert retention.prune().removed == 1


def test_a_video_that_cannot_be_removed_stays_with_the_reason(monkeypatch):
    archive(3, keep_newest=1)

    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("downloads.files.trash.move_to_trash", refuse)
    pruning = retention.prune()
    assert (pruning.removed, len(titles())) == (0, 3)
    assert pruning.problems[0] == "Film v3 stays: its files cannot be moved (Permission denied)."
    assert SubscriptionItem.objects.filter(state="queued").count() == 3


def test_a_run_of_one_subscription_leaves_the_others_and_ends_when_its_time_is_over():
    first, second = archive(4, keep_newest=2), claimed("https://www.youtube.com/@grace", keep_newest=1)
    assert retention.prune(second).removed == 0
    ended = retention.prune(first, max_seconds=-1)
    assert (ended.removed, ended.items) == (0, [])
    assert retention.prune(first).removed == 2


def test_those_that_cannot_be_removed_do_not_keep_the_others_from_it(monkeypatch):
    subscription = archive(5, keep_newest=1)
    monkeypatch.setattr(retention, "MAX_REMOVED_PER_RUN", 2)
    stuck = {item(subscription, name).video.pk for name in ("v5", "v4")}
    remove = Video.remove

    def refuse(video, *args, **options):
        if video.pk in stuck:
            raise RemovalError("its files cannot be moved")
        return remove(video, *args, **options)

    monkeypatch.setattr(Video, "remove", refuse)
    pruning = retention.prune()
    assert (pruning.removed, len(pruning.problems)) == (2, 2)
    assert titles() == ["Film v1", "Film v4", "Film v5"]


def test_no_more_is_read_than_a_run_removes(monkeypatch):
    subscription = archive(6, keep_newest=1, keep_days=3)
    monkeypatch.setattr(retention, "MAX_REMOVED_PER_RUN", 2)
    read = []
    from_db = SubscriptionItem.from_db
    monkeypatch.setattr(SubscriptionItem, "from_db", lambda *args: read.append(args) or from_db(*args))
    assert past(subscription) == ["v6", "v5"]
    assert len(read) == 2


@pytest.mark.parametrize("seed", range(3))
def test_it_chooses_what_the_rule_says_of_any_ledger(monkeypatch, seed):
    rng, now = random.Random(seed), read_clock()
    subscription, others = _create_ledger(rng, now)
    monkeypatch.setattr(retention, "MAX_REMOVED_PER_RUN", 12)
    for keep_newest, keep_days in itertools.product((None, 1, 9, 25, 60), (None, 3, 12)):
        Subscription.objects.filter(pk=subscription.pk).update(keep_newest=keep_newest, keep_days=keep_days)
        subscription.refresh_from_db()
        tried = rng.sample([one.pk for one in subscription.items.all()], 2)
        with CaptureQueriesContext(connection) as queries:
            chosen = retention.find_past_retention(subscription, now=now, tried=tried).items
        expected = _choose_by_rule(subscription, others, now, tried)
        assert [one.pk for one in chosen] == expected[:12], (keep_newest, keep_days)
        assert len(queries) <= 5


def _create_ledger(rng: random.Random, now: dt.datetime) -> tuple[Subscription, set[int]]:
    """Return a subscription with 60 items, many of one age, and the videos that something else keeps."""
    subscription, other = claimed(), claimed("https://www.youtube.com/@grace")
    videos, user = create_videos(50), make_user("ann")
    columns = ("status", "protected", "ended_at", "added_at")
    for video in videos:
        video.status = rng.choice([Status.COMPLETE] * 4 + [Status.FAILED])
        video.protected = rng.choice([None, False, False, True])
        video.added_at = now - rng.randrange(1, 20) * DAY
        video.ended_at = rng.choice([None, video.added_at + DAY / 2])
    Video.objects.bulk_update(videos, columns)
    kept = set(rng.sample([video.pk for video in videos], 8))
    for number in range(60):
        video = videos[number] if number < len(videos) else None
        seen(
            subscription,
            f"n{number}",
            rng.choice(["queued"] * 5 + ["archived", "removed", "ignored"]),
            video=video,
            published=rng.choice([None, now - rng.randrange(6) * DAY]),
            seen_at=now - rng.randrange(6) * DAY,
            is_picked=rng.random() < 0.1,
        )
    for place, pk in enumerate(sorted(kept)):
        if place % 2:
            seen(other, f"o{pk}", rng.choice(["queued", "archived"]), video_id=pk)
        else:
            WatchState.objects.create(user=user, video_id=pk, updated_at=now - dt.timedelta(minutes=9))
    return subscription, kept


def _choose_by_rule(subscription: Subscription, others: set[int], now: dt.datetime, tried: list[int]) -> list[int]:
    """Return what is past retention, the oldest first, row by row."""
    items = subscription.items.filter(state="queued").select_related("video")
    brought = [one for one in items if one.video and one.video.status == Status.COMPLETE]
    brought.sort(key=lambda one: (one.published or one.seen_at, one.pk))
    surplus = brought[: -subscription.keep_newest] if subscription.keep_newest else []
    oldest = now - dt.timedelta(days=subscription.keep_days or 10_000)
    return [
        one.pk
        for one in brought
        if (one in surplus or (one.video.ended_at or one.video.added_at) < oldest)
        and not (one.is_picked or one.video.protected or one.video.pk in others or one.pk in tried)
    ]


def test_a_ledger_of_any_length_is_chosen_from_by_the_index():
    subscription = archive(2, keep_newest=1, keep_days=1)
    with CaptureQueriesContext(connection) as queries:
        retention.find_past_retention(subscription)
    selects = [one["sql"] for one in queries if "downloads_sub" in one["sql"] and "COALESCE" in one["sql"]]
    plans = [explain(sql) for sql in selects[:2]]
    assert len(plans) == 2
    assert all("downloads_sub_items_kept" in plan and "TEMP B-TREE" not in plan for plan in plans), plans


def explain(sql: str) -> str:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by the size of tables")
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
        return "\n".join(row[-1] for row in cursor.fetchall())


def test_one_subscription_alone_is_looked_at():
    first = archive(2, keep_newest=1)
    other = claimed("https://www.youtube.com/@grace", keep_newest=1)
    assert past(first) == ["v2"]
    assert past(other) == []


def test_subscriptions_within_their_limits_need_no_queries_of_their_own(django_assert_num_queries):
    for number in range(3):
        claimed(f"https://www.youtube.com/@ada{number}", keep_newest=1, keep_days=1)
    now = read_clock()  # a query of its own where the database has a clock
    with django_assert_num_queries(2):
        assert past(now=now) == []
