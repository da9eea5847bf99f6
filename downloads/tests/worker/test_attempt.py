"""One attempt at a download, run in this process: real rows, real yt-dlp, a real server."""

import errno
import json
import os
import time
from urllib.parse import quote

import pytest
from django.db import OperationalError, ProgrammingError
from PIL import Image

from downloads import database
from downloads.files import media_folder, workspace
from downloads.files.thumbnails import process
from downloads.library.video import player
from downloads.models import Queue, Status, Video
from downloads.progress.keys import CHANNEL_PATTERN
from downloads.tests.support import pictures
from downloads.worker import attempt
from downloads.worker.folders import faults

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


@pytest.fixture
def published_messages(redis_server):
    """Return a function that reads the messages published on progress:* so far."""
    pubsub = redis_server.client().pubsub(ignore_subscribe_messages=True)
    pubsub.psubscribe(CHANNEL_PATTERN)
    pubsub.get_message(timeout=5)

    def messages():
        received = []
        while message := pubsub.get_message(timeout=0.5):
            received.append(json.loads(message["data"]))
        return received

    yield messages
    pubsub.close()


def test_it_stores_a_video_in_the_media_folder(download, media_server, settings):
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.error, video.percent) == (Status.COMPLETE, "", 100)
    assert video.media_file == f"{video.video_id}/clip.mp4"
    assert (settings.MEDIA_ROOT / video.media_file).read_bytes() == media_server.clip
    assert video.size == video.downloaded_bytes == len(media_server.clip)
    # yt-dlp knows no duration of a bare media file; it is read from the file itself.
    assert video.duration == pytest.approx(6, abs=0.2)
    assert (settings.MEDIA_ROOT / video.thumbnail).read_bytes().startswith(b"\xff\xd8\xff")
    assert sorted(path.name for path in (settings.MEDIA_ROOT / video.video_id).iterdir()) == [
        "clip.info.json",
        "clip.jpg",
        "clip.mp4",
        "clip.small.jpg",
    ]
    assert workspace.list_ids() == []
    assert [event.reason for event in video.events.all()] == ["Added", "Started", "Found", "Fetched", "Filed"]


def stored_picture(video, settings, suffix=""):
    return Image.open(settings.MEDIA_ROOT / video.thumbnail.replace(".jpg", f"{suffix}.jpg"))


@pytest.fixture
def publish_picture(media_server):
    """Have the site serve a picture under a name."""
    paths = []

    def write(name, content):
        paths.append(media_server.folder / name)
        paths[-1].write_bytes(content)

    yield write
    for path in paths:
        path.unlink()


@pytest.mark.parametrize(
    "address",
    [
        "picture.svg",
        *(
            pytest.param(name, marks=pytest.mark.soak)
            for name in ("picture.php?id=7", "picture", "picture.jpg", "picture.exe")
        ),
    ],
)
def test_it_draws_the_picture_of_the_site_in_two_sizes(download, media_server, publish_picture, settings, address):
    publish_picture(address.partition("?")[0], pictures.noise_png())
    video = download(media_server.url(f"/page/x?thumbnail=/{quote(address)}"))
    assert (video.status, video.error) == (Status.COMPLETE, "")
    assert (stored_picture(video, settings).width, stored_picture(video, settings, ".small").width) == (1280, 480)
    assert (settings.MEDIA_ROOT / video.thumbnail.replace(".jpg", ".small.jpg")).stat().st_size <= 60_000


@pytest.mark.parametrize(
    "content",
    [
        *(pictures.SVG, pictures.bomb_png()),
        *(
            pytest.param(content, marks=pytest.mark.soak)
            for content in (b"\xff\xd8\xff broken", b"<html>404</html>", b"")
        ),
    ],
)
def test_a_frame_stands_for_a_picture_that_cannot_be_drawn(download, media_server, publish_picture, settings, content):
    publish_picture("picture.png", content)
    video = download(media_server.url("/page/x?thumbnail=/picture.png"))
    assert (video.status, video.error) == (Status.COMPLETE, "")
    assert stored_picture(video, settings, ".small").size == (320, 240)  # the size of the clip


