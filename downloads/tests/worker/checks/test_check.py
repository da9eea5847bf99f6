"""Checks in this process: real yt-dlp, a real server, and listings in the shapes of YouTube's extractor."""

import datetime as dt
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from yt_dlp.utils import ExtractorError

from downloads.library.subscriptions import states as states_in_words
from downloads.library.subscriptions.states import describe_state
from downloads.models import HostPause, Queue, Status, Subscription, SubscriptionItem, Video
from downloads.models.subscriptions.checks import NOT_FOUND_LIMIT
from downloads.network.rate_limiter import RateLimiter
from downloads.subscriptions import items, verbs, walks
from downloads.subscriptions.ledger import cursors, listings
from downloads.tests.support.listing_site import (
    CHANNEL_URL,
    PLAYLIST_URL,
    listing_site,
    members_only,
    premiere,
    youtube_entry,
)
from downloads.tests.support.media_server import Answer
from downloads.worker import child
from downloads.worker.checks import check
from downloads.worker.stall_watchdog import StallWatchdog

__all__ = ["listing_site"]

pytestmark = pytest.mark.django_db(transaction=True)
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
FEED = '<?xml version="1.0"?><rss version="2.0"><channel><title>Films</title>{0}</channel></rss>'
ITEM = "<item><title>Film {0}</title><link>{1}</link></item>"


@pytest.fixture
def feed(media_server):
    """A real feed: `feed(3)` has the films 1 to 3; return its URL."""

    def publish(count, path="/films.rss"):
        items = "".join(ITEM.format(n, media_server.url(f"/named/{n}.mp4")) for n in range(1, count + 1))
        media_server.answers[path] = Answer(FEED.format(items).encode(), "application/rss+xml")
        return media_server.url(path)

    return publish


def states():
    return {item.source_id or item.title: item.state for item in SubscriptionItem.objects.all()}


# Refusals --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(b"", status=429, headers={"Retry-After": "600"}), "Too many requests (429). Try again later."),
        (Answer(b"", status=403), "The site refused (403). The list may be private or members-only."),
    ],
)
def test_a_refusal_pauses_the_site_and_changes_no_item(follow, run_check, feed, media_server, answer, sentence):
    subscription = follow(feed(2))
    run_check(subscription)
    before = list(SubscriptionItem.objects.values())
    media_server.answers["/films.rss"] = answer
    assert run_check(subscription).error == sentence
    assert list(SubscriptionItem.objects.values()) == before
    assert (subscription.error, subscription.failure_count, subscription.lease_token) == (sentence, 1, "")
    assert HostPause.objects.get().host == "127.0.0.1"
    assert not Video.objects.claimable().exists()  # downloads of the site wait too
    assert Subscription.objects.claim_check("w", [subscription.key]) is None


def test_a_bot_check_pauses_the_site(follow, run_check, listing_site):
    subscription = follow(CHANNEL_URL)
    listing_site.error = ExtractorError("Sign in to confirm you’re not a bot", expected=True)
    run_check(subscription)
    assert HostPause.objects.get().host == "youtube.com"


def test_a_list_that_is_not_found_three_times_seems_gone_and_is_asked_once_a_day(follow, run_check, media_server):
    subscription = follow(media_server.url("/missing.rss"))
    for _ in range(NOT_FOUND_LIMIT):
        run_check(subscription)
    assert "seems gone" in subscription.error
    assert subscription.next_check_at - timezone.now() > dt.timedelta(hours=20)
    assert not HostPause.objects.exists()


def test_an_empty_list_is_a_failure_where_there_was_something(follow, run_check, feed, media_server):
    subscription = follow(feed(2))
    run_check(subscription)
    feed(0)
    report = run_check(subscription)
    assert "empty" in report.error
    assert set(states().values()) == {"queued"}


