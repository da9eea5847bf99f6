"""The ledger: what a check makes of a listing, and what it never does."""

import dataclasses
import datetime as dt

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone

from downloads.intake.submit import submit
from downloads.models import Status, Subscription, SubscriptionItem, Video
from downloads.subscriptions import items, ledger, verbs
from downloads.subscriptions.ledger import listings, queueing
from downloads.subscriptions.patterns import InvalidPattern
from downloads.subscriptions.walks import Walk, WalkKind, plan_walks
from downloads.tests.support.subscriptions import (
    TOP,
    WHOLE,
    check_list,
    claim_again,
    claimed,
    entries,
    entry,
    item,
    listing,
    numbered,
    states,
)

pytestmark = pytest.mark.django_db


# Refusals --------------------------------------------------------------------------------------


def test_an_empty_list_where_there_was_something_is_a_failure():
    subscription = claimed()
    ledger.apply(subscription, TOP, numbered(3, 1))
    before = list(SubscriptionItem.objects.values())
    with pytest.raises(ledger.EmptyListing, match="Nothing was changed"):
        ledger.apply(claim_again(subscription), TOP, [])
    assert list(SubscriptionItem.objects.values()) == before


def test_an_empty_tab_that_never_had_anything_is_none():
    assert ledger.apply(claimed(), TOP, []).listed == 0


def test_a_broken_filter_writes_nothing():
    subscription = claimed(start="all")
    Subscription.objects.update(title_includes="(")
    with pytest.raises(InvalidPattern):
        ledger.apply(claim_again(subscription), TOP, numbered(3, 1))
    assert not SubscriptionItem.objects.exists()


def test_a_check_without_its_lease_writes_nothing():
    subscription = claimed(start="all")
    assert subscription.pause()
    outcome = ledger.apply(subscription, TOP, numbered(3, 1))
    assert outcome.is_lease_lost
    assert not SubscriptionItem.objects.exists()
    assert not Video.objects.exists()


@pytest.mark.parametrize("url", ["", "ftp://example.org/1", "http://127.0.0.1.nip.io\x00/", "javascript:alert(1)"])
def test_a_video_whose_link_cannot_be_added_says_so(url):
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, [entry("odd", 1, url=url), entry("good", 2)])
    odd = item(subscription, "odd")
    assert (odd.state, odd.video) == ("filtered", None)
    assert odd.reason.startswith("It can’t be added. ")
    assert item(subscription, "good").state == "queued"


# What is fetched of what was there -----------------------------------------------------------------


def test_only_new_videos_are_fetched_by_default():
    subscription = claimed()
    assert ledger.apply(subscription, TOP, numbered(10, 1)).counts == {"before": 10}
    ledger.apply(claim_again(subscription), TOP, numbered(12, 3))
    assert states(subscription) == {"before": 10, "queued": 2}
    assert set(Video.objects.values_list("title", flat=True)) == {"Film v11", "Film v12"}
    assert set(Video.objects.values_list("priority", flat=True)) == {-1}


def test_what_is_announced_is_new_however_long_it_is_listed():
    subscription = claimed()
    start = timezone.now() + dt.timedelta(days=2)
    ledger.apply(subscription, TOP, [entry("soon", 1, live_status="is_upcoming", release_at=start), entry("old", 2)])
    assert states(subscription) == {"waiting": 1, "before": 1}
    assert item(subscription, "soon").retry_at == start + dt.timedelta(hours=1)


def test_the_newest_ones_are_fetched_beyond_the_first_50():
    subscription = claimed(start="newest", start_count=60)
    listed = numbered(300, 1)
    check_list(subscription, listed)
    assert states(subscription) == {"queued": 50}
    check_list(subscription, listed)
    assert states(subscription) == {"queued": 60, "before": 190}
    assert plan_walks(claim_again(subscription)) == [TOP]
    assert item(subscription, "v241").state == "queued"
    assert item(subscription, "v240").reason == "Not among the newest 60."


