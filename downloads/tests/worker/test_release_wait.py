"""Videos that are announced, live or being processed: they wait in the queue, in words, until their recording is up."""

import datetime as dt
import math
import re
import time

import pytest
import time_machine
from django.utils import timezone
from yt_dlp.utils import ExtractorError, UserNotLive

from downloads.models import Status, Video
from downloads.network.proxy import EgressProxy
from downloads.tests.support.factories import waiting
from downloads.tests.support.playlist_site import add_extractor, playlist_site
from downloads.worker import attempt

__all__ = ["playlist_site"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment", "redis_server")]
NOW = dt.datetime(2026, 11, 28, 12, 0, tzinfo=dt.UTC)
PREMIERE = dt.datetime(2026, 12, 3, 18, 0, tzinfo=dt.UTC)


@pytest.fixture
def look(media_server, monkeypatch):
    """Look at a page whose extractor does what `answer` does now; return the row afterwards."""
    answers = []
    add_extractor(monkeypatch, r"https?://[^/]+/extracted/video", lambda ie, url: answers[-1](ie))
    url = media_server.url("/extracted/video")

    def run(answer):
        answers.append(answer)
        video, _ = Video.objects.ingest(url, url)
        assert video.status == Status.QUEUED
        return run_next_attempt()

    return run


def run_next_attempt():
    Video.objects.update(not_before=None)
    video = Video.objects.claim("test")
    with EgressProxy() as proxy:
        attempt.run_attempt(video, proxy_url=proxy.url, on_progress=lambda state: None)
    return Video.objects.get(pk=video.pk)


def tell(**info):
    """Return an extractor's answer with this info, as extractors answer for a video that has no formats yet."""

    def answer(ie):
        if not info.get("formats"):
            ie.raise_no_formats("Nothing to fetch", expected=True)
        return {"id": "v1", "title": "The premiere", "formats": [], **info}

    return answer


def refuse(message):
    """Return an extractor's answer that is an error."""

    def answer(ie):
        raise ExtractorError(message, expected=True)

    return answer


def announce(start, message="Premieres in 5 days", **info):
    """Return the answer of a site that announces a start, as YouTube does."""

    def answer(ie):
        ie.raise_no_formats(message, expected=True)
        release = start.timestamp() if isinstance(start, dt.datetime) else start
        fields = {"live_status": "is_upcoming", "release_timestamp": release}
        return {"id": "v1", "title": "The premiere", "formats": [], **fields, **info}

    return answer


def test_a_premiere_waits_until_it_starts(look):
    with time_machine.travel(NOW, tick=True):
        video = look(announce(PREMIERE))
        assert (video.status, video.not_before, video.error) == (Status.QUEUED, PREMIERE, "")
        assert video.wait_message == "This premiere starts on 3 Dec 2026 at 18:00 UTC and will be downloaded then."
        assert (video.attempt, video.retry_count, video.title) == (1, 0, "The premiere")
        assert video.events.last().reason == video.wait_message
        assert not Video.objects.claimable().exists()
    with time_machine.travel(PREMIERE + dt.timedelta(seconds=1), tick=True):
        assert Video.objects.claimable().exists()


def test_it_is_fetched_when_it_is_up(look, media_server, settings):
    with time_machine.travel(NOW, tick=True):
        look(announce(PREMIERE))
    formats = [{"url": media_server.url("/named/v.mp4"), "ext": "mp4", "format_id": "a"}]
    Video.objects.update(not_before=None)
    video = look(tell(formats=formats))
    assert (video.status, video.attempt, video.title) == (Status.COMPLETE, 1, "The premiere")
    assert (settings.MEDIA_ROOT / video.media_file).read_bytes() == media_server.clip


def test_a_moved_date_is_followed(look):
    with time_machine.travel(NOW, tick=True):
        look(announce(PREMIERE))
        later = PREMIERE + dt.timedelta(days=2)
        video = look(announce(later))
        assert video.not_before == later
        assert "5 Dec 2026 at 18:00 UTC" in video.wait_message
        assert video.attempt == 1


@pytest.mark.parametrize(
    "start",
    [
        *(None, math.nan, math.inf, -1e18, 1e30, -5, 0, "soon", True, 253370764800),
        *(NOW - dt.timedelta(days=3), NOW + dt.timedelta(days=500)),
    ],
)
def test_an_odd_date_is_none(look, start):
    with time_machine.travel(NOW, tick=True):
        video = look(announce(start, "This live event has not started yet"))
        assert video.status == Status.QUEUED
        assert NOW < video.not_before < NOW + dt.timedelta(hours=3)
        assert video.wait_message.startswith(
            "This video hasn’t started, and the site doesn’t say when it will. Next check: "
        )


@pytest.mark.parametrize(
    ("message", "wait"),
    [
        ("Premieres in 3 hours", dt.timedelta(hours=3)),
        ("This live event will begin in 2 days.", dt.timedelta(days=2)),
        ("This live event will begin in a few moments.", dt.timedelta(minutes=5)),
        ("Premieres in 1 day and 2 hours", dt.timedelta(days=1, hours=2)),
        ("This live event will begin at 2026-11-30 21:00:00 JST", dt.timedelta(days=2)),
        ("This livestream has not yet started", dt.timedelta(minutes=5)),
        ("Premieres in 99999 years", dt.timedelta(minutes=5)),
        ("The channel is not currently live", dt.timedelta(minutes=15)),
        ("jane is offline", None),
        ("We're processing this video. Check back later.", dt.timedelta(minutes=15)),
        ("The video is still being encoded", dt.timedelta(minutes=15)),
        ("This event hasn't started yet", dt.timedelta(minutes=5)),
        ("This video is not available yet", dt.timedelta(minutes=5)),
        ("Coming soon", dt.timedelta(minutes=5)),
        ("This show airs on 2026-11-30 18:00:00", dt.timedelta(days=2, hours=6)),
        ("This video will be released on 2026-11-30 18:00 UTC", dt.timedelta(days=2, hours=6)),
    ],
)
def test_words_of_a_site_suffice(look, message, wait):
    with time_machine.travel(NOW, tick=True):
        video = look(refuse(message))
    if wait is None:
        assert video.wait_message == ""
        return
    assert (video.status, video.retry_count) == (Status.QUEUED, 0)
    assert abs(video.not_before - NOW - wait) < dt.timedelta(minutes=1)
    assert video.wait_message


def test_a_channel_that_is_not_live_is_looked_at_again(look):
    def answer(ie):
        raise UserNotLive(video_id="jane")

    video = look(answer)
    assert video.status == Status.QUEUED
    assert video.wait_message.startswith("Nothing is live at this link right now. Next check: ")


@pytest.mark.parametrize(
    ("live_status", "words"),
    [("is_live", "This is live now"), ("post_live", "the site is still processing its recording")],
)
def test_a_live_stream_is_looked_at_less_and_less_often(look, media_server, live_status, words):
    formats = [{"url": media_server.url("/named/v.mp4"), "ext": "mp4", "format_id": "a"}]
    for hours, minutes_until_next_look in ((0, 15), (3, 45), (7 * 24 - 1, 120), (7 * 24, 120)):
        moment = NOW + dt.timedelta(hours=hours)
        with time_machine.travel(moment, tick=False):
            video = look(tell(formats=formats, live_status=live_status))
        assert video.status == Status.QUEUED
        assert words in video.wait_message
        assert re.search(r" \d+-\d\d-\d\d", video.title) is None
        assert video.not_before - moment == dt.timedelta(minutes=minutes_until_next_look)
    with time_machine.travel(video.not_before, tick=False):
        video = look(tell(formats=formats, live_status=live_status))
    assert video.status == Status.FAILED
    assert "for 7 days" in video.error


def test_a_stream_that_was_announced_long_before_has_its_days_from_its_start(look, media_server):
    start = NOW + dt.timedelta(days=90)
    with time_machine.travel(NOW, tick=True):
        look(announce(start))
    formats = [{"url": media_server.url("/named/v.mp4"), "ext": "mp4", "format_id": "a"}]
    with time_machine.travel(start + dt.timedelta(minutes=1), tick=True):
        video = look(tell(formats=formats, live_status="is_live"))
        assert video.status == Status.QUEUED
        assert "live now" in video.wait_message
    with time_machine.travel(start + dt.timedelta(hours=1), tick=True):
        assert look(announce(start)).status == Status.QUEUED


@pytest.mark.parametrize(
    ("message", "expected_text"),
    [
        (
            "Join this channel to get access to members-only content",
            "for members of its channel only",
        ),
        ("This video is available to this channel's members on level: Gold", "for members of its channel only"),
        ("Private video. Sign in if you've been granted access to this video", "This video is private"),
        ("Sign in to confirm your age. This video may be inappropriate for some users.", "age"),
        ("This video is age-restricted; some formats may be missing", "age"),
        ("This video is only available to Music Premium members", "for subscribers of the site only"),
        ("You need to be a subscriber to watch this", "for subscribers of the site only"),
        ("This video requires payment to watch", "bought or rented"),
        ("Login required to view this", "You need to sign in on the site"),
        ("This video is only available to members", "for members of its channel only"),
        ("This video is not yet available in your country", "in your country"),
        ("Requested format is not available in 4 K", "No downloadable format"),
        ("This live stream has ended", "Try again when its recording is up"),
    ],
)
def test_what_no_time_changes_fails_at_once_in_its_own_words(look, message, expected_text):
    video = look(refuse(message))
    assert video.status == Status.FAILED
    assert expected_text in video.error.partition("\n")[0]
    assert video.retry_count == 0


@pytest.mark.parametrize(
    "path",
    ["/live/page", *(pytest.param(f"/live/{name}.m3u8", marks=pytest.mark.soak) for name in ("index", "master"))],
)
def test_an_hls_stream_without_more_fails_and_is_fetched_by_a_retry_after_its_end(media_server, playlist_site, path):
    url = media_server.url(path)
    Video.objects.ingest(url, url)
    video = run_next_attempt()
    assert (video.status, video.retry_count) == (Status.FAILED, 0)
    assert video.error.startswith("This is a live stream with no known end. ")
    assert not [path for _, path, _ in media_server.requests if path.endswith(".ts")]
    playlist_site.has_ended = True
    assert video.retry("Retried")
    assert (run_next_attempt().status) == Status.COMPLETE


@pytest.mark.parametrize("path", ["index.mpd", "page", "Manifest?is_live=TRUE", "Manifest?is_live=true"])
def test_live_dash_and_smooth_streaming_are_told(media_server, playlist_site, path):
    url = media_server.url(f"/livemanifest/{path}")
    Video.objects.ingest(url, url)
    video = run_next_attempt()
    assert video.status == Status.FAILED
    assert video.error.startswith("This is a live stream with no known end. ")
    assert not media_server.count_requests("/livemanifest/v.mp4")


def announced_video():
    """Return a video that waits for a premiere."""
    video = waiting("premiere")
    reason = "This premiere starts on 3 Dec 2026 at 18:00 UTC and will be downloaded then."
    Video.objects.filter(pk=video.pk).update(
        not_before=timezone.now() + dt.timedelta(days=200), wait_reason=reason, waiting_since=timezone.now()
    )
    return Video.objects.get(pk=video.pk)


class TestWaiting:
    """A video that waits for its release: shown, moved, cancelled."""

    def test_its_reason_is_on_row_page_and_admin(self, superuser_client, static_files):
        video = announced_video()
        change_page = f"/admin/downloads/video/{video.pk}/change/"
        for path in ("/activity/", video.get_absolute_url(), "/admin/downloads/video/", change_page):
            page = superuser_client.get(path).content.decode()
            assert "This premiere starts on 3 Dec 2026 at 18:00 UTC and will be downloaded then." in page, path
            assert "Retrying" not in page
        assert "next in the queue" not in superuser_client.get(video.get_absolute_url()).content.decode()

    def test_it_blocks_no_other(self):
        announced_video()
        other = waiting("other")
        assert list(other.ahead_in_queue()) == []
        assert Video.objects.claim("w").pk == other.pk

    def test_start_next_looks_at_once_and_can_be_undone(self):
        video = announced_video()
        position = video.queue_position
        assert video.move_to_front()
        assert video.wait_message == ""
        assert list(Video.objects.claimable()) == [video]
        assert video.restore_position(position=type(position).from_string(str(position)))
        assert (video.not_before, bool(video.wait_message)) == (position.not_before, True)

    def test_it_can_be_cancelled_and_put_back(self):
        video = announced_video()
        assert video.cancel()
        assert (video.error, video.wait_message) == ("", "")
        assert video.undo_cancel()
        assert video.wait_message
        assert video.cancel()
        assert video.retry()
        assert (video.not_before, video.wait_reason, video.waiting_since) == (None, "", None)

    def test_a_temporary_error_during_a_look_is_a_retry(self, look):
        with time_machine.travel(NOW, tick=True):
            look(announce(PREMIERE))
            video = look(refuse("Unable to connect: connection refused"))
        assert (video.status, video.retry_count, video.wait_message) == (Status.QUEUED, 1, "")


def test_a_playlist_tells_what_is_announced_and_what_is_for_members(media_server, monkeypatch):
    start = int(time.time()) + 3 * 86400
    entries = [
        {"_type": "url", "url": media_server.url("/named/now.mp4"), "title": "Now"},
        {
            **{"_type": "url", "url": media_server.url("/named/later.mp4"), "title": "Later"},
            **{"live_status": "is_upcoming", "release_timestamp": start},
        },
        {
            **{"_type": "url", "url": media_server.url("/named/members.mp4"), "title": "For members"},
            "availability": "subscriber_only",
        },
        {"_type": "url", "url": media_server.url("/named/live.mp4"), "title": "Live", "live_status": "is_live"},
    ]
    add_extractor(monkeypatch, r"https?://[^/]+/extracted/list", lambda ie, url: ie.playlist_result(entries, "l"))
    url = media_server.url("/extracted/list")
    Video.objects.ingest(url, url)
    listed = run_next_attempt()
    assert listed.events.last().reason == ("Playlist: 3 videos added, 1 members-only (For members).")
    later = Video.objects.get(title="Later")
    assert later.not_before.timestamp() == start
    assert later.wait_message.startswith("This video starts on ")
    assert [video.title for video in Video.objects.claimable()] == ["Now", "Live"]
