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
from downloads.models import Status, StoredFiles, Video, VideoEvent, removal
from downloads.models.removal import RemovalError
from downloads.progress import keys, publisher
from ytarchive.supervisor import bootstrap

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("as_in_a_child")]


def folder_of(video: Video) -> Path:
    return Path(current.MEDIA_ROOT / video.video_id)


def put_files(video: Video) -> None:
    folder_of(video).mkdir()
    (folder_of(video) / "film.mp4").write_text("film")
    (folder_of(video) / "film.jpg").write_text("picture")


def added(name: str = "a") -> Video:
    url = f"http://{name}.example/"
    return Video.objects.ingest(url, url)[0]


@pytest.fixture
def video(as_in_a_child):
    added()
    claimed = Video.objects.claim("w")
    filed = StoredFiles(f"{claimed.video_id}/film.mp4", 4, f"{claimed.video_id}/film.jpg")
    assert claimed.finish(filed, lambda: put_files(claimed))
    return claimed


def is_whole(video: Video) -> bool:
    return Video.objects.filter(pk=video.pk).exists() and (folder_of(video) / "film.mp4").read_text() == "film"


def is_gone(video: Video) -> bool:
    return (
        not Video.objects.filter(pk=video.pk).exists()
        and not folder_of(video).exists()
        and trash.list_trashed_ids() == []
    )


def test_it_removes_nothing_twice(video):
    assert video.remove()
    assert not video.remove()
    assert VideoEvent.objects.filter(public_id=video.video_id).count() == 1


def test_it_leaves_all_as_it_was_when_the_files_cannot_be_moved(video, settings):
    # A file where the trash would be: not even root can move a folder into it.
    (settings.MEDIA_ROOT / trash.TRASH_FOLDER).touch()
    before = VideoEvent.objects.count()
    with pytest.raises(RemovalError, match=r"its files cannot be moved \(File exists\)"):
        video.remove("Deleted by ada")
    assert is_whole(video)
    assert VideoEvent.objects.count() == before