def test_since_a_date_walks_until_all_are_older():
    subscription = claimed(start="since", start_date=dt.date(2026, 6, 1))
    day, epoch = dt.timedelta(days=1), dt.datetime(2026, 9, 1, 12, tzinfo=dt.UTC)
    listed = [entry(f"v{age}", published=epoch - age * day) for age in range(400)]
    for _ in range(4):
        check_list(subscription, listed)
    assert states(subscription) == {"queued": 93, "before": 157}
    assert plan_walks(claim_again(subscription)) == [TOP]


def test_everything_comes_in_slices_behind_everything_else():
    subscription = claimed(start="all")
    listed = numbered(520, 1)
    queued = []
    for _ in range(4):
        check_list(subscription, listed)
        queued.append(Video.objects.count())
    assert queued == [50, 250, 450, 520]
    assert set(Video.objects.values_list("priority", flat=True)) == {-2}
    for _ in range(2):  # what is empty is asked for once more
        check_list(subscription, listed)
    assert plan_walks(claim_again(subscription)) == [TOP]


def test_a_site_that_repeats_itself_without_end_is_left():
    subscription = claimed(start="all")
    for walk in (TOP, Walk("videos", 51, 250, WalkKind.BACKLOG)):
        ledger.apply(claim_again(subscription), walk, numbered(50, 1))
    assert plan_walks(claim_again(subscription)) == [TOP]
    assert states(subscription) == {"queued": 50}


@pytest.mark.parametrize("kind", [WalkKind.BACKLOG, WalkKind.CATCH_UP])
def test_one_empty_slice_is_not_the_end_of_a_list(kind):
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, numbered(300, 251))
    if kind == WalkKind.CATCH_UP:
        ledger.apply(claim_again(subscription), TOP, numbered(400, 351))
    older = next(walk for walk in plan_walks(claim_again(subscription)) if walk.kind == kind)
    assert ledger.apply(claim_again(subscription), older, []).listed == 0
    assert older in plan_walks(claim_again(subscription))  # a site may err
    ledger.apply(claim_again(subscription), older, numbered(250, 51, first=51))
    following = [walk for walk in plan_walks(claim_again(subscription)) if walk.kind == kind]
    assert [walk.first for walk in following] == [251]
    for count in (1, 0):
        ledger.apply(claim_again(subscription), following[0], [])
        assert [walk.kind for walk in plan_walks(claim_again(subscription))].count(kind) == count
    assert not any(name.startswith("empty") for name in claim_again(subscription).positions["videos"])


# The newest of a channel -----------------------------------------------------------------------------


def test_ten_known_in_a_row_end_the_walk():
    subscription = claimed()
    ledger.apply(subscription, TOP, numbered(20, 1))
    # "late" moved up from below, where nobody has looked.
    listed = [*numbered(21, 8), *entries("late", first=15)]
    outcome = ledger.apply(claim_again(subscription), TOP, listed)
    assert outcome.counts == {"queued": 1}
    assert item(subscription, "v21").state == "queued"
    assert not SubscriptionItem.objects.filter(source_id="late").exists()


def test_older_videos_that_move_up_are_not_new():
    subscription = claimed()
    ledger.apply(subscription, TOP, numbered(100, 51))
    # 45 were removed from the site, so others are among the newest 50 now.
    listed = [*numbered(101, 96), *numbered(50, 10, first=7)]
    ledger.apply(claim_again(subscription), TOP, listed)
    assert states(subscription) == {"before": 91, "queued": 1}


def test_a_premiere_at_the_top_hides_nothing_new():
    subscription = claimed()
    ledger.apply(subscription, TOP, entries("premiere", live_status="is_upcoming"))
    ledger.apply(claim_again(subscription), TOP, [entry("premiere", 1, live_status="is_upcoming"), *numbered(2, 1, 2)])
    assert states(subscription) == {"waiting": 1, "queued": 2}


def test_more_new_ones_than_a_check_lists_are_caught_up():
    subscription = claimed(max_new=500)
    check_list(subscription, numbered(60, 1))
    listed = numbered(200, 1)
    check_list(subscription, listed)
    assert plan_walks(claim_again(subscription))[1:] == [Walk("videos", 51, 250, WalkKind.CATCH_UP)]
    check_list(subscription, listed)
    assert SubscriptionItem.objects.filter(state="queued").count() == 140
    assert plan_walks(claim_again(subscription)) == [TOP]


