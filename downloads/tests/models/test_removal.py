"""A video's row and its files go together or not at all."""

import functools
import os
import shutil
import signal
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.conf import settings as current
from django.contrib.auth import get_user_model
from django.db import connection, connections
from django.test import Client

from downloads.files import trash, workspace
from downloads.models import Status, Video, VideoEvent, removal
from downloads.models.removal import RemovalError
from downloads.progress import keys, publisher
from downloads.tests.support.factories import waiting
from downloads.tests.support.removal import is_gone, is_intact, media_folder, put_files
from ytarchive.supervisor import bootstrap

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


def test_it_removes_nothing_twice(video_with_files):
    assert video_with_files.remove()
    assert not video_with_files.remove()
    assert VideoEvent.objects.filter(public_id=video_with_files.video_id).count() == 1


def test_it_leaves_all_as_it_was_when_the_files_cannot_be_moved(video_with_files, settings):
    # A file where the trash would be: not even root can move a folder into it.
    (settings.MEDIA_ROOT / trash.TRASH_FOLDER).touch()
    before = VideoEvent.objects.count()
    with pytest.raises(RemovalError, match=r"its files cannot be moved \(File exists\)"):
        video_with_files.remove("Deleted by ada")
    assert is_intact(video_with_files)
    assert VideoEvent.objects.count() == before