def test_a_video_is_stored_without_a_thumbnail_where_none_can_be_drawn(download, media_server, monkeypatch, caplog):
    monkeypatch.setattr(process, "DRAWING_PROGRAM", "/nowhere/drawing.py")
    monkeypatch.setattr(process, "FAILED_EXIT_STATUS", 2)  # of Python, for a program that is not there
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.error, video.thumbnail) == (Status.COMPLETE, "", "")
    assert "gets no thumbnail" in caplog.text


@pytest.mark.parametrize(
    ("path", "ending", "kind"), [("/separate/index.m3u8", ".m4a", "audio"), ("/clip.mp4", ".mp4", "video")]
)
def test_a_file_without_video_is_audio(download, media_server, path, ending, kind):
    video = download(media_server.url(path), quality="audio")
    assert (video.status, video.error) == (Status.COMPLETE, "")
    assert video.media_file.endswith(ending)
    assert (video.kind, player.build_player(video).kind) == (kind, kind)


def test_it_keeps_what_the_site_says(download, media_server):
    video = download(media_server.url("/page/Some film"))
    assert video.title.startswith("Some film")
    assert video.source_id
    assert video.extractor


@pytest.mark.parametrize(
    "title",
    [
        *("../../../escape", "🎬" * 300),
        *(
            pytest.param(title, marks=pytest.mark.soak)
            for title in (".hidden", "a%00b", "CON", "x" * 1000, "%2F%2Fetc%2Fpasswd", "<script>alert(1)</script>")
        ),
    ],
)
def test_it_files_any_title_inside_its_folder(download, media_server, settings, title):
    video = download(media_server.url(f"/page/x?title={title}"))
    assert video.status == Status.COMPLETE
    path = (settings.MEDIA_ROOT / video.media_file).resolve()
    assert path.parent == (settings.MEDIA_ROOT / video.video_id).resolve()
    assert path.read_bytes() == media_server.clip
    assert not path.name.startswith(".")


@pytest.mark.parametrize(
    ("path", "expected_error"),
    [
        ("/missing.mp4", "Not found (404)"),
        ("/private.mp4", "The site refused (403)"),
        ("/notmedia/a.mp4", "The site sent a web page, not a video."),
    ],
)
def test_it_keeps_the_reason_of_a_failure(download, media_server, settings, path, expected_error):
    video = download(media_server.url(path))
    assert video.status == Status.FAILED
    assert expected_error in video.error
    assert video.events.last().reason == video.error
    assert list(settings.MEDIA_ROOT.iterdir()) == []


def test_it_reports_progress_in_order(download, media_server, published_messages):
    states = []
    video = download(media_server.url("/separate/index.m3u8"), states.append)
    messages = published_messages()
    assert {message["attempt"] for message in messages} == {1}
    percents = [message["percent"] for message in messages if message.get("percent") is not None]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert max(percents[:-1]) < 100
    assert [message["status"] for message in messages if "status" in message] == [
        *("queued", "downloading", "processing", "complete")
    ]
    assert messages[-1]["status"] == "complete"
    assert states[-1].phase == "filing"
    assert states[-1].downloaded_bytes > 0.9 * video.size


def test_it_publishes_at_a_limited_rate(download, media_server, published_messages):
    states = []
    began = time.monotonic()
    download(media_server.url("/slow/a.mp4?rate=600000"), states.append)
    took = time.monotonic() - began
    assert 4 <= len(states) <= 5 * took + 7  # 1.4 s of bytes or more, five times a second, and the phases around them


def test_it_needs_no_redis(download, media_server, redis_server):
    redis_server.kill()
    assert download(media_server.url("/clip.mp4")).status == Status.COMPLETE


def test_it_leaves_a_video_alone_that_was_cancelled(download, media_server, settings):
    def cancel(state):
        if state.phase == "video":
            Video.objects.get().cancel()

    video = download(media_server.url("/slow/a.mp4?rate=600000"), cancel)
    assert video.status == Status.CANCELLED
    assert list(settings.MEDIA_ROOT.iterdir()) == []


