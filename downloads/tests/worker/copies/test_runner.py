"""The runner of playable copies: turns with downloads, processes that cannot start, and what an ended one leaves."""

import pytest

from downloads.models import PlayableCopy, Status
from downloads.tests.support.factories import complete
from downloads.worker.copies import runner as runner_module
from downloads.worker.copies.runner import CopyRunner
from downloads.worker.folders.monitor import FolderMonitor
from downloads.worker.processes.launcher import Launcher

pytestmark = pytest.mark.django_db


@pytest.fixture
def runner(monkeypatch) -> CopyRunner:
    """A runner whose machine starts no process."""

    def refuse(*_: object) -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(Launcher, "start", refuse)
    return CopyRunner(Launcher(), FolderMonitor(), "w")


def copy_of(video) -> PlayableCopy:
    return PlayableCopy.objects.get(pk=video.pk)


def test_a_copy_whose_process_cannot_start_waits_and_costs_no_run(runner, monkeypatch):
    video = complete()
    PlayableCopy.request(video)
    runner.start_next(lambda: False)
    copy = copy_of(video)
    assert (copy.status, copy.runs, copy.attempt, runner.is_running) == (Status.QUEUED, 0, 2, False)
    runner.start_next(lambda: False)
    assert copy_of(video).attempt == 2
    monkeypatch.setattr(runner_module.time, "monotonic", lambda: runner._next_start_at)
    runner.start_next(lambda: False)
    assert copy_of(video).attempt == 3


@pytest.mark.parametrize("has_waiting_downloads", [True, False])
def test_after_a_copy_a_download_that_waits_has_its_turn(runner, has_waiting_downloads):
    video = complete()
    PlayableCopy.request(video)
    runner._yields_to_downloads = True
    runner.start_next(lambda: has_waiting_downloads)
    assert copy_of(video).attempt == (1 if has_waiting_downloads else 2)
    runner.note_download_started()
    runner.start_next(lambda: has_waiting_downloads)
    assert copy_of(video).attempt == 2
