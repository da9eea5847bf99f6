"""Playable copies made by real workers: killed in the middle, cancelled, and made."""

import hashlib
from pathlib import Path

import pytest
from django.conf import settings

from downloads.files import media_folder
from downloads.models import PlayableCopy, Status, Video
from downloads.tests.support.copies import long_video, stored_video
from downloads.tests.support.factories import reload_video
from downloads.tests.support.processes import command_line, descendants, process_parents, still_running
from downloads.tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.usefixtures("empty_data_folders"),
]


def digest(video: Video) -> str:
    return hashlib.sha256((Path(settings.MEDIA_ROOT) / video.media_file).read_bytes()).hexdigest()


def copy_of(video: Video) -> PlayableCopy:
    return PlayableCopy.objects.get(pk=video.pk)


def running_ffmpegs() -> set[int]:
    """Return the processes that write a playable copy."""
    return {pid for pid in process_parents() if ".playable." in command_line(pid)}


def wait_for_conversion(video: Video, attempt: int) -> set[int]:
    wait_until(lambda: running_ffmpegs() and copy_of(video).attempt == attempt, "ffmpeg converts")
    wait_until(lambda: (copy_of(video).percent or 0) > 0, "the percent is saved")
    return running_ffmpegs()


@pytest.mark.alone
def test_a_kill_in_mid_conversion_a_cancel_and_a_copy(start_worker):
    video, short = long_video(), stored_video("mkv", name="short")
    original = digest(video)
    environment = {"YTARCHIVE_LEASE_SECONDS": "6"}
    assert PlayableCopy.request(video)
    worker = start_worker("--workers", "1", env=environment)
    pids = wait_for_conversion(video, 1) | descendants(worker.pid)
    worker.kill()
    worker.wait(10)
    wait_until(lambda: not still_running(pids), "all its processes are gone", within=3)
    assert copy_of(video).status == Status.PROCESSING

    start_worker("--workers", "1", env=environment)
    pids = wait_for_conversion(video, 2)
    assert copy_of(video).cancel()
    wait_until(lambda: not still_running(pids), "ffmpeg is gone", within=2)

    assert PlayableCopy.request(short)
    wait_until(lambda: copy_of(short).status == Status.COMPLETE, "the next copy is made")
    wait_until(lambda: not any(Path(settings.WORK_ROOT).iterdir()), "nothing is left in the work folder")
    assert media_folder.find_file(copy_of(short).file)
    assert copy_of(video).status == Status.CANCELLED
    assert (reload_video(video).status, digest(video)) == (Status.COMPLETE, original)
    names = [path.name for path in (Path(settings.MEDIA_ROOT) / video.video_id).iterdir()]
    assert names == ["long.avi"]