def test_an_empty_new_channel_is_none(follow, run_check, listing_site):
    subscription = follow(CHANNEL_URL)
    assert run_check(subscription).error == ""
    listing_site.tabs["videos"] = [youtube_entry("a")]
    run_check(subscription)
    assert states() == {"a": "queued"}


def test_what_is_no_list_is_told(follow, run_check, media_server):
    subscription = follow(media_server.url("/page/one"))
    assert "single video" in run_check(subscription).error
    assert "single video" in subscription.error


def test_a_broken_filter_is_told(follow, run_check, feed):
    subscription = follow(feed(1))
    Subscription.objects.update(title_includes="(")
    assert "regular expression" in run_check(subscription).error
    assert not SubscriptionItem.objects.exists()


def test_a_second_subscription_to_the_same_list_is_paused(follow, run_check, listing_site):
    listing_site.tabs["videos"] = [youtube_entry("a")]
    run_check(follow(CHANNEL_URL))
    second = follow("https://www.youtube.com/channel/UCaaaaaaaaaaaaaaaaaaaaaa")
    Subscription.objects.filter(pk=second.pk).update(url=CHANNEL_URL)
    assert "same list" in run_check(second).error
    assert not second.active


def test_a_bug_is_told_and_logged(follow, run_check, feed, monkeypatch, caplog):
    subscription = follow(feed(1))
    monkeypatch.setattr(check.ledger, "apply", lambda *arguments: 1 / 0)
    assert run_check(subscription).error == check.UNEXPECTED_ERROR_MESSAGE
    assert "ZeroDivisionError" in caplog.text
    assert subscription.failure_count == 1


@pytest.mark.parametrize("change", ["pause", "unsubscribe"])
def test_a_check_that_is_not_wanted_any_more_asks_and_writes_nothing(follow, run_check, feed, media_server, change):
    subscription = follow(feed(1))

    class Gate(check.RequestGate):
        def wait(self, url):
            Subscription.objects.all().delete() if change == "unsubscribe" else subscription.pause()
            super().wait(url)

    claimed = Subscription.objects.claim_check("w")
    check.run_check(claimed, proxy_url="http://127.0.0.1:1", gate=Gate(claimed))
    assert media_server.count_requests("/films.rss") == 0
    assert not SubscriptionItem.objects.exists()


# What a check brings ----------------------------------------------------------------------------


def test_a_feed_is_followed(follow, run_check, feed):
    subscription = follow(feed(2))
    report = run_check(subscription)
    assert (report.listed, report.queued, report.error) == (2, 2, "")
    assert (subscription.name, subscription.error, subscription.kind) == ("Films", "", "playlist")
    assert subscription.next_check_at > timezone.now() + dt.timedelta(hours=5)
    assert Video.objects.filter(status=Status.QUEUED).count() == 2
    feed(4)
    assert run_check(subscription).queued == 2
    assert run_check(subscription).queued == 0
    assert Video.objects.count() == 4
    assert {video.priority < 0 for video in Video.objects.all()} == {True}


def test_a_page_of_videos_is_followed(follow, run_check, media_server):
    subscription = follow(media_server.url("/several"))
    assert run_check(subscription).queued == 2
    assert run_check(subscription).queued == 0


def test_only_what_is_new_is_fetched_unless_asked_otherwise(follow, run_check, feed):
    subscription = follow(feed(2), start="new")
    assert run_check(subscription).queued == 0
    feed(3)
    assert run_check(subscription).queued == 1
    assert sorted(states().values()) == ["before", "before", "queued"]


def test_each_chosen_tab_of_a_channel_is_checked_and_a_missing_one_is_none(follow, run_check, listing_site):
    listing_site.tabs = {"videos": [youtube_entry("v")], "shorts": [youtube_entry("s", is_short=True)]}
    subscription = follow(CHANNEL_URL, tabs="videos,shorts,streams")
    assert run_check(subscription).error == ""
    assert states() == {"v": "queued", "s": "queued"}
    assert (subscription.kind, subscription.name) == ("channel", "Films")
    assert {item.tab for item in SubscriptionItem.objects.all()} == {"videos", "shorts"}


