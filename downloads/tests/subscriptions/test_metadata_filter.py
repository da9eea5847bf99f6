"""The filter of queued videos by the metadata of their look-up."""

import datetime as dt
import itertools

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from downloads.models import Metadata, Status, SubscriptionItem, Video, VideoEvent
from downloads.subscriptions import ledger, metadata_filter
from downloads.subscriptions.judgement import AFTER_START, LIVE_RETRY
from downloads.tests.support.subscriptions import TOP, check_list, claim_again, claimed, entries, entry, item, states
from downloads.ytdlp.results import NotYetAvailable, Stage

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.fixture
def clock_of_this_machine() -> None:
    """The moment of a test is that of the database too."""
    if connection.vendor != "sqlite":
        pytest.skip("the clock of PostgreSQL is its own")


def looked_up(name: str = "a") -> Video:
    """Return the video of an item, which a worker has claimed."""
    Video.objects.exclude(url__endswith=f"v={name}").update(not_before=timezone.now() + dt.timedelta(hours=9))
    video = Video.objects.claim("w")
    assert video
    return video


def follow(*names: str, **values) -> object:
    subscription = claimed(start="all", **values)
    ledger.apply(subscription, TOP, entries(*(names or "a")))
    return subscription


@pytest.mark.parametrize(
    ("filters", "metadata", "reason"),
    [
        ({"min_duration": 120}, {"duration": 30.0}, "It is 0:30, under 2:00."),
        (
            {"published_since": dt.date(2026, 1, 2)},
            {"upload_date": dt.date(2026, 1, 1)},
            "Published before 2 Jan 2026.",
        ),
        ({"title_excludes": "trailer"}, {"title": "Trailer"}, "The title contains “trailer”."),
    ],
)
def test_what_nobody_wants_after_the_look_up_leaves_the_archive(filters, metadata, reason):
    subscription = follow(**filters)
    video = looked_up()
    assert metadata_filter.remove_unwanted(video, Metadata(**{"title": "Film", **metadata}))
    held = item(subscription, "a")
    assert (held.state, held.reason, held.video) == ("filtered", reason, None)
    assert not Video.objects.exists()
    assert not Video.objects.filter(status=Status.FAILED).exists()
    assert VideoEvent.objects.filter(public_id=video.video_id).last().reason.endswith(reason)
    check_list(subscription, entries("a"))
    assert not Video.objects.exists()


def test_what_the_look_up_found_is_kept_for_the_next_judgement():
    subscription = follow(min_duration=120)
    facts = Metadata(title="The real title", duration=30.0, upload_date=dt.date(2026, 1, 1))
    metadata_filter.remove_unwanted(looked_up(), facts)
    held = item(subscription, "a")
    assert (held.title, held.duration, held.is_date_rough) == ("The real title", 30.0, False)
    assert held.published == dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("metadata", "is_wanted"),
    [(Metadata(duration=120.0), True), (Metadata(), True), (Metadata(duration=119.0), False)],
)
def test_what_is_unknown_rejects_nothing(metadata, is_wanted):
    follow(min_duration=120)
    assert metadata_filter.remove_unwanted(looked_up(), metadata) is not is_wanted


def test_a_rough_date_is_judged_for_good():
    """In the list it was within the margin of a week."""
    since = dt.date(2026, 6, 10)
    subscription = claimed(start="since", start_date=since)
    rough = dt.datetime(2026, 6, 4, tzinfo=dt.UTC)
    ledger.apply(subscription, TOP, [entry("a", 1, published=rough, is_date_rough=True)])
    assert metadata_filter.remove_unwanted(looked_up(), Metadata(upload_date=dt.date(2026, 6, 9)))
    assert item(subscription, "a").state == "before"


@pytest.mark.parametrize("hand", ["picked", "moved", "here", "added"])
def test_what_a_person_has_a_hand_in_is_not_judged(hand):
    subscription = follow(min_duration=120)
    video = looked_up()
    if hand == "picked":
        SubscriptionItem.objects.update(is_picked=True)
    elif hand == "moved":
        Video.objects.update(priority=1)
    elif hand == "here":
        Video.objects.update(media_file="a/a.mp4")
    else:
        SubscriptionItem.objects.update(state="archived")
    video.refresh_from_db()
    assert not metadata_filter.remove_unwanted(video, Metadata(duration=1.0))
    assert item(subscription, "a").video == video


def test_a_video_stays_while_another_subscription_wants_it():
    follow(min_duration=120)
    second = claimed("https://www.youtube.com/playlist?list=PL1", "playlist", start="all")
    ledger.apply(second, TOP, entries("a"))
    assert not metadata_filter.remove_unwanted(looked_up(), Metadata(duration=1.0))


def test_what_turns_out_to_be_here_is_already_archived():
    kept = Video.objects.ingest("https://youtu.be/a", "https://youtu.be/a")[0]
    subscription = follow()
    Video.objects.filter(pk=kept.pk).update(status=Status.COMPLETE, extractor="Youtube", source_id="other")
    assert metadata_filter.remove_unwanted(looked_up(), Metadata(extractor="Youtube", source_id="other"))
    held = item(subscription, "a")
    assert (held.state, held.video) == ("archived", kept)
    assert Video.objects.get() == kept