@pytest.mark.parametrize(
    "newest",
    [(400, 401), (400, 460), (600, 600, 660), (600, 660, 720), (300, 460, 620, 780), (450, 700, 700, 800)],
)
def test_what_comes_while_new_ones_are_caught_up_hides_none_of_them(newest):
    """The places of all move down meanwhile, and the top begins another catching up."""
    subscription = claimed(max_new=5000)
    check_list(subscription, numbered(50, 1))
    for number in (*newest, *[newest[-1]] * 9):
        check_list(subscription, numbered(number, 1))
        if plan_walks(claim_again(subscription)) == [TOP]:
            break
    assert states(subscription) == {"before": 50, "queued": newest[-1] - 50}
    assert claim_again(subscription).positions == {"videos": {}}


def test_an_interrupted_catching_up_goes_on(monkeypatch):
    subscription = claimed(max_new=500)
    check_list(subscription, numbered(50, 1))
    check_list(subscription, numbered(400, 1))
    real, groups = listings._insert_group, []

    def fail_in_the_second_group(*arguments):
        groups.append(arguments)
        if len(groups) == 3:  # the first is that of the top
            raise DatabaseError
        real(*arguments)

    monkeypatch.setattr(listings, "_insert_group", fail_in_the_second_group)
    with pytest.raises(DatabaseError):
        check_list(subscription, numbered(400, 1))
    for _ in range(2):
        check_list(subscription, numbered(400, 1))
    assert states(subscription) == {"before": 50, "queued": 350}


def test_a_site_that_repeats_its_newest_is_not_caught_up_without_end():
    subscription = claimed()
    ledger.apply(subscription, TOP, numbered(50, 1))
    ledger.apply(claim_again(subscription), TOP, numbered(100, 51))
    slice_ = plan_walks(claim_again(subscription))[1]
    ledger.apply(claim_again(subscription), slice_, numbered(100, 51, first=51))
    assert plan_walks(claim_again(subscription)) == [TOP]


def test_everything_is_fetched_of_what_was_walked_before():
    """A slice that holds known videos alone is no end of the list."""
    subscription = claimed(start="newest", start_count=60)
    for _ in range(2):
        check_list(subscription, numbered(300, 1))
    verbs.edit(Subscription.objects.get(), {"start": "all"})
    for _ in range(3):
        check_list(subscription, numbered(300, 1))
    assert SubscriptionItem.objects.count() == 300


def test_more_new_ones_than_wanted_at_once_follow():
    subscription = claimed(max_new=5)
    check_list(subscription, numbered(10, 1))
    listed = numbered(22, 1)
    queued = [sum(outcome.queued for outcome in check_list(subscription, listed)) for _ in range(4)]
    assert queued == [5, 5, 2, 0]
    assert states(subscription) == {"before": 10, "queued": 12}


def test_what_was_postponed_follows_after_the_clock_was_set_back():
    subscription = claimed(max_new=5)
    check_list(subscription, numbered(10, 1))
    check_list(subscription, numbered(18, 1))
    SubscriptionItem.objects.filter(state="waiting").update(retry_at=timezone.now() + dt.timedelta(days=400))
    assert sum(outcome.queued for outcome in check_list(subscription, numbered(18, 1))) == 3


def test_a_video_listed_twice_is_one():
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, entries("a", "b", "a"))
    assert states(subscription) == {"queued": 2}


def dated(*ages: float, first: int = 1) -> list:
    """Return videos named by their age in days, in this order."""
    now = timezone.now()
    return [entry(f"a{age:g}", place, published=now - dt.timedelta(days=age)) for place, age in enumerate(ages, first)]


def test_old_videos_are_not_new_when_all_known_ones_are_hidden():
    subscription = claimed()
    check_list(subscription, dated(*range(1, 51)))
    check_list(subscription, dated(-1, *range(51, 400)))
    assert states(subscription)["queued"] == 1
    assert item(subscription, "a-1").state == "queued"
    assert plan_walks(claim_again(subscription)) == [TOP]