def test_a_tab_that_vanishes_ends_no_other_and_is_named_once(follow, run_check, listing_site):
    listing_site.tabs = {"videos": [youtube_entry("s")], "shorts": [youtube_entry("v")]}
    subscription = follow(CHANNEL_URL, tabs="videos,shorts")
    run_check(subscription)
    listing_site.tabs = {"shorts": [youtube_entry("new"), youtube_entry("v")]}
    for _ in range(2):
        assert run_check(subscription).error == ""
    assert states() == {"s": "queued", "v": "queued", "new": "queued"}
    assert "The channel has no “Videos” at the moment." in describe_state(subscription).sentence
    reasons = list(subscription.events().values_list("reason", flat=True))
    assert reasons.count("The channel has no “Videos” now") == 1
    listing_site.tabs["videos"] = [youtube_entry("s2"), youtube_entry("s")]
    assert run_check(subscription).queued == 1
    assert "no “Videos”" not in describe_state(subscription).sentence


def test_a_tab_that_is_empty_fails_after_the_others_were_read(follow, run_check, listing_site):
    listing_site.tabs = {"videos": [youtube_entry("v")], "shorts": [youtube_entry("s")]}
    subscription = follow(CHANNEL_URL, tabs="videos,shorts")
    run_check(subscription)
    SubscriptionItem.objects.create(
        subscription=subscription, identity="later", url=youtube_entry("l")["url"], state="waiting", retry_at=NOW
    )
    listing_site.tabs = {"videos": [], "shorts": [youtube_entry("s2"), youtube_entry("s")]}
    report = run_check(subscription)
    assert report.error == "The tab “Videos” is empty, though it had videos before. Nothing was changed."
    assert (report.queued, set(states().values()), subscription.failure_count) == (2, {"queued"}, 1)
    assert "Added 2 videos" in subscription.events().values_list("reason", flat=True)


def test_a_channel_without_any_chosen_tab_is_named_when_it_has_one(follow, run_check, listing_site):
    listing_site.tabs = {"videos": [youtube_entry("v")]}
    subscription = follow(CHANNEL_URL, tabs="shorts,streams", start="new")
    assert run_check(subscription).error == ""
    assert (subscription.kind, subscription.source_id) == ("channel", "")
    assert "no “Shorts” or “Streams”" in describe_state(subscription).sentence
    listing_site.tabs["streams"] = [youtube_entry("s")]
    assert run_check(subscription).queued == 1
    assert (subscription.name, bool(subscription.source_id)) == ("Films", True)
    assert "no “Shorts” at the moment" in describe_state(subscription).sentence


def test_a_schedule_that_is_saved_during_a_check_counts(follow, run_check, feed, monkeypatch):
    subscription = follow(feed(1), check_interval=7 * 86_400)
    apply = check.ledger.apply

    def edit_and_apply(claimed, *arguments):
        Subscription.objects.update(check_interval=3600)
        return apply(claimed, *arguments)

    monkeypatch.setattr(check.ledger, "apply", edit_and_apply)
    run_check(subscription)
    assert subscription.next_check_at < timezone.now() + dt.timedelta(hours=2)


def test_a_playlist_that_is_too_long_says_so(follow, run_check, listing_site, monkeypatch):
    for module in (walks, states_in_words):
        monkeypatch.setattr(module, "MAX_PLAYLIST_LENGTH", 55)
    monkeypatch.setattr(walks, "USUAL_PLAYLIST_LENGTH", 52)
    subscription = follow(PLAYLIST_URL)
    listing_site.playlist = [youtube_entry(f"p{n}") for n in range(60)]
    assert run_check(subscription).queued == 52
    assert "The first 52 of this list were looked at: the next check" in describe_state(subscription).sentence
    assert run_check(subscription).queued == 3
    assert "Only the first 55 of this list are looked at" in describe_state(subscription).sentence
    listing_site.playlist = listing_site.playlist[:2]
    run_check(subscription)
    assert "Only the first" not in describe_state(subscription).sentence


