"""A real attempt at a URL, run in this process."""

import pytest
from django.utils import timezone

from downloads.models import HostPause, Status, Video
from downloads.network.proxy import EgressProxy
from downloads.worker import attempt
from downloads.ytdlp import options


@pytest.fixture
def download():
    """Run one attempt at a URL, and return its row afterwards."""

    def run(url, on_progress=lambda state: None, **options):
        video, _ = Video.objects.ingest(url, url, **options)
        video = Video.objects.claim("test")
        with EgressProxy() as proxy:
            attempt.run_attempt(video, proxy_url=proxy.url, on_progress=on_progress)
        return Video.objects.get(pk=video.pk)

    return run


@pytest.fixture
def run_attempts(monkeypatch, media_server):
    """Run attempts at a URL until it has ended; return its row after each."""
    monkeypatch.setattr(options, "_retry_delay", lambda n: 0.0)

    def run(path):
        url = path if "//" in path else media_server.url(path)
        Video.objects.ingest(url, url)
        videos = []
        while not videos or videos[-1].status == Status.QUEUED:
            Video.objects.update(not_before=None)
            HostPause.objects.update(until=timezone.now())
            video = Video.objects.claim("test")
            with EgressProxy() as proxy:
                attempt.run_attempt(video, proxy_url=proxy.url, on_progress=lambda state: None)
            videos.append(Video.objects.get())
        return videos

    return run
