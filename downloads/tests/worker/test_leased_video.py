"""Writes of an attempt: refused without the lease, retried while the database is down."""

import pytest
from django.db import OperationalError

from downloads import database
from downloads.models import Metadata, Status, StoredFiles, Video
from downloads.models.state import VideoState
from downloads.worker.leased_video import LeasedVideo, LeaseLost
from downloads.ytdlp.results import Playlist

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://example.org/a.mp4"


@pytest.fixture
def leased_video():
    Video.objects.ingest(URL, URL)
    return LeasedVideo(Video.objects.claim("test"))


@pytest.fixture
def database_down_once(monkeypatch):
    """Let the first write of an event fail."""
    failures = []
    record_event = VideoState.record_event

    def fail_once(video, *args, **kwargs):
        if not failures:
            failures.append(video)
            raise OperationalError("database is locked")
        return record_event(video, *args, **kwargs)

    monkeypatch.setattr(VideoState, "record_event", fail_once)
    monkeypatch.setattr(database, "DATABASE_RETRY_INTERVAL_SECONDS", 0)
    return failures


@pytest.mark.parametrize(
    "write",
    [
        lambda leased_video: leased_video.save_metadata(Metadata(title="A title")),
        lambda leased_video: leased_video.expand_playlist(Playlist("A playlist", [], has_more=False)),
        lambda leased_video: leased_video.start_processing("merging"),
        lambda leased_video: leased_video.finish(StoredFiles("a/a.mp4", 1), lambda: None),
    ],
    ids=["save_metadata", "expand_playlist", "start_processing", "finish"],
)
def test_it_stops_an_attempt_whose_lease_is_lost(leased_video, write):
    Video.objects.get().cancel()
    with pytest.raises(LeaseLost):
        write(leased_video)
    assert (Video.objects.get().status, Video.objects.get().title) == (Status.CANCELLED, "")


@pytest.mark.parametrize("write", ["fail", "retry_later", "release"])
def test_it_ends_no_attempt_whose_lease_is_lost(leased_video, write):
    Video.objects.get().cancel("Cancelled by ann")
    getattr(leased_video, write)("The site is down.")
    assert Video.objects.get().status == Status.CANCELLED
    assert Video.objects.get().events.last().reason == "Cancelled by ann"


def test_it_retries_a_write_while_the_database_is_down(leased_video, database_down_once):
    leased_video.start_processing("merging")
    assert database_down_once
    assert Video.objects.get().status == Status.PROCESSING


@pytest.mark.parametrize(
    ("write", "status"), [("fail", Status.FAILED), ("retry_later", Status.QUEUED), ("release", Status.QUEUED)]
)
def test_it_retries_the_end_of_an_attempt_too(leased_video, database_down_once, write, status):
    getattr(leased_video, write)("The site is down.")
    assert database_down_once
    assert Video.objects.get().status == status