@pytest.mark.parametrize("is_counted", [True, False])
def test_a_long_playlist_is_listed_to_its_end_where_it_grows(follow, run_check, listing_site, monkeypatch, is_counted):
    for module in (walks, cursors):
        monkeypatch.setattr(module, "USUAL_PLAYLIST_LENGTH", 55)
    listing_site.playlist = [youtube_entry(f"p{n}") for n in range(70)]
    listing_site.playlist_count = 70 if is_counted else None
    subscription = follow(PLAYLIST_URL, start="newest", start_count=2)
    run_check(subscription)
    if is_counted:  # the site says how long it is: the newest are those at its end
        assert {name for name, state in states().items() if state == "queued"} == {"p68", "p69"}
    else:
        assert SubscriptionItem.objects.count() == 55
        run_check(subscription)
        assert states()["p69"] == "queued"
        assert states()["p60"] == "before"  # what is after the cut was there before
    assert SubscriptionItem.objects.count() == 70
    listing_site.playlist.append(youtube_entry("new"))
    assert run_check(subscription).queued == 1
    assert states()["new"] == "queued"


def test_a_first_check_reads_a_list_once(follow, run_check, listing_site):
    listing_site.tabs["videos"] = [youtube_entry(f"v{n}") for n in range(60)]
    run_check(follow(CHANNEL_URL, start="new"))
    assert len(listing_site.requested) == 50
    listing_site.requested.clear()
    listing_site.playlist = [youtube_entry(f"p{n}") for n in range(20)]
    subscription = follow(PLAYLIST_URL)
    run_check(subscription)
    assert len(listing_site.requested) == 20
    assert {item.tab for item in subscription.items.all()} == {""}


def test_a_playlist_grows_at_its_end(follow, run_check, listing_site):
    listing_site.playlist = [youtube_entry(f"p{n}") for n in range(60)]
    subscription = follow(PLAYLIST_URL, start="new")
    assert run_check(subscription).queued == 0
    listing_site.playlist.append(youtube_entry("new"))
    assert run_check(subscription).queued == 1
    assert states()["new"] == "queued"


def test_members_only_is_never_queued_nor_failed_until_it_is_for_all(follow, run_check, listing_site):
    listing_site.tabs["videos"] = [members_only("m")]
    subscription = follow(CHANNEL_URL)
    run_check(subscription)
    assert states() == {"m": "members"}
    assert not Video.objects.exists()
    listing_site.tabs["videos"] = [youtube_entry("m")]
    run_check(subscription)
    assert states() == {"m": "queued"}


def test_a_premiere_waits_is_moved_and_is_fetched_when_it_is_over(follow, run_check, listing_site):
    start = timezone.now().replace(microsecond=0) + dt.timedelta(days=2)
    listing_site.tabs["videos"] = [premiere("p", start)]
    subscription = follow(CHANNEL_URL)
    run_check(subscription)
    item = SubscriptionItem.objects.get()
    assert (item.state, Video.objects.count()) == ("waiting", 0)
    assert item.retry_at > start
    listing_site.tabs["videos"] = [premiere("p", start + dt.timedelta(days=1))]
    run_check(subscription)
    assert SubscriptionItem.objects.get().retry_at > start + dt.timedelta(days=1)
    listing_site.tabs["videos"] = [youtube_entry("p", live_status="was_live")]
    run_check(subscription)
    assert states() == {"p": "queued"}


def test_a_deleted_video_stays_away(follow, run_check, feed):
    subscription = follow(feed(1))
    run_check(subscription)
    Video.objects.get().remove("Deleted")
    assert run_check(subscription).queued == 0
    assert set(states().values()) == {"removed"}