@pytest.fixture
def claim(video):
    """A row of another table that points to the video, which the database notices as late as at the commit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE claims (video_id bigint REFERENCES downloads_video (id) DEFERRABLE INITIALLY DEFERRED)"
        )
        cursor.execute("INSERT INTO claims VALUES (%s)", [video.pk])
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE claims")


@pytest.mark.usefixtures("claim")
def test_it_puts_the_files_back_when_the_database_refuses_to_commit(video, monkeypatch):
    taken = []
    take = trash.move_to_trash
    monkeypatch.setattr(
        trash, "move_to_trash", lambda video_id: (take(video_id), taken.append(folder_of(video).exists()))
    )
    with pytest.raises(RemovalError, match="the database did not take it"):
        video.remove()
    assert taken == [False]
    assert is_whole(video)
    assert trash.list_trashed_ids() == []


@pytest.fixture
def locked(settings):
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


def test_it_tries_again_to_remove_files_that_stay(video, locked, caplog):
    removal._remove_leftover_files("abc")
    assert "Files of abc could not be removed yet: [Errno 13] Permission denied" in caplog.text
    assert trash.list_trashed_ids() == ["abc"]
    os.seteuid(os.getuid())
    locked.chmod(0o700)
    Video.objects.finish_interrupted_removals()
    assert trash.list_trashed_ids() == []
    locked.mkdir(parents=True)


def test_it_removes_row_files_and_history(video):
    before = Video.objects.latest_rev()
    assert video.remove("Deleted by ada")
    assert is_gone(video)
    event = VideoEvent.objects.get(public_id=video.video_id)
    assert (event.reason, event.video) == ("Deleted by ada", None)
    assert Video.objects.latest_rev() == event.pk > before


def test_it_says_so_once_on_the_wire(video, redis_server):
    with redis_server.client() as client, client.pubsub() as ears:
        ears.psubscribe(keys.CHANNEL_PATTERN)
        ears.get_message(timeout=5)
        video.remove()
        heard = ears.get_message(timeout=5)
        assert heard["channel"].decode() == keys.progress_channel(video.video_id)
        assert b'"changed":true' in heard["data"]
        assert ears.get_message(timeout=0.1) is None


def test_it_removes_many_with_their_files(video):
    other = added("b")
    assert Video.objects.all().delete() == (2, {"downloads.Video": 2})
    assert is_gone(video)
    assert is_gone(other)
    assert not hasattr(Video.objects, "delete")


def test_it_takes_the_same_address_again(video):
    video.remove()
    again = added()
    assert again.video_id != video.video_id
    assert again.status == Status.QUEUED


def test_it_leaves_the_entries_of_a_list(video):
    entry = Video.objects.ingest("http://b.example/", "http://b.example/", parent=video)[0]
    assert video.remove()
    entry.refresh_from_db()
    assert entry.parent is None


def test_it_removes_what_attempts_left(video):
    waiting = added("b")
    with workspace.locked_workspace(waiting.video_id) as room:
        (room / "media.mp4.part").touch()
    assert waiting.remove()
    assert workspace.list_ids() == []


def in_a_fork(do) -> int:
    """Do it in a process of its own; return the signal that ended that, 0 for none."""
    connections.close_all()
    child = os.fork()
    if not child:
        try:
            do()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] & 0x7F


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(do):
    return lambda *args, **named: (do(*args, **named), die())


def die_in_the_middle(video_id: str) -> None:
    next((current.MEDIA_ROOT / trash.TRASH_FOLDER / video_id).iterdir()).unlink()
    die()


STEPS = {
    "before anything": (removal, "_remove_row", die, True),
    "the row removed": (removal, "_remove_row", then_die(removal._remove_row), True),
    "before the rename": (trash, "move_to_trash", die, True),
    "the folder renamed": (trash, "move_to_trash", then_die(trash.move_to_trash), True),
    "committed": (publisher, "publish_progress", die, False),
    "before the folder is removed": (trash, "delete_from_trash", die, False),
    "half of the folder removed": (trash, "delete_from_trash", die_in_the_middle, False),
    "before the work folder is removed": (workspace, "remove_workspace", die, False),
}


@pytest.mark.parametrize("step", STEPS)
def test_it_is_there_or_gone_whenever_its_process_is_killed(video, monkeypatch, step):
    where, name, death, stays = STEPS[step]
    monkeypatch.setattr(where, name, death)
    assert in_a_fork(video.remove) == signal.SIGKILL
    monkeypatch.undo()
    Video.objects.finish_interrupted_removals()
    assert is_whole(video) if stays else is_gone(video)
    assert trash.list_trashed_ids() == []
    assert video.remove() == stays


def test_it_waits_for_a_removal_that_is_under_way(video, monkeypatch):
    """Who settles must not put back what another process is about to remove."""
    (heard, say), (listen, go) = os.pipe(), os.pipe()
    take = trash.move_to_trash

    def taking(video_id):
        take(video_id)
        os.write(say, b".")
        os.read(listen, 1)

    monkeypatch.setattr(trash, "move_to_trash", taking)
    remover = threading.Thread(target=in_a_fork, args=(video.remove,))
    remover.start()
    os.read(heard, 1)
    settler = threading.Thread(target=Video.objects.finish_interrupted_removals)
    settler.start()
    settler.join(0.3)
    assert settler.is_alive()
    os.write(go, b".")
    remover.join()
    settler.join()
    assert is_gone(video)


def test_it_ends_broken_removals_before_the_first_page(video, settings):
    trash.move_to_trash(video.video_id)
    settings.DEBUG = True  # no static files to gather
    bootstrap.prepare_all(lambda _: None)
    assert is_whole(video)


def test_it_keeps_what_was_fetched_since(video, monkeypatch):
    monkeypatch.setattr(trash, "move_to_trash", then_die(trash.move_to_trash))
    in_a_fork(video.remove)
    monkeypatch.undo()
    put_files(video)
    Video.objects.finish_interrupted_removals()
    assert is_whole(video)
    assert trash.list_trashed_ids() == []


def at_once(do) -> list:
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


def test_it_is_removed_by_one_of_many(video):
    assert sum(at_once(video.remove)) == 1
    assert is_gone(video)
    assert VideoEvent.objects.filter(public_id=video.video_id).count() == 1


def test_it_is_cancelled_and_retried_by_one_of_many():
    video = added()
    assert sum(at_once(lambda: Video.objects.get(pk=video.pk).cancel())) == 1
    assert sum(at_once(lambda: Video.objects.get(pk=video.pk).retry())) == 1
    video.refresh_from_db()
    assert (video.status, video.attempt, video.events.count()) == (Status.QUEUED, 2, 3)


def test_it_answers_all_who_press_at_once(client):
    client.force_login(get_user_model().objects.create_user("ada"))
    video = added()

    def press(verb: str) -> str:
        own = Client(headers={"HX-Request": "true"})
        own.cookies = client.cookies
        response = own.post(f"/videos/{video.video_id}/{verb}")
        assert response.status_code == 200
        return response.content.decode()

    for verb in ("cancel", "retry", "delete"):
        said = at_once(functools.partial(press, verb))
        assert sum('class="message success"' in words for words in said) == 1
        assert sum('class="message info"' in words for words in said) == 19
    assert is_gone(video)
