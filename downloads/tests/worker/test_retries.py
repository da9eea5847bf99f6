"""How often a download that is interrupted is tried: one that stands still fails soon, one that gets on does not."""

import pytest

from downloads.models import MAX_RETRIES, Status, Video
from downloads.network.proxy import EgressProxy
from downloads.tests.support import versioned_files
from downloads.worker import attempt as worker_attempt
from downloads.ytdlp import options

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("as_in_a_child")]


@pytest.fixture
def shelf(monkeypatch, media_server):
    """Serves a film of 12 MB."""
    shelf = versioned_files.Shelf()
    monkeypatch.setattr(versioned_files, "SHELF", shelf)
    room = 12_000_000
    shelf.data["a.mp4"] = media_server.clip + (8 + room).to_bytes(4, "big") + b"free" + bytes(room)
    return shelf


@pytest.fixture
def attempt(redis_server, media_server, monkeypatch):
    """Take the film through one attempt; its row at the end."""
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


def test_it_fails_where_nothing_more_arrives(attempt, shelf):
    shelf.cuts["a.mp4"] = [2_000_000] * 60
    found = [attempt() for _ in range(MAX_RETRIES + 1)]
    assert [video.tries for video in found] == [1, 2, 3, 3]
    assert [video.status for video in found] == [Status.QUEUED] * 3 + [Status.FAILED]


def test_it_fails_where_each_attempt_begins_again(attempt, shelf):
    """However much arrives: it is the same again."""
    shelf.has_ranges = False
    shelf.cuts["a.mp4"] = [3_000_000] * 60
    found = [attempt() for _ in range(MAX_RETRIES + 1)]
    assert [video.tries for video in found] == [1, 2, 3, 3]
    assert found[-1].status == Status.FAILED


def test_it_goes_on_as_long_as_it_gets_on(attempt, shelf, settings):
    shelf.cuts["a.mp4"] = list(range(400_000, len(shelf.data["a.mp4"]), 400_000))
    found = [attempt()]
    while found[-1].status == Status.QUEUED:
        found.append(attempt())
    assert len(found) > MAX_RETRIES + 2
    assert {video.tries for video in found} == {1}
    assert found[-1].status == Status.COMPLETE
    assert (settings.MEDIA_ROOT / found[-1].media_file).read_bytes() == shelf.data["a.mp4"]


def test_it_counts_the_tries_since_the_last_advance(attempt, shelf):
    tries = []
    for end in (400_000, 3_000_000):
        shelf.cuts["a.mp4"] = [end] * 20
        tries += [attempt().tries for _ in range(3)]
    assert tries == [1, 2, 3, 1, 2, 3]