def test_it_replaces_what_an_earlier_attempt_filed(download, media_server, settings):
    video = download(media_server.url("/clip.mp4"))
    Video.objects.update(status=Status.FAILED)
    (settings.MEDIA_ROOT / video.video_id / "left over").touch()
    assert video.retry()
    again = download(media_server.url("/clip.mp4"))
    assert (again.status, again.attempt) == (Status.COMPLETE, 2)
    assert not (settings.MEDIA_ROOT / video.video_id / "left over").exists()


def test_it_stores_no_files_without_their_row(download, media_server, settings, monkeypatch):
    failures = []
    install = media_folder.install

    def locked_once(*args):
        install(*args)
        if not failures:
            failures.append(1)
            raise OperationalError("database is locked")

    monkeypatch.setattr(database, "DATABASE_RETRY_INTERVAL_SECONDS", 0)
    monkeypatch.setattr(media_folder, "install", locked_once)
    video = download(media_server.url("/clip.mp4"))
    assert video.status == Status.COMPLETE
    assert failures == [1]
    assert (settings.MEDIA_ROOT / video.media_file).is_file()


def failing_once(function):
    """Return a function that fails the first time as one whose database is away."""
    calls = []

    def call(*args, **kwargs):
        calls.append(1)
        if len(calls) == 1:
            raise OperationalError("consuming input failed: server closed the connection unexpectedly")
        return function(*args, **kwargs)

    return call


def test_a_database_that_is_away_while_files_are_stored_only_delays_them(download, media_server, monkeypatch):
    monkeypatch.setattr(database, "DATABASE_RETRY_INTERVAL_SECONDS", 0)
    monkeypatch.setattr(attempt, "require_own_media_folder", failing_once(attempt.require_own_media_folder))
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.attempt, video.retry_count) == (Status.COMPLETE, 1, 0)


@pytest.mark.parametrize(
    "step",
    [
        "_store_files",
        *(
            pytest.param(step, marks=pytest.mark.soak)
            for step in ("_probe_url", "_download_files", "_enter_processing_phase")
        ),
    ],
)
def test_a_database_that_is_away_in_any_step_fails_no_video(download, media_server, monkeypatch, step):
    monkeypatch.setattr(attempt.Attempt, step, failing_once(getattr(attempt.Attempt, step)))
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.retry_count) == (Status.QUEUED, 0)
    assert video.events.last().reason == "The database cannot be reached."
    assert download(media_server.url("/clip.mp4")).status == Status.COMPLETE


def test_another_error_of_the_database_is_a_bug(download, media_server, monkeypatch):
    def broken(*_):
        raise ProgrammingError("syntax error")

    monkeypatch.setattr(attempt.Attempt, "_store_files", broken)
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.error) == (Status.FAILED, attempt.UNEXPECTED_ERROR_MESSAGE)


def test_it_waits_in_the_queue_while_the_disk_is_full(download, media_server, monkeypatch):
    def full(folder):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(media_folder, "fsync_folder", full)
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.retry_count) == (Status.QUEUED, 0)
    assert video.events.last().reason == Queue.get_or_default().blocked_reason == faults.DISK_FULL_MESSAGE
    assert not Video.objects.claimable().exists()
    monkeypatch.undo()
    Queue.objects.update(held_until=None)
    assert download(media_server.url("/clip.mp4")).status == Status.COMPLETE
    # Two look-ups, the whole file, and a request for its last bytes.
    assert media_server.count_requests("/clip.mp4") == 4


def test_it_logs_a_bug_and_fails_that_video_only(download, media_server, monkeypatch, caplog):
    monkeypatch.setattr(media_folder, "fsync_folder", lambda folder: 1 / 0)
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.error) == (Status.FAILED, attempt.UNEXPECTED_ERROR_MESSAGE)
    assert "ZeroDivisionError" in caplog.text
    monkeypatch.undo()


def test_it_is_requeued_while_its_workspace_is_locked(download, media_server, monkeypatch):
    monkeypatch.setattr(workspace, "LOCK_TIMEOUT_SECONDS", 0.1)
    video, _ = Video.objects.ingest(media_server.url("/clip.mp4"), media_server.url("/clip.mp4"))
    with workspace.locked_workspace(video.video_id):
        assert download(video.url).status == Status.QUEUED
    assert download(video.url).status == Status.COMPLETE