def test_what_another_subscription_adds_meanwhile_follows(monkeypatch):
    first = follow(min_duration=120)
    video = looked_up()
    second = claimed("https://www.youtube.com/playlist?list=PL1", "playlist", start="all")
    real = metadata_filter._remove_with_verdicts

    def add_and_remove(*args):
        ledger.apply(second, TOP, entries("a"))
        return real(*args)

    monkeypatch.setattr(metadata_filter, "_remove_with_verdicts", add_and_remove)
    assert metadata_filter.remove_unwanted(video, Metadata(duration=1.0))
    assert (item(first, "a").state, item(second, "a").state) == ("filtered", "waiting")
    check_list(second, [])
    assert item(second, "a").state == "queued"


def test_an_attempt_without_its_lease_changes_nothing():
    subscription = follow(min_duration=120)
    video = looked_up()
    Video.objects.update(lease_token="another")
    assert not metadata_filter.remove_unwanted(video, Metadata(duration=1.0))
    assert item(subscription, "a").state == "queued"


def test_members_only_is_nobodys_failure():
    subscription = follow()
    assert metadata_filter.remove_members_only(looked_up())
    assert states(subscription) == {"members": 1}
    assert not Video.objects.exists()
    check_list(subscription, entries("a"))
    assert states(subscription) == {"members": 1}  # the list does not say so, and a week has not passed
    SubscriptionItem.objects.update(retry_at=timezone.now())
    check_list(subscription, entries("a"))
    assert states(subscription) == {"queued": 1}


@pytest.mark.parametrize(
    ("not_yet", "reason", "wait"),
    [
        (NotYetAvailable(Stage.ANNOUNCED, starts_at=NOW + 3 * DAY), "Announced,", 3 * DAY + AFTER_START),
        (NotYetAvailable(Stage.ANNOUNCED), "Announced,", LIVE_RETRY),
        (NotYetAvailable(Stage.LIVE), "Live,", LIVE_RETRY),
        (NotYetAvailable(Stage.PROCESSING), "The site was preparing", LIVE_RETRY),
        (NotYetAvailable(Stage.OFFLINE), "Nothing was live", LIVE_RETRY),
    ],
)
@pytest.mark.usefixtures("clock_of_this_machine")
@time_machine.travel(NOW, tick=False)
def test_a_premiere_that_only_the_look_up_tells_waits_in_the_ledger_until_its_date(not_yet, reason, wait):
    subscription = follow()
    assert metadata_filter.remove_not_yet_available(looked_up(), not_yet, Metadata(title="The premiere"))
    held = item(subscription, "a")
    assert (held.state, held.title, held.video, held.retry_at) == ("waiting", "The premiere", None, NOW + wait)
    assert held.reason.startswith(reason)
    assert not Video.objects.exists()
    check_list(subscription, entries("a"))  # the list says nothing of it
    assert states(subscription) == {"waiting": 1}
    SubscriptionItem.objects.update(retry_at=NOW)
    check_list(subscription, entries("a"))
    assert states(subscription) == {"queued": 1}


@pytest.mark.usefixtures("clock_of_this_machine")
@time_machine.travel(NOW, tick=False)
def test_a_stream_without_an_end_is_looked_up_less_and_less_often():
    subscription = follow()
    for age, wait in ((4, 1), (400, 7)):
        SubscriptionItem.objects.update(live_since=NOW - age * DAY, retry_at=NOW)
        assert look_up_again(subscription, NotYetAvailable(Stage.LIVE)) == wait * DAY


def look_up_again(subscription, not_yet: NotYetAvailable) -> dt.timedelta:
    """Have a video that is due looked up, of which the list says nothing; return how long it waits after it."""
    check_list(subscription, entries("a"))
    assert metadata_filter.remove_not_yet_available(looked_up(), not_yet, Metadata())
    held = item(subscription, "a")
    assert (held.state, held.video) == ("waiting", None)
    assert held.retry_at
    return held.retry_at - timezone.now()


@pytest.mark.parametrize(
    "not_yet",
    [
        NotYetAvailable(Stage.ANNOUNCED),
        NotYetAvailable(Stage.ANNOUNCED, starts_at=NOW + 4_000 * DAY),  # a date that nobody means
        NotYetAvailable(Stage.OFFLINE),
        NotYetAvailable(Stage.LIVE),
        NotYetAvailable(Stage.PROCESSING),
    ],
)
@pytest.mark.usefixtures("clock_of_this_machine")
def test_what_has_no_known_start_is_looked_up_for_ever_at_growing_distances(not_yet):
    """However long the list has had it: from six hours to a week, each wait a quarter of all the time before."""
    with time_machine.travel(NOW, tick=False) as clock:
        subscription = follow()
        SubscriptionItem.objects.update(seen_at=NOW - 300 * DAY)
        waits = []
        for _ in range(26):
            waits.append(look_up_again(subscription, not_yet))
            clock.shift(waits[-1])
    assert waits[:2] == [LIVE_RETRY, LIVE_RETRY]
    assert waits == sorted(waits)
    assert all(later <= earlier * 1.25 + DAY / 1e6 for earlier, later in itertools.pairwise(waits))
    assert waits[-2:] == [7 * DAY, 7 * DAY]