@pytest.mark.parametrize("listed", [dated(*range(1, 4)), numbered(40, 1)], ids=["dates", "many"])
def test_a_first_listing_that_was_empty_by_mistake_makes_nothing_new(listed):
    subscription = claimed()
    check_list(subscription, [])
    check_list(subscription, listed)
    assert states(subscription) == {"before": len(listed)}


def test_the_first_videos_of_a_new_channel_are_new():
    subscription = claimed()
    check_list(subscription, [])
    check_list(subscription, [entry("undated", 1), *dated(-1, first=2)])
    assert states(subscription) == {"queued": 2}


def test_everything_is_fetched_of_a_list_that_was_empty_by_mistake():
    subscription = claimed(start="all")
    check_list(subscription, [])
    for _ in range(2):
        check_list(subscription, numbered(120, 1))
    assert states(subscription) == {"queued": 120}


def test_what_came_before_a_delayed_first_check_is_new():
    subscription = claimed()
    Subscription.objects.update(created_at=timezone.now() - dt.timedelta(days=3))
    ledger.apply(claim_again(subscription), TOP, dated(1, 2, 5))
    assert states(subscription) == {"queued": 2, "before": 1}


@pytest.mark.parametrize("kind", ["channel", "playlist"])
def test_another_start_makes_nothing_old_that_came_since(kind):
    subscription = claimed(kind=kind, start="all", max_new=100)
    order = reversed if kind == "playlist" else list
    check_list(subscription, list(order(numbered(20, 1))))
    Subscription.objects.update(succeeded_at=timezone.now())
    verbs.edit(Subscription.objects.get(), {"start": "new"})
    check_list(subscription, list(order(numbered(23, 1))))
    assert states(subscription) == {"queued": 23}


def test_a_tab_that_is_chosen_later_begins_with_what_comes_then():
    subscription = claimed()
    now = timezone.now()
    Subscription.objects.update(created_at=now - dt.timedelta(days=99), succeeded_at=now - dt.timedelta(days=1))
    shorts = Walk("shorts", 1, 50, WalkKind.NEWEST)
    listed = [dataclasses.replace(one, tab="shorts") for one in dated(0.5, 2, 30)]
    ledger.apply(claim_again(subscription), shorts, listed)
    assert states(subscription) == {"queued": 1, "before": 2}


# Playlists ----------------------------------------------------------------------------------------


def test_a_playlist_grows_at_its_end():
    subscription = claimed("https://www.youtube.com/playlist?list=PL1", "playlist", start="newest", start_count=2)
    listed = entries(*(f"p{number}" for number in range(1, 301)), tab="")
    ledger.apply(subscription, WHOLE, listed)
    assert states(subscription) == {"before": 298, "queued": 2}
    assert item(subscription, "p300").state == "queued"
    ledger.apply(claim_again(subscription), WHOLE, [*listed, entry("p301", 301, tab="")])
    assert item(subscription, "p301").state == "queued"


@pytest.mark.parametrize("is_dated", [True, False])
def test_the_newest_of_a_playlist_are_those_by_date_also_when_asked_for_later(is_dated):
    subscription = claimed("https://a.example/feed", "playlist")
    listed = [dataclasses.replace(one, tab="") for one in dated(*range(1, 9))]
    if not is_dated:
        listed = [dataclasses.replace(one, published=None) for one in listed]
    ledger.apply(subscription, WHOLE, listed)
    verbs.edit(Subscription.objects.get(), {"start": "newest", "start_count": 2})
    queued = SubscriptionItem.objects.filter(state="queued").values_list("source_id", flat=True)
    assert set(queued) == ({"a1", "a2"} if is_dated else {"a7", "a8"})


def test_all_of_a_playlist_comes_in_slices():
    subscription = claimed("https://www.youtube.com/playlist?list=PL1", "playlist", start="all")
    listed = entries(*(f"p{number}" for number in range(1, 451)), tab="")
    queued = [sum(outcome.queued for outcome in check_list(subscription, listed)) for _ in range(4)]
    assert queued == [200, 200, 50, 0]


