"""Workers as real processes, and their folders."""

import shutil

import pytest
from django.conf import settings

from downloads.models import Video
from downloads.tests.support.processes import LOOPBACK_ALLOWED
from downloads.tests.support.waiting import wait_until


@pytest.fixture
def empty_data_folders():
    """Empty the tests' data folder afterwards."""
    yield
    for root in (settings.WORK_ROOT, settings.MEDIA_ROOT):
        for path in root.iterdir():  # the folders stay: a worker that runs would hold the queue without them
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture
def empty_ytdlp_folder():
    """Delete the installed versions of yt-dlp afterwards."""
    yield
    shutil.rmtree(settings.YTDLP_ROOT, ignore_errors=True)


@pytest.fixture
def start_worker(run_manage, redis_server, media_server):
    """Start a worker, and wait until it is ready."""

    def start(*args, env=None):
        process = run_manage("work", *args, env={**LOOPBACK_ALLOWED, **(env or {})})
        wait_until(lambda: "ytarchive worker: ready" in process.log.read_text(), "the worker is ready")
        return process

    return start


@pytest.fixture
def enqueue(media_server):
    """Queue a video of the media server by its path; return it."""

    def add(path):
        url = media_server.url(path)
        return Video.objects.ingest(url, url)[0]

    return add