@pytest.mark.usefixtures("clock_of_this_machine")
def test_what_was_announced_for_long_is_looked_up_often_once_it_is_live():
    with time_machine.travel(NOW, tick=False) as clock:
        subscription = follow()
        assert look_up_again(subscription, NotYetAvailable(Stage.ANNOUNCED)) == LIVE_RETRY
        stages = [(100, Stage.ANNOUNCED, 7 * DAY), (7, Stage.LIVE, LIVE_RETRY), (4, Stage.LIVE, DAY)]
        stages += [(1, Stage.PROCESSING, 5 * DAY / 4), (1, Stage.OFFLINE, 7 * DAY), (8, Stage.LIVE, LIVE_RETRY)]
        for days, stage, wait in stages:
            clock.shift(days * DAY)
            SubscriptionItem.objects.update(retry_at=timezone.now())
            assert look_up_again(subscription, NotYetAvailable(stage)) == wait


@pytest.mark.usefixtures("clock_of_this_machine")
@time_machine.travel(NOW, tick=False)
def test_a_wait_that_the_clock_has_overtaken_begins_again():
    subscription = follow()
    SubscriptionItem.objects.update(live_since=NOW + DAY, announced_since=NOW + DAY)
    assert look_up_again(subscription, NotYetAvailable(Stage.LIVE)) == LIVE_RETRY


@pytest.mark.parametrize("stage", [Stage.LIVE, Stage.PROCESSING])
@pytest.mark.usefixtures("clock_of_this_machine")
@time_machine.travel(NOW, tick=False)
def test_a_stream_that_was_announced_long_ago_is_looked_up_by_its_start(stage):
    subscription = follow()
    SubscriptionItem.objects.update(seen_at=NOW - 15 * DAY)
    for hours, wait in ((2, LIVE_RETRY), (48, DAY / 2), (24 * 99, 15 * DAY / 4), (-2, LIVE_RETRY)):
        SubscriptionItem.objects.update(retry_at=NOW)
        check_list(subscription, entries("a"))
        not_yet = NotYetAvailable(stage, starts_at=NOW - dt.timedelta(hours=hours))
        assert metadata_filter.remove_not_yet_available(looked_up(), not_yet, Metadata())
        assert item(subscription, "a").retry_at == NOW + (dt.timedelta(hours=3) if hours < 0 else wait)


@pytest.mark.parametrize(
    ("stage", "listed", "state"),
    [
        (Stage.LIVE, ["was_live"], "queued"),
        (Stage.LIVE, ["not_live"], "queued"),
        (Stage.OFFLINE, ["was_live"], "queued"),
        (Stage.LIVE, ["is_live", ""], "queued"),  # the list has told that it is live, and does no more
        (Stage.LIVE, ["is_live", "is_live"], "waiting"),
        (Stage.LIVE, ["", ""], "waiting"),
        (Stage.PROCESSING, ["was_live"], "waiting"),  # both are so
    ],
)
def test_a_list_that_tells_the_end_of_a_stream_ends_the_wait(stage, listed, state):
    subscription = follow()
    assert metadata_filter.remove_not_yet_available(looked_up(), NotYetAvailable(stage), Metadata())
    for live_status in listed:
        check_list(subscription, entries("a", live_status=live_status))
    assert states(subscription) == {state: 1}


def test_a_list_that_tells_of_a_stream_says_nothing_of_members():
    subscription = follow()
    metadata_filter.remove_members_only(looked_up())
    check_list(subscription, entries("a", live_status="was_live"))
    assert states(subscription) == {"members": 1}


def test_what_is_not_up_yet_and_filtered_out_does_not_wait():
    subscription = follow(title_excludes="live")
    assert metadata_filter.remove_not_yet_available(looked_up(), NotYetAvailable(Stage.LIVE), Metadata(title="Live!"))
    assert states(subscription) == {"filtered": 1}


def test_what_a_person_added_waits_in_the_queue():
    Video.objects.ingest("https://a.example/v=a", "https://a.example/v=a")
    assert not metadata_filter.remove_not_yet_available(looked_up(), NotYetAvailable(Stage.LIVE), Metadata())


def test_what_a_person_added_may_fail_as_members_only():
    Video.objects.ingest("https://a.example/v=a", "https://a.example/v=a")
    assert not metadata_filter.remove_members_only(looked_up())


def test_a_broken_filter_lets_the_download_go_on():
    subscription = follow()
    type(subscription).objects.update(title_includes="(")
    assert not metadata_filter.remove_unwanted(looked_up(), Metadata(title="x"))
    assert claim_again(subscription)
