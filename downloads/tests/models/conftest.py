"""Video fixtures for the models' tests."""

import pytest

from downloads.models import StoredFiles, Video
from downloads.tests.support.factories import waiting
from downloads.tests.support.removal import put_files


@pytest.fixture
def video_with_files(child_environment):
    waiting()
    claimed = Video.objects.claim("w")
    stored_files = StoredFiles(f"{claimed.video_id}/film.mp4", 4, f"{claimed.video_id}/film.jpg")
    assert claimed.finish(stored_files, lambda: put_files(claimed))
    return claimed


@pytest.fixture
def waiting_video() -> Video:
    return Video.objects.ingest("http://example.org/a", "http://example.org/a")[0]
