"""Look-ups ahead of the queue: which video is next, who may write, and what is never touched."""

import datetime as dt
import threading

import pytest
from django.db import connection
from django.utils import timezone

from downloads.models import Metadata, Queue, Status, TitleLookUp, Video, VideoEvent
from downloads.models.titles.title_look_up import FAILURE_PAUSE, MAX_ATTEMPTS

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]
LONG_AGO = dt.timedelta(hours=1)


@pytest.fixture(autouse=True)
def _turned_on(settings):
    settings.TITLES_AHEAD_SECONDS = 3


def wait_in_queue(*names: str) -> list[Video]:
    urls = [name if "//" in name else f"http://{name}.example.org/" for name in names]
    videos = [Video.objects.ingest(url, url)[0] for url in urls]
    Video.objects.filter(pk__in=[video.pk for video in videos]).update(queued_at=timezone.now() - LONG_AGO)
    return videos


def forget_pauses() -> None:
    TitleLookUp.objects.update(started_at=timezone.now() - LONG_AGO)


def test_it_is_off_with_0(settings):
    settings.TITLES_AHEAD_SECONDS = 0
    wait_in_queue("a")
    assert TitleLookUp.claim_next() is None


def test_it_takes_them_in_the_order_of_the_queue_one_at_a_time():
    first, second = wait_in_queue("a", "b")
    look_up = TitleLookUp.claim_next()
    assert look_up.video == first
    assert TitleLookUp.claim_next() is None
    assert look_up.save_details(Metadata(title="A", uploader="Ada", duration=5.0), ".preview")
    first.refresh_from_db()
    assert (first.status, first.title, first.uploader, first.duration) == ("queued", "A", "Ada", 5.0)
    assert first.thumbnail == ".preview"
    assert TitleLookUp.claim_next().video == second


def test_one_site_is_asked_every_so_many_seconds():
    wait_in_queue("http://a.example.org/1", "http://a.example.org/2")
    TitleLookUp.claim_next().save_details(Metadata(title="A"), "")
    assert TitleLookUp.claim_next() is None
    TitleLookUp.objects.update(started_at=timezone.now() - dt.timedelta(seconds=4))
    assert TitleLookUp.claim_next().video.url.endswith("/2")


def _pause(video: Video) -> None:
    Queue.pause("Paused")


def _hold(video: Video) -> None:
    Queue.hold("w", "The disk is full.", 60)


def _name(video: Video) -> None:
    Video.objects.update(title="Named")


def _claim(video: Video) -> None:
    Video.objects.claim("w")


def _just_added(video: Video) -> None:
    Video.objects.update(queued_at=timezone.now())


def _delay(video: Video) -> None:
    Video.objects.update(not_before=timezone.now() + LONG_AGO)


def _fail_another_of_the_site(video: Video) -> None:
    wait_in_queue("http://a.example.org/other")
    Video.objects.exclude(pk=video.pk).update(not_before=timezone.now() + LONG_AGO, retry_count=1, title="B")


@pytest.mark.parametrize(
    "change", [_pause, _hold, _name, _claim, _just_added, _delay, _fail_another_of_the_site], ids=lambda c: c.__name__
)
def test_it_asks_for_nothing_while(change):
    (video,) = wait_in_queue("a")
    change(video)
    assert TitleLookUp.claim_next() is None


def test_a_download_that_claims_the_video_wins():
    (video,) = wait_in_queue("a")
    look_up = TitleLookUp.claim_next()
    claimed = Video.objects.claim("w")
    assert claimed.pk == video.pk
    assert not look_up.is_wanted()
    assert not look_up.save_details(Metadata(title="Of the look-up"), ".preview")
    video.refresh_from_db()
    assert (video.status, video.title, video.thumbnail) == (Status.DOWNLOADING, "", "")
    assert claimed.save_metadata(Metadata(title="Of the download"))