# What the archive has -------------------------------------------------------------------------------


def stored_video(url: str, source_id: str, extractor: str = "Youtube") -> Video:
    Video.objects.ingest(url, url)
    video = Video.objects.get(canonical_url=url)
    Video.objects.filter(pk=video.pk).update(status=Status.COMPLETE, extractor=extractor, source_id=source_id)
    return video


@pytest.mark.parametrize("url", ["https://youtu.be/v1", "https://www.youtube.com/watch?v=v1"])
def test_what_is_here_is_not_fetched_again(url):
    video = stored_video(url, "v1")
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, numbered(2, 1))
    archived = item(subscription, "v1")
    assert (archived.state, archived.video) == ("archived", video)
    assert Video.objects.count() == 2


def test_two_subscriptions_that_want_a_video_get_one():
    ledger.apply(claimed(start="all"), TOP, entries("a"))
    second = claimed("https://www.youtube.com/playlist?list=PL1", "playlist", start="all")
    listed = [entry("a", 1, tab="", url="https://www.youtube.com/shorts/a")]
    ledger.apply(second, WHOLE, listed)
    video = Video.objects.get()
    assert [(one.state, one.video) for one in SubscriptionItem.objects.order_by("pk")] == [
        ("queued", video),
        ("archived", video),
    ]


def test_what_another_subscription_ignores_is_fetched_for_one_that_wants_it():
    first = claimed(start="all")
    ledger.apply(first, TOP, entries("a"))
    assert items.ignore(list(first.items.all())) == 1
    second = claimed("https://www.youtube.com/playlist?list=PL1", "playlist", start="all")
    ledger.apply(second, WHOLE, [entry("a", 1, tab="", url="https://www.youtube.com/shorts/a")])
    assert (item(second, "a").state, Video.objects.get().status) == ("queued", Status.QUEUED)
    assert item(first, "a").state == "ignored"


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_what_failed_or_was_cancelled_is_not_told_to_be_here(status):
    video = stored_video("https://www.youtube.com/watch?v=v1", "v1")
    Video.objects.update(status=status)
    first = claimed(start="all")
    ledger.apply(first, TOP, numbered(1, 1))
    second = claimed("https://www.youtube.com/playlist?list=PL1", "playlist", start="all")
    ledger.apply(second, WHOLE, [entry("v1", 1, tab="")])
    for subscription in (first, second):
        assert item(subscription, "v1").video == video
        assert f"and {status}." in item(subscription, "v1").reason
    assert Video.objects.get().status == status


def test_what_is_deleted_while_it_is_found_follows(monkeypatch):
    subscription = claimed(start="all")
    real = queueing._find_present
    monkeypatch.setattr(queueing, "_find_present", lambda _, items: {one.identity: 10**6 for one in items})
    ledger.apply(subscription, TOP, entries("a"))
    connection.check_constraints()
    assert item(subscription, "a").state == "waiting"
    monkeypatch.setattr(queueing, "_find_present", real)
    check_list(subscription, entries("a"))
    assert item(subscription, "a").state == "queued"


def test_what_a_person_adds_as_well_is_picked():
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, entries("a", "b"))
    _, rejections = submit(["https://www.youtube.com/watch?v=a"])
    assert len(rejections) == 1
    assert [item(subscription, name).is_picked for name in "ab"] == [True, False]


def test_files_of_one_name_are_two_videos():
    subscription = claimed("https://a.example/feed", "playlist", start="all")
    listed = [
        entry("index", 1, tab="", extractor="Generic", url="https://a.example/1/index.mp4"),
        entry("index", 2, tab="", extractor="Generic", url="https://a.example/2/index.mp4"),
    ]
    ledger.apply(subscription, WHOLE, listed)
    assert states(subscription) == {"queued": 2}


def test_a_deleted_video_stays_away():
    subscription = claimed(start="all")
    ledger.apply(subscription, TOP, numbered(2, 1))
    assert item(subscription, "v1").video.remove("Deleted by ann")
    for _ in range(2):
        check_list(subscription, numbered(2, 1))
    removed = item(subscription, "v1")
    assert (removed.state, removed.reason, removed.video) == ("removed", "Deleted by ann", None)
    assert Video.objects.count() == 1