@pytest.mark.parametrize("stop", [lambda: Queue.hold("host", "The disk is full.", 60), Queue.pause])
def test_finds_are_queued_while_the_queue_is_stopped(follow, run_check, feed, stop):
    stop()
    assert run_check(follow(feed(2))).queued == 2
    assert Video.objects.filter(status=Status.QUEUED).count() == 2
    assert not Video.objects.claimable().exists()


def test_two_subscriptions_may_want_one_video(follow, run_check, feed, media_server):
    first, second = follow(feed(1)), follow(feed(1, "/other.rss"))
    assert (run_check(first).queued, run_check(second).queued) == (1, 0)
    assert sorted(item.state for item in SubscriptionItem.objects.all()) == ["archived", "queued"]
    assert Video.objects.count() == 1


def test_filters_that_are_edited_during_a_check_count(follow, run_check, feed, monkeypatch):
    subscription = follow(feed(3))
    apply = check.ledger.apply

    def edit_and_apply(claimed, *arguments):
        Subscription.objects.update(title_excludes="Film 2")
        return apply(claimed, *arguments)

    monkeypatch.setattr(check.ledger, "apply", edit_and_apply)
    assert run_check(subscription).queued == 2
    assert states()["Film 2"] == "filtered"


def test_filters_that_many_items_wait_for_are_applied_by_a_check(follow, run_check, feed, monkeypatch):
    subscription = follow(feed(3), title_includes="nothing")
    run_check(subscription)
    monkeypatch.setattr(items, "MAX_GROUPS_AT_ONCE", 1)
    monkeypatch.setattr(items, "REJUDGED_GROUP_SIZE", 1)
    verbs.edit(subscription, {"title_includes": ""})
    assert sorted(states().values()) == ["filtered", "filtered", "queued"]
    assert run_check(subscription).error == ""
    assert set(states().values()) == {"queued"}
    assert not subscription.is_to_be_rejudged


def test_a_dry_run_judges_nothing_anew_and_keeps_nobody_from_writing(follow, run_check, feed, monkeypatch):
    subscription = follow(feed(3), title_includes="nothing")
    run_check(subscription)
    monkeypatch.setattr(items, "MAX_GROUPS_AT_ONCE", 0)
    verbs.edit(subscription, {"title_includes": ""})
    feed(9)
    monkeypatch.setattr(listings, "GROUP_SIZE", 2)
    monkeypatch.setattr(items, "finish_rejudging", lambda _: pytest.fail("it would all be taken back"))
    others_writes = []

    def write_from_elsewhere() -> None:
        others_writes.append(Subscription.objects.filter(pk=subscription.pk).update(max_new=50))
        connection.close()

    def let_others_write() -> None:
        with ThreadPoolExecutor(1) as other_process:
            other_process.submit(write_from_elsewhere).result(timeout=10)

    monkeypatch.setattr(listings, "let_other_writers_in", let_others_write)
    assert run_check(subscription, is_dry_run=True).queued == 6
    assert others_writes == [1, 1], "between groups of 2 it has no transaction"
    assert (SubscriptionItem.objects.count(), Video.objects.count()) == (3, 0)
    assert subscription.is_to_be_rejudged


def test_a_dry_run_counts_what_a_check_brings(follow, run_check, listing_site, monkeypatch):
    """Of groups, of a video in two tabs, and of one whose wait ends just now: each once."""
    monkeypatch.setattr(listings, "GROUP_SIZE", 2)
    monkeypatch.setattr("downloads.subscriptions.ledger.due.GROUP_SIZE", 1)
    waiting = [premiere(name, NOW + dt.timedelta(days=1)) for name in ("p", "q")]
    listing_site.tabs = {"videos": waiting, "shorts": [youtube_entry("s")]}
    subscription = follow(CHANNEL_URL, tabs="videos,shorts")
    run_check(subscription)
    SubscriptionItem.objects.filter(state="waiting").update(retry_at=NOW)
    new = [youtube_entry(f"n{number}") for number in range(5)]
    listing_site.tabs = {
        "videos": [*new, youtube_entry("p"), youtube_entry("q")],
        "shorts": [youtube_entry("n1"), youtube_entry("s")],
    }
    ledger_before = states()
    dry_run_result = run_check(subscription, is_dry_run=True)
    assert states() == ledger_before
    Subscription.objects.update(lease_token="", lease_until=None, asked_at=None)
    assert run_check(subscription) == dry_run_result
    assert dry_run_result.queued == 7