@pytest.mark.parametrize("end", ["cancel", "remove", "pause"])
def test_it_is_not_wanted_any_more_when(end, transactional_db):
    (video,) = wait_in_queue("a")
    look_up = TitleLookUp.claim_next()
    assert look_up.is_wanted()
    Queue.pause("Paused") if end == "pause" else getattr(video, end)()
    assert not look_up.is_wanted()
    if end != "pause":
        assert not look_up.save_details(Metadata(title="A"), "")


def test_pages_learn_of_a_title_and_of_nothing_else():
    wait_in_queue("a")
    rev = Video.objects.latest_rev()
    look_up = TitleLookUp.claim_next()
    assert Video.objects.latest_rev() == rev
    look_up.save_details(Metadata(title="A"), "")
    event = VideoEvent.objects.latest("pk")
    assert (event.reason, event.status, event.pk > rev) == ("Details found", "queued", True)


def test_a_look_up_never_makes_a_video_a_duplicate_of_one_that_waits():
    first, second = wait_in_queue("a", "b")
    TitleLookUp.claim_next().save_details(Metadata(title="A", extractor="Site", source_id="1"), "")
    first.refresh_from_db()
    assert (first.extractor, first.source_id) == ("", "")
    assert not Video.objects.with_source("Site", "1").exclude(pk=second.pk).exists()


def test_a_failure_touches_no_video_and_is_not_repeated_when_it_is_permanent():
    (video,) = wait_in_queue("a")
    event_count = VideoEvent.objects.count()
    TitleLookUp.claim_next().record_failure("Private" * 200, is_permanent=True)
    video.refresh_from_db()
    assert (video.status, video.error, video.title, VideoEvent.objects.count()) == ("queued", "", "", event_count)
    assert TitleLookUp.objects.get().note.startswith("Private")
    forget_pauses()
    assert TitleLookUp.claim_next() is None


def test_a_transient_failure_leaves_the_site_alone_for_a_while_and_is_repeated_once():
    wait_in_queue("http://a.example.org/1", "http://a.example.org/2", "b")
    TitleLookUp.claim_next().record_failure("Too many requests (429).", is_permanent=False)
    TitleLookUp.objects.update(started_at=timezone.now() - dt.timedelta(seconds=10))
    other = TitleLookUp.claim_next()
    assert other.video.host == "b.example.org"
    other.save_details(Metadata(title="B"), "")
    TitleLookUp.objects.update(started_at=timezone.now() - FAILURE_PAUSE, next_at=timezone.now() - FAILURE_PAUSE)
    again = TitleLookUp.claim_next()
    assert (again.video.url, again.attempts) == ("http://a.example.org/1", MAX_ATTEMPTS)
    again.record_failure("Too many requests (429).", is_permanent=False)
    TitleLookUp.objects.update(started_at=timezone.now() - LONG_AGO, next_at=timezone.now() - FAILURE_PAUSE)
    assert TitleLookUp.claim_next().video.url == "http://a.example.org/2"


def test_a_look_up_whose_process_died_is_repeated_once_its_lease_is_over():
    wait_in_queue("a")
    dead = TitleLookUp.claim_next()
    forget_pauses()
    assert TitleLookUp.claim_next() is None
    TitleLookUp.objects.update(lease_until=timezone.now() - dt.timedelta(seconds=1))
    second = TitleLookUp.claim_next()
    assert second.attempts == 2
    assert not dead.save_details(Metadata(title="Late"), "")
    assert not dead.renew_lease()
    assert second.save_details(Metadata(title="A"), "")


def test_one_that_was_given_up_does_not_count():
    wait_in_queue("a")
    for _ in range(4):
        TitleLookUp.claim_next().abandon()
        forget_pauses()
    assert TitleLookUp.claim_next().attempts == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_one_looks_up():
    wait_in_queue("a", "b")
    claims, barrier = [], threading.Barrier(4)

    def claim() -> None:
        barrier.wait(10)
        claims.append(TitleLookUp.claim_next())
        connection.close()

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [claim is not None for claim in claims].count(True) == 1
