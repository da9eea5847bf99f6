"""Titles looked up ahead of the queue, by real workers with yt-dlp."""

import os
import signal

import pytest

from downloads.files.thumbnails import stored
from downloads.models import Queue, Status, TitleLookUp, Video
from downloads.tests.support.factories import reload_video
from downloads.tests.support.media_server import Answer
from downloads.tests.support.processes import process_parents
from downloads.tests.support.waiting import wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.usefixtures("empty_data_folders"),
]
TURNED_ON = {"YTARCHIVE_TITLES_AHEAD": "1", "YTARCHIVE_PER_HOST": "1"}
SLOW_PATH = "/slow/first.mp4?rate=4000"


def title_of(video: Video) -> str:
    return str(reload_video(video).title)


def children_of(process) -> list[int]:
    return [pid for pid, parent in process_parents().items() if parent == process.pid]


def test_what_waits_has_a_title_and_a_picture_before_it_starts(start_worker, enqueue, media_server):
    media_server.answers["/gone"] = Answer(status=404)
    first = enqueue(SLOW_PATH)
    waiting = [enqueue(f"/page/Film {number}?src=/named/{number}.mp4") for number in range(3)]
    gone = enqueue("/gone")
    start_worker("--workers", "1", env=TURNED_ON)
    wait_until(lambda: all(map(title_of, waiting)), "all have titles", within=100)
    wait_until(lambda: TitleLookUp.objects.filter(pk=gone.pk).exclude(note="").exists(), "the failure is noted")
    assert reload_video(first).status == Status.DOWNLOADING
    for number, video in enumerate(map(reload_video, waiting)):
        assert (video.status, video.attempt, video.started_at) == (Status.QUEUED, 1, None)
        assert video.title.startswith(f"Film {number}")
        assert stored.find_thumbnail(video.video_id, video.thumbnail, is_small=True).is_file()
    row = reload_video(gone)
    assert (row.status, row.error, row.title) == (Status.QUEUED, "", "")


def test_a_kill_in_mid_look_up_costs_nothing_but_the_look_up(start_worker, enqueue, media_server):
    enqueue(SLOW_PATH)
    media_server.answers.clear()
    video = enqueue("/mute/film.mp4")
    process = start_worker("--workers", "1", env={**TURNED_ON, "YTARCHIVE_LEASE_SECONDS": "4"})
    media_server.wait_for_requests("/mute/film.mp4")
    process.kill()
    process.wait(10)
    wait_until(lambda: children_of(process) == [], "the look-up ended with its worker")
    media_server.answers["/mute/film.mp4"] = Answer(media_server.clip, "video/mp4")
    start_worker("--workers", "1", env={**TURNED_ON, "YTARCHIVE_LEASE_SECONDS": "4"})
    wait_until(lambda: title_of(video), "the next worker looked it up", within=90)
    assert reload_video(video).status == Status.QUEUED


@pytest.mark.parametrize(
    "cause", ["claimed", *(pytest.param(cause, marks=pytest.mark.soak) for cause in ("killed", "paused"))]
)
def test_a_look_up_that_hangs_ends_when_it_is(start_worker, enqueue, media_server, cause):
    first = enqueue(SLOW_PATH)
    video = enqueue("/mute/film.mp4")
    process = start_worker("--workers", "1", env=TURNED_ON)
    media_server.wait_for_requests("/mute/film.mp4")
    look_up = TitleLookUp.objects.exclude(lease_token="").get()
    # The zygote, the fork server, the download and the look-up.
    wait_until(lambda: len(children_of(process)) == 4, "four children run")
    if cause == "killed":
        (look_up_pid,) = [pid for pid in children_of(process) if os.getpriority(os.PRIO_PROCESS, pid) > 0]
        os.kill(look_up_pid, signal.SIGKILL)
    elif cause == "claimed":
        first.cancel()
    else:
        Queue.pause("Paused")
    wait_until(lambda: TitleLookUp.objects.get(pk=look_up.pk).lease_token == "", "the look-up ended")
    assert reload_video(video).error == ""
    if cause == "claimed":
        wait_until(lambda: reload_video(video).status == Status.DOWNLOADING, "the download runs")
    assert "Traceback" not in process.log.read_text()
