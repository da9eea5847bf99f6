"""Retries of an interrupted download: it fails soon without progress, and is retried as long as it makes some."""

import pytest

from downloads.models import MAX_RETRIES, Status, Video
from downloads.network.proxy import EgressProxy
from downloads.tests.support import file_versions
from downloads.worker import attempt as worker_attempt
from downloads.ytdlp import options

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


@pytest.fixture
def twelve_mb_film(monkeypatch, media_server):
    """Serves a film of 12 MB."""
    files = file_versions.VersionedFiles()
    monkeypatch.setattr(file_versions, "FILES", files)
    padding_bytes = 12_000_000
    files.data["a.mp4"] = media_server.clip + (8 + padding_bytes).to_bytes(4, "big") + b"free" + bytes(padding_bytes)
    return files


@pytest.fixture
def run_next_attempt(redis_server, media_server, monkeypatch):
    """Run one attempt at the film, and return its row afterwards."""
    monkeypatch.setattr(options, "_retry_delay", lambda n: 0.0)
    url = media_server.url("/version/a.mp4")
    Video.objects.ingest(url, url)

    def run():
        Video.objects.update(not_before=None)
        video = Video.objects.claim("test")
        with EgressProxy() as proxy:
            worker_attempt.run_attempt(video, proxy_url=proxy.url, on_progress=lambda state: None)
        return Video.objects.get()

    return run


def test_it_fails_where_nothing_more_arrives(run_next_attempt, twelve_mb_film):
    twelve_mb_film.cuts["a.mp4"] = [2_000_000] * 60
    videos = [run_next_attempt() for _ in range(MAX_RETRIES + 1)]
    assert [video.retry_count for video in videos] == [1, 2, 3, 3]
    assert [video.status for video in videos] == [Status.QUEUED] * 3 + [Status.FAILED]


def test_it_fails_where_each_attempt_begins_again(run_next_attempt, twelve_mb_film):
    """Bytes that an earlier attempt downloaded already are no progress."""
    twelve_mb_film.has_ranges = False
    twelve_mb_film.cuts["a.mp4"] = [3_000_000] * 60
    videos = [run_next_attempt() for _ in range(MAX_RETRIES + 1)]
    assert [video.retry_count for video in videos] == [1, 2, 3, 3]
    assert videos[-1].status == Status.FAILED


def test_it_retries_as_long_as_it_makes_progress(run_next_attempt, twelve_mb_film, settings):
    twelve_mb_film.cuts["a.mp4"] = list(range(400_000, len(twelve_mb_film.data["a.mp4"]), 400_000))
    videos = [run_next_attempt()]
    while videos[-1].status == Status.QUEUED:
        videos.append(run_next_attempt())
    assert len(videos) > MAX_RETRIES + 2
    assert {video.retry_count for video in videos} == {1}
    assert videos[-1].status == Status.COMPLETE
    assert (settings.MEDIA_ROOT / videos[-1].media_file).read_bytes() == twelve_mb_film.data["a.mp4"]


def test_it_counts_retries_since_the_last_progress(run_next_attempt, twelve_mb_film):
    retry_counts = []
    for end in (400_000, 3_000_000):
        twelve_mb_film.cuts["a.mp4"] = [end] * 20
        retry_counts += [run_next_attempt().retry_count for _ in range(3)]
    assert retry_counts == [1, 2, 3, 1, 2, 3]
