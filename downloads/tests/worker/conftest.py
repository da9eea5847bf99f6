"""A real attempt at a URL, run in this process."""

import pytest

from downloads.models import Video
from downloads.network.proxy import EgressProxy
from downloads.worker import attempt


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