# What the site says otherwise ------------------------------------------------------------------------


def test_a_premiere_is_fetched_when_it_is_over():
    subscription = claimed()
    start = timezone.now() + dt.timedelta(days=1)
    announced = entry("p", 1, live_status="is_upcoming", release_at=start)
    check_list(subscription, [announced])
    moved = entry("p", 1, live_status="is_upcoming", release_at=start + dt.timedelta(days=1))
    check_list(subscription, [moved])
    assert item(subscription, "p").retry_at == start + dt.timedelta(days=1, hours=1)
    check_list(subscription, [entry("p", 1, live_status="is_live")])
    assert not Video.objects.exists()
    check_list(subscription, [entry("p", 1, live_status="was_live")])
    assert (item(subscription, "p").state, item(subscription, "p").retry_at) == ("queued", None)


def test_a_premiere_that_left_the_list_is_fetched_by_its_time():
    subscription = claimed()
    check_list(subscription, [entry("p", 1, live_status="is_upcoming")])
    check_list(subscription, numbered(20, 1))
    assert item(subscription, "p").state == "waiting"
    SubscriptionItem.objects.filter(source_id="p").update(retry_at=timezone.now())
    check_list(subscription, numbered(20, 1))
    assert item(subscription, "p").state == "queued"


def test_members_only_is_never_queued_until_it_is_public():
    subscription = claimed(start="all")
    members = entry("m", 1, availability="subscriber_only")
    check_list(subscription, [members])
    SubscriptionItem.objects.update(retry_at=timezone.now())
    for _ in range(2):
        check_list(subscription, [members])
    held = item(subscription, "m")
    assert held.state == "members"
    assert held.retry_at > timezone.now() + dt.timedelta(days=6)
    SubscriptionItem.objects.update(retry_at=timezone.now())
    check_list(subscription, numbered(20, 1))
    assert item(subscription, "m").state == "members"
    check_list(subscription, [entry("m", 1, availability="public")])
    assert item(subscription, "m").state == "queued"


def test_what_left_the_list_is_not_touched():
    subscription = claimed(start="all")
    check_list(subscription, numbered(3, 1))
    before = list(SubscriptionItem.objects.order_by("pk").values())
    check_list(subscription, numbered(3, 3))
    assert list(SubscriptionItem.objects.order_by("pk").values()) == before


# Interruptions, and people meanwhile ----------------------------------------------------------------


def test_a_check_that_is_interrupted_leaves_nothing_half(monkeypatch):
    subscription = claimed(start="all")
    real, calls = listings.queue_items, []

    def fail_in_the_second_group(*args, **kwargs):
        real(*args, **kwargs)
        calls.append(args)
        if len(calls) == 4:  # of each group the new ones, which are none here, and then the old ones
            raise DatabaseError

    monkeypatch.setattr(listings, "queue_items", fail_in_the_second_group)
    walk = Walk("videos", 51, 250, WalkKind.BACKLOG)
    with pytest.raises(DatabaseError):
        ledger.apply(subscription, walk, numbered(120, 1, first=51))
    assert Video.objects.count() == SubscriptionItem.objects.filter(state="queued").count() == 50
    monkeypatch.setattr(listings, "queue_items", real)
    ledger.apply(claim_again(subscription), walk, numbered(120, 1, first=51))
    assert Video.objects.count() == SubscriptionItem.objects.filter(state="queued").count() == 120