def test_writing_for_long_is_no_stall_of_the_site(follow, run_check, feed, monkeypatch, settings):
    """The child in this process, but for its end: its watchdog sees the groups that are written."""
    subscription = follow(feed(3), title_includes="nothing")
    run_check(subscription)
    monkeypatch.setattr(items, "MAX_GROUPS_AT_ONCE", 0)
    monkeypatch.setattr(items, "REJUDGED_GROUP_SIZE", 1)
    verbs.edit(subscription, {"title_includes": ""})
    Subscription.objects.claim_check("test", [subscription.key])
    counts = []

    class Watchdog(StallWatchdog):
        def __init__(self, get_count, *arguments):
            super().__init__(get_count, *arguments)
            monkeypatch.setattr(items, "let_other_writers_in", lambda: counts.append(get_count()))

    monkeypatch.setattr(child, "StallWatchdog", Watchdog)
    monkeypatch.setattr(child.os, "nice", lambda _: None)
    with Path(os.devnull).open("wb") as report:
        child._run_check({"key": subscription.key}, RateLimiter(0), report.fileno(), is_dry_run=False)
    assert len(counts) == len(set(counts)) == 3
    assert set(states().values()) == {"queued"}


def test_a_database_that_is_away_in_mid_check_leaves_nothing_half(follow, run_check, feed, monkeypatch):
    from django.db import OperationalError

    from downloads import database
    from downloads.subscriptions.ledger import queueing

    monkeypatch.setattr(database, "DATABASE_RETRY_INTERVAL_SECONDS", 0)
    failures, seen = [OperationalError("the connection was lost")] * 2, []
    ingest = queueing._ingest

    def fail_first(*arguments):
        seen.append(SubscriptionItem.objects.count())
        if failures:
            raise failures.pop()
        return ingest(*arguments)

    monkeypatch.setattr(queueing, "_ingest", fail_first)
    subscription = follow(feed(3))
    assert run_check(subscription).queued == 3
    assert len(seen) == 3
    assert set(states().values()) == {"queued"}
    assert Video.objects.count() == SubscriptionItem.objects.count() == 3


def test_a_site_without_tabs_is_listed_once(follow, run_check, media_server, monkeypatch):
    from downloads.tests.support.playlist_site import add_extractor

    def extract(extractor, url):
        extractor._download_webpage(media_server.url("/feed"), None)
        return extractor.playlist_result([youtube_entry("a")], "ada", "Ada")

    add_extractor(monkeypatch, r"https://sounds\.example/ada", extract, key="SoundsUser")
    subscription = follow("https://sounds.example/ada", tabs="videos,shorts", start="new")
    run_check(subscription)
    media_server.requests.clear()
    run_check(subscription)
    assert (subscription.kind, media_server.count_requests("/feed")) == ("channel", 1)


def test_a_dry_run_writes_nothing(follow, run_check, feed):
    subscription = follow(feed(2))
    planned = subscription.next_check_at
    report = run_check(subscription, is_dry_run=True)
    assert (report.listed, report.queued, report.error) == (2, 2, "")
    assert not SubscriptionItem.objects.exists()
    assert not Video.objects.exists()
    assert (subscription.kind, subscription.succeeded_at) == ("", None)
    assert subscription.lease_token  # who started it gives it back
    assert subscription.next_check_at == planned