@pytest.fixture
def blocking_foreign_key(video_with_files):
    """A row of another table that points to the video, which the database notices as late as at the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE claims (video_id bigint REFERENCES downloads_video (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        cursor.execute("INSERT INTO claims VALUES (%s)", [video_with_files.pk])
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE claims")


@pytest.mark.usefixtures("blocking_foreign_key")
def test_it_puts_the_files_back_when_the_database_refuses_to_commit(video_with_files, monkeypatch):
    taken = []
    take = trash.move_to_trash
    monkeypatch.setattr(
        trash, "move_to_trash", lambda video_id: (take(video_id), taken.append(media_folder(video_with_files).exists()))
    )
    with pytest.raises(RemovalError, match="the database did not take it"):
        video_with_files.remove()
    assert taken == [False]
    assert is_intact(video_with_files)
    assert trash.list_trashed_ids() == []


@pytest.fixture
def undeletable_folder(settings):
    """A folder whose files cannot be removed; for root, who may do anything, it is somebody else who tries."""
    settings.MEDIA_ROOT = Path(tempfile.mkdtemp())
    folder = settings.MEDIA_ROOT / trash.TRASH_FOLDER / "abc" / "locked"
    folder.mkdir(parents=True)
    (folder / "file").touch()
    folder.chmod(0o500)
    settings.MEDIA_ROOT.chmod(0o755)
    who = os.geteuid()
    if not who:
        os.seteuid(65534)
    yield folder
    os.seteuid(who)
    folder.chmod(0o700)
    shutil.rmtree(settings.MEDIA_ROOT)


def test_it_retries_files_that_cannot_be_removed(video_with_files, undeletable_folder, caplog):
    removal._remove_leftover_files("abc")
    assert "Files of abc could not be removed yet: [Errno 13] Permission denied" in caplog.text
    assert trash.list_trashed_ids() == ["abc"]
    os.seteuid(os.getuid())
    undeletable_folder.chmod(0o700)
    Video.objects.finish_interrupted_removals()
    assert trash.list_trashed_ids() == []
    undeletable_folder.mkdir(parents=True)


def test_it_removes_row_files_and_history(video_with_files):
    before = Video.objects.latest_rev()
    assert video_with_files.remove("Deleted by ada")
    assert is_gone(video_with_files)
    event = VideoEvent.objects.get(public_id=video_with_files.video_id)
    assert (event.reason, event.video) == ("Deleted by ada", None)
    assert Video.objects.latest_rev() == event.pk > before


def test_it_publishes_one_message(video_with_files, redis_server):
    with redis_server.client() as client, client.pubsub() as ears:
        ears.psubscribe(keys.CHANNEL_PATTERN)
        ears.get_message(timeout=5)
        video_with_files.remove()
        heard = ears.get_message(timeout=5)
        assert heard["channel"].decode() == keys.progress_channel(video_with_files.video_id)
        assert b'"changed":true' in heard["data"]
        assert ears.get_message(timeout=0.1) is None


def test_it_removes_many_with_their_files(video_with_files):
    other = waiting("b")
    assert Video.objects.all().delete() == (2, {"downloads.Video": 2})
    assert is_gone(video_with_files)
    assert is_gone(other)
    assert not hasattr(Video.objects, "delete")


def test_it_takes_the_same_address_again(video_with_files):
    video_with_files.remove()
    again = waiting()
    assert again.video_id != video_with_files.video_id
    assert again.status == Status.QUEUED


def test_it_leaves_the_entries_of_a_list(video_with_files):
    entry = Video.objects.ingest("http://b.example/", "http://b.example/", parent=video_with_files)[0]
    assert video_with_files.remove()
    entry.refresh_from_db()
    assert entry.parent is None


def test_it_removes_the_workspace(video_with_files):
    other = waiting("b")
    with workspace.locked_workspace(other.video_id) as room:
        (room / "media.mp4.part").touch()
    assert other.remove()
    assert workspace.list_ids() == []


def run_in_fork(do) -> int:
    """Do it in a process of its own; return the signal that ended that, 0 for none."""
    connections.close_all()
    child = os.fork()
    if not child:
        try:
            do()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] & 0x7F


def kill_self(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def call_then_kill_self(do):
    return lambda *args, **named: (do(*args, **named), kill_self())


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
    where, name, death, stays = KILL_POINTS[step]
    monkeypatch.setattr(where, name, death)
    assert run_in_fork(video_with_files.remove) == signal.SIGKILL
    monkeypatch.undo()
    Video.objects.finish_interrupted_removals()
    assert is_intact(video_with_files) if stays else is_gone(video_with_files)
    assert trash.list_trashed_ids() == []
    assert video_with_files.remove() == stays


def test_it_waits_for_a_removal_that_is_under_way(video_with_files, monkeypatch):
    """Who settles must not put back what another process is about to remove."""
    (heard, say), (listen, go) = os.pipe(), os.pipe()
    take = trash.move_to_trash

    def taking(video_id):
        take(video_id)
        os.write(say, b".")
        os.read(listen, 1)

    monkeypatch.setattr(trash, "move_to_trash", taking)
    remover = threading.Thread(target=run_in_fork, args=(video_with_files.remove,))
    remover.start()
    os.read(heard, 1)
    settler = threading.Thread(target=Video.objects.finish_interrupted_removals)
    settler.start()
    settler.join(0.3)
    assert settler.is_alive()
    os.write(go, b".")
    remover.join()
    settler.join()
    assert is_gone(video_with_files)


def test_it_ends_broken_removals_before_the_first_page(video_with_files, settings):
    trash.move_to_trash(video_with_files.video_id)
    settings.DEBUG = True  # no static files to gather
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


def run_concurrently(do) -> list:
    """Do it 20 times at the same time, each on a connection of its own."""
    ready = threading.Barrier(20)

    def once(_):
        ready.wait()
        try:
            return do()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(once, range(20)))


def test_it_is_removed_by_one_of_many(video_with_files):
    assert sum(run_concurrently(video_with_files.remove)) == 1
    assert is_gone(video_with_files)
    assert VideoEvent.objects.filter(public_id=video_with_files.video_id).count() == 1


def test_it_is_cancelled_and_retried_by_one_of_many():
    video = waiting()
    assert sum(run_concurrently(lambda: Video.objects.get(pk=video.pk).cancel())) == 1
    assert sum(run_concurrently(lambda: Video.objects.get(pk=video.pk).retry())) == 1
    video.refresh_from_db()
    assert (video.status, video.attempt, video.events.count()) == (Status.QUEUED, 2, 3)


def test_concurrent_requests_all_get_an_answer(client):
    client.force_login(get_user_model().objects.create_user("ada"))
    video = waiting()

    def press(verb: str) -> str:
        own = Client(headers={"HX-Request": "true"})
        own.cookies = client.cookies
        response = own.post(f"/videos/{video.video_id}/{verb}")
        assert response.status_code == 200
        return response.content.decode()

    for verb in ("cancel", "retry", "delete"):
        said = run_concurrently(functools.partial(press, verb))
        assert sum('class="message success"' in words for words in said) == 1
        assert sum('class="message info"' in words for words in said) == 19
    assert is_gone(video)
