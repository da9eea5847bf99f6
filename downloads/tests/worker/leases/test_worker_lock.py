"""The lock by which one worker sees that another of its machine has died."""

import os

import pytest

from downloads.models import Status, Video
from downloads.tests.support.factories import waiting
from downloads.worker.leases import worker_lock
from downloads.worker.leases.rescue import Rescue
from downloads.worker.leases.worker_lock import WorkerLock

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def cache_folder(settings, tmp_path):
    settings.CACHE_ROOT = tmp_path


@pytest.fixture
def other():
    lock = WorkerLock("host:1")
    yield lock
    lock.release()


@pytest.fixture
def mine():
    lock = WorkerLock("host:1")
    yield lock
    lock.release()


def die(lock: WorkerLock) -> None:
    """Do what the kernel does when the worker's process ends."""
    os.close(*lock.inherited_fds)
    lock._fd = None


def test_a_worker_is_dead_once_its_processes_are(mine, other):
    (inherited,) = map(os.dup, other.inherited_fds)
    assert not list(mine.take_dead())
    die(other)
    assert not list(mine.take_dead()), "a download of it still runs"
    os.close(inherited)
    assert list(mine.take_dead()) == [other.worker_name]
    assert not list(mine.take_dead())


def test_workers_of_the_same_name_are_told_apart(mine, other):
    assert mine.worker_name != other.worker_name
    assert mine.worker_name.startswith("host:1:")


def test_a_worker_that_stopped_is_not_dead(mine, other):
    other.release()
    assert not list(mine.take_dead())


def test_a_worker_of_another_machine_is_left_alone(mine, other, monkeypatch):
    monkeypatch.setattr(worker_lock, "_boot_id", lambda: "another-machine")
    die(other)
    assert not list(mine.take_dead())


def test_it_does_without_where_nothing_can_be_locked(monkeypatch, caplog):
    def refuse(*args):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(worker_lock.fcntl, "flock", refuse)
    lock = WorkerLock("host:1")
    assert lock.inherited_fds == ()
    assert "No locks available" in caplog.text
    lock.release()


def test_it_requeues_what_a_dead_worker_had(other):
    waiting("a"), waiting("b")
    dead = Video.objects.claim(other.worker_name)
    living = Video.objects.claim("host:1:another")
    rescue = Rescue("host:2")
    rescue.requeue_local()
    assert dead.holds_lease()
    die(other)
    rescue.requeue_local()
    assert not dead.holds_lease()
    assert living.holds_lease()
    dead.refresh_from_db()
    assert (dead.status, dead.attempt, dead.events.last().reason) == (Status.QUEUED, 2, "The download was interrupted")
    rescue.lock.release()
