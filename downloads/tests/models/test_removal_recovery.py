"""Removals that were interrupted, and their recovery."""

import os
import signal
import threading

import pytest
from django.conf import settings as current
from django.db import connections

from downloads.files import trash, workspace
from downloads.models import Video, removal
from downloads.progress import publisher
from downloads.tests.support.removal import is_gone, is_intact, put_files
from ytarchive.supervisor import bootstrap

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


def run_in_fork(function) -> int:
    """Run the function in a forked process; return the signal that ended the process, or 0."""
    connections.close_all()
    child = os.fork()
    if not child:
        try:
            function()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] & 0x7F


def kill_self(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def call_then_kill_self(function):
    return lambda *args, **named: (function(*args, **named), kill_self())


def kill_self_while_deleting(video_id: str) -> None:
    next((current.MEDIA_ROOT / trash.TRASH_FOLDER / video_id).iterdir()).unlink()
    kill_self()


KILL_POINTS = {
    "before anything": (removal, "_remove_row", kill_self, True),
    "the row removed": (removal, "_remove_row", call_then_kill_self(removal._remove_row), True),
    "before the rename": (trash, "move_to_trash", kill_self, True),
    "the folder renamed": (trash, "move_to_trash", call_then_kill_self(trash.move_to_trash), True),
    "committed": (publisher, "publish_progress", kill_self, False),
    "before the folder is removed": (trash, "delete_from_trash", kill_self, False),
    "half of the folder removed": (trash, "delete_from_trash", kill_self_while_deleting, False),
    "before the work folder is removed": (workspace, "remove_workspace", kill_self, False),
}


@pytest.mark.parametrize("step", KILL_POINTS)
def test_it_is_there_or_gone_whenever_its_process_is_killed(video_with_files, monkeypatch, step):
    module, name, replacement, is_kept = KILL_POINTS[step]
    monkeypatch.setattr(module, name, replacement)
    assert run_in_fork(video_with_files.remove) == signal.SIGKILL
    monkeypatch.undo()
    Video.objects.finish_interrupted_removals()
    assert is_intact(video_with_files) if is_kept else is_gone(video_with_files)
    assert trash.list_trashed_ids() == []
    assert video_with_files.remove() == is_kept


def test_it_waits_for_a_removal_that_is_under_way(video_with_files, monkeypatch):
    """The recovery must not restore files that another process is about to remove."""
    (moved_reader, moved_writer), (resume_reader, resume_writer) = os.pipe(), os.pipe()
    take = trash.move_to_trash

    def taking(video_id):
        take(video_id)
        os.write(moved_writer, b".")
        os.read(resume_reader, 1)

    monkeypatch.setattr(trash, "move_to_trash", taking)
    remover = threading.Thread(target=run_in_fork, args=(video_with_files.remove,))
    remover.start()
    os.read(moved_reader, 1)
    recovery = threading.Thread(target=Video.objects.finish_interrupted_removals)
    recovery.start()
    recovery.join(0.3)
    assert recovery.is_alive()
    os.write(resume_writer, b".")
    remover.join()
    recovery.join()
    assert is_gone(video_with_files)


def test_it_ends_broken_removals_before_the_first_page(video_with_files, settings):
    trash.move_to_trash(video_with_files.video_id)
    settings.DEBUG = True  # skips the collection of static files
    bootstrap.prepare_all(lambda _: None)
    assert is_intact(video_with_files)


def test_it_keeps_what_was_fetched_since(video_with_files, monkeypatch):
    monkeypatch.setattr(trash, "move_to_trash", call_then_kill_self(trash.move_to_trash))
    run_in_fork(video_with_files.remove)
    monkeypatch.undo()
    put_files(video_with_files)
    Video.objects.finish_interrupted_removals()
    assert is_intact(video_with_files)
    assert trash.list_trashed_ids() == []