@pytest.mark.parametrize("place", ["_ingest", "_save_requests", "_write_cursor"])
def test_a_group_that_is_interrupted_anywhere_leaves_nothing_half(monkeypatch, place):
    """Neither a video without its item, nor an item without its video, nor a cursor behind both."""
    subscription = claimed(start="all")
    module = queueing if place == "_ingest" else listings
    write, failures = getattr(module, place), [OperationalError("the connection was lost")]

    def write_and_fail(*arguments):
        result = write(*arguments)
        if failures:
            raise failures.pop()
        return result

    monkeypatch.setattr(module, place, write_and_fail)
    with pytest.raises(OperationalError):
        ledger.apply(subscription, TOP, entries("a", "b"))
    stored = Subscription.objects.get(pk=subscription.pk)
    assert (Video.objects.count(), states(subscription), stored.positions) == (0, {}, {})
    assert (subscription.queued_in_check, subscription.positions) == ({False: 0, True: 0}, {})
    assert ledger.apply(subscription, TOP, entries("a", "b")).queued == 2
    assert (Video.objects.count(), states(subscription)) == (2, {"queued": 2})


def fail_to_commit_once(monkeypatch):
    """Have the next transaction of the ledger fail at its end, as when the database goes away at the COMMIT."""
    real, failures = transaction.Atomic.__exit__, [OperationalError("the connection was lost")]
    depth = len(connection.savepoint_ids) + 1

    def leave(atomic, exc_type, exc_value, traceback):
        if exc_type is None and failures and len(connection.savepoint_ids) == depth:
            error = failures.pop()
            real(atomic, OperationalError, error, None)
            raise error
        return real(atomic, exc_type, exc_value, traceback)

    monkeypatch.setattr(transaction.Atomic, "__exit__", leave)


def test_what_a_failed_commit_took_back_is_no_word_on_what_is_new(monkeypatch):
    subscription = claimed(start="new")
    fail_to_commit_once(monkeypatch)
    with pytest.raises(OperationalError):
        ledger.apply(subscription, TOP, numbered(30, 1))
    assert not SubscriptionItem.objects.exists()
    ledger.apply(subscription, TOP, numbered(30, 1))
    assert states(subscription) == {"before": 30}


def test_a_failed_commit_takes_no_room(monkeypatch):
    subscription = claimed(max_new=5)
    check_list(subscription, numbered(10, 1))
    check = claim_again(subscription)
    fail_to_commit_once(monkeypatch)
    with pytest.raises(OperationalError):
        ledger.apply(check, TOP, numbered(15, 1))
    assert ledger.apply(check, TOP, numbered(15, 1)).counts == {"queued": 5}


def test_filters_edited_during_a_check_hold():
    subscription = claimed(start="all")
    verbs.edit(Subscription.objects.get(), {"title_excludes": "v1$"})
    ledger.apply(subscription, TOP, numbered(3, 1))
    assert item(subscription, "v1").state == "filtered"


def test_another_start_chosen_during_a_check_begins_again():
    subscription = claimed()
    ledger.apply(subscription, TOP, numbered(50, 1))
    check = claim_again(subscription)
    verbs.edit(Subscription.objects.get(), {"start": "all"})
    ledger.apply(check, TOP, numbered(51, 2))
    assert Subscription.objects.get().positions == {}
    assert states(subscription)["queued"] >= 50


def test_the_queries_of_a_check_are_few_and_constant(django_assert_max_num_queries):
    subscription = claimed()
    ledger.apply(subscription, TOP, numbered(50, 1))
    check = claim_again(subscription)
    with django_assert_max_num_queries(8):
        ledger.apply(check, TOP, numbered(50, 1))
    check = claim_again(subscription)
    with django_assert_max_num_queries(30):
        ledger.apply(check, TOP, numbered(90, 41))


# Identity -------------------------------------------------------------------------------------------


def test_a_list_keeps_its_name_and_id():
    subscription = claimed()
    assert plan_walks(Subscription(kind="")) == []
    assert ledger.save_identity(subscription, listing(title="Ada\x00 "))
    assert (subscription.name, subscription.source_id, subscription.kind) == ("Ada", "UC1", "channel")
    Subscription.objects.update(name="My name")
    assert ledger.save_identity(claim_again(subscription), listing(title="Renamed"))
    assert Subscription.objects.get().name == "My name"


def test_the_same_list_under_two_urls_is_named():
    assert ledger.save_identity(claimed(name="Ada"), listing())
    second = claimed("https://www.youtube.com/c/ada")
    with pytest.raises(ledger.SameList, match="the same list as the subscription “Ada”"):
        ledger.save_identity(second, listing())
