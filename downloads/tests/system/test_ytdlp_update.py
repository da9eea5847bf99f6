"""An update that a button requests, as a running worker carries it out between and beside downloads."""

import json

import pytest
from django.conf import settings

from downloads.models import Status
from downloads.tests.support.factories import reload_video
from downloads.tests.support.waiting import wait_until
from downloads.tests.support.ytdlp_wheels import (
    BUNDLED_VERSION,
    NEWER,
    appended,
    make_ejs_wheel,
    make_ytdlp_wheel,
    pip_environment,
)
from downloads.ytdlp_update import status

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.usefixtures("empty_data_folders", "empty_ytdlp_folder"),
    pytest.mark.timeout(240),
]


def wait_for(video, wanted, seconds=60):
    wait_until(lambda: reload_video(video).status == wanted, f"the video is {wanted}", within=seconds)
    return reload_video(video)


def version_of(video):
    """Return the version of yt-dlp that fetched a complete video."""
    info_json = next((settings.MEDIA_ROOT / video.video_id).glob("*.info.json"))
    return json.loads(info_json.read_bytes())["_version"]["version"]


def wait_for_update(state):
    wait_until(lambda: status.read_status().state == state, f"the update is {state}", within=150)
    return status.read_status().message


def test_a_worker_updates_and_the_next_download_uses_it(tmp_path, start_worker, enqueue, media_server):
    make_ytdlp_wheel(tmp_path / "wheels")
    make_ejs_wheel(tmp_path / "wheels")
    start_worker(env=pip_environment(tmp_path / "wheels"))
    running = enqueue("/slow/running.mp4?rate=2000")
    wait_for(running, Status.DOWNLOADING)
    media_server.wait_for_requests("/slow/running.mp4")

    assert status.request_update() is True
    assert status.request_update() is False, "once is enough"
    message = wait_for_update(status.State.UPDATED)

    assert message == f"yt-dlp was updated from {BUNDLED_VERSION} to {NEWER}; the next download uses it."
    assert reload_video(running).status == Status.DOWNLOADING, "its process is as it was"
    assert version_of(wait_for(enqueue("/page/next"), Status.COMPLETE)) == NEWER
    media_server.released.set()
    running = wait_for(running, Status.COMPLETE)
    assert (running.attempt, version_of(running)) == (1, BUNDLED_VERSION)

    # What is damaged later is not used.
    (settings.YTDLP_ROOT / NEWER / "yt_dlp" / "__init__.py").write_text("raise SystemExit")
    assert version_of(wait_for(enqueue("/page/after"), Status.COMPLETE)) == BUNDLED_VERSION


@pytest.mark.soak
def test_a_version_that_does_not_work_changes_nothing(tmp_path, start_worker, enqueue):
    make_ytdlp_wheel(tmp_path / "wheels", NEWER, appended("yt_dlp/YoutubeDL.py", "del YoutubeDL.urlopen"))
    make_ejs_wheel(tmp_path / "wheels")
    worker = start_worker(env=pip_environment(tmp_path / "wheels"))

    status.request_update()

    message = wait_for_update(status.State.FAILED)
    assert f"yt-dlp {NEWER} was not installed, because it does not work here" in message
    assert version_of(wait_for(enqueue("/page/next"), Status.COMPLETE)) == BUNDLED_VERSION
    assert message in worker.log.read_text(), "the worker's log says so too"


def test_a_worker_that_stops_ends_its_update(tmp_path, start_worker):
    make_ytdlp_wheel(tmp_path / "wheels", NEWER, appended("yt_dlp/__init__.py", "import time; time.sleep(3600)"))
    make_ejs_wheel(tmp_path / "wheels")
    worker = start_worker(env=pip_environment(tmp_path / "wheels"))
    status.request_update()
    wait_for_update(status.State.RUNNING)

    worker.terminate()

    assert worker.wait(10) == 0
    wait_for_update(status.State.INTERRUPTED)
    assert "Start it again" in status.read_status().text
    assert status.request_update() is True


def test_a_worker_says_at_its_start_that_the_installed_version_is_not_used(start_worker):
    settings.YTDLP_ROOT.mkdir()
    (settings.YTDLP_ROOT / "installed.json").write_text("[{")

    worker = start_worker()

    wait_until(lambda: "The bundled yt-dlp is used." in worker.log.read_text(), "the worker says so")
