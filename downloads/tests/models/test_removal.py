"""Removal of a video's row together with its files, or of neither."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from django.db import connection

from downloads.files import trash, workspace
from downloads.models import Status, Video, VideoEvent, removal
from downloads.models.removal import RemovalError
from downloads.progress import keys
from downloads.tests.support.factories import waiting
from downloads.tests.support.removal import is_gone, is_intact, media_folder

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


def test_it_removes_nothing_twice(video_with_files):
    assert video_with_files.remove()
    assert not video_with_files.remove()
    assert VideoEvent.objects.filter(public_id=video_with_files.video_id).count() == 1


def test_it_leaves_all_as_it_was_when_the_files_cannot_be_moved(video_with_files, settings):
    # A file in the place of the trash folder: not even root can move a folder into it.
    (settings.MEDIA_ROOT / trash.TRASH_FOLDER).touch()
    before = VideoEvent.objects.count()
    with pytest.raises(RemovalError, match=r"its files cannot be moved \(File exists\)"):
        video_with_files.remove("Deleted by ada")
    assert is_intact(video_with_files)
    assert VideoEvent.objects.count() == before


@pytest.fixture
def blocking_foreign_key(video_with_files):
    """A row of another table that refers to the video, which the database checks only at the commit."""
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
    """A folder whose files cannot be removed; if the tests run as root, the effective user is changed to nobody."""
    settings.MEDIA_ROOT = Path(tempfile.mkdtemp())
    folder = settings.MEDIA_ROOT / trash.TRASH_FOLDER / "abc" / "locked"
    folder.mkdir(parents=True)
    (folder / "file").touch()
    folder.chmod(0o500)
    for parent in (settings.MEDIA_ROOT, folder.parent.parent, folder.parent):
        parent.chmod(0o755)  # whatever the umask is
    user_id = os.geteuid()
    if not user_id:
        os.seteuid(65534)
    yield folder
    os.seteuid(user_id)
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
    with redis_server.client() as client, client.pubsub() as subscription:
        subscription.psubscribe(keys.CHANNEL_PATTERN)
        subscription.get_message(timeout=5)
        video_with_files.remove()
        published = subscription.get_message(timeout=5)
        assert published["channel"].decode() == keys.progress_channel(video_with_files.video_id)
        assert b'"changed":true' in published["data"]
        assert subscription.get_message(timeout=0.1) is None


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
    with workspace.locked_workspace(other.video_id) as folder:
        (folder / "media.mp4.part").touch()
    assert other.remove()
    assert workspace.list_ids() == []
