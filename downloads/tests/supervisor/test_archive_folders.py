"""A start with a database and folders that do not belong together."""

import pytest
from django.db import connection

from downloads.files.volumes.archive_marker import MARKER_FILE, read_marker, write_marker
from downloads.models import ArchiveIdentity, Status, Video
from downloads.tests.support.mounts import bind_mounted
from downloads.tests.support.processes import run_refused
from ytarchive import data_folder
from ytarchive.supervisor import archive_folders, bootstrap
from ytarchive.supervisor.archive_folders import WrongFolders
from ytarchive.supervisor.startup import StartupError

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    """A data folder and a media folder; the database is that of the tests."""
    settings.DATA, settings.MEDIA_ROOT = tmp_path, tmp_path / "media"
    settings.DEBUG = True  # skips the collection of static files
    settings.MEDIA_ROOT.mkdir()


def put_video(settings, name="abc"):
    (settings.MEDIA_ROOT / name).mkdir()
    (settings.MEDIA_ROOT / name / "film.mp4").touch()


def add_complete(name="abc"):
    return Video.objects.create(
        video_id=name, url="http://a/", canonical_url="http://a/", status=Status.COMPLETE, media_file=f"{name}/film.mp4"
    )


# Refused ------------------------------------------------------------------------------------------


def test_it_refuses_an_empty_database_beside_a_full_media_folder(settings):
    put_video(settings)
    with pytest.raises(WrongFolders, match=r"empty or missing, but .*media holds the files of 1 video:.*adopt-folders"):
        archive_folders.require_own_folders()


@pytest.mark.parametrize("folder", ["DATA", "MEDIA_ROOT"])
def test_it_refuses_an_empty_database_beside_folders_that_had_one(settings, folder):
    write_marker(getattr(settings, folder), "one")
    with pytest.raises(WrongFolders, match=rf"has the {MARKER_FILE} of an archive"):
        archive_folders.require_own_folders()


@pytest.mark.parametrize("content", [None, b""], ids=["missing", "0 bytes"])
def test_it_refuses_a_database_file_that_is_lost(settings, tmp_path, monkeypatch, content):
    put_video(settings)
    database = tmp_path / "db.sqlite3"
    if content is not None:
        database.write_bytes(content)
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", database)
    with pytest.raises(WrongFolders, match=r"db\.sqlite3\) is empty or missing"):
        archive_folders.require_own_folders()
    assert not database.exists() or not database.stat().st_size


def test_it_refuses_a_media_folder_that_is_not_mounted(settings, tmp_path):
    put_video(settings)
    add_complete()
    bootstrap.prepare_all(lambda _: None)
    (tmp_path / "empty").mkdir()
    with bind_mounted(settings.MEDIA_ROOT, tmp_path / "empty"):
        with pytest.raises(StartupError, match=r"Is its disk mounted\?"):
            bootstrap.prepare_all(lambda _: None)
        assert list(settings.MEDIA_ROOT.iterdir()) == []
    bootstrap.prepare_all(lambda _: None)


@pytest.mark.parametrize("folder", ["DATA", "MEDIA_ROOT"])
def test_it_refuses_a_folder_of_another_archive(settings, folder):
    bootstrap.prepare_all(lambda _: None)
    write_marker(getattr(settings, folder), "of another one")
    with pytest.raises(WrongFolders, match="belongs to another archive"):
        archive_folders.require_own_folders()


def test_it_refuses_to_upgrade_while_the_disk_is_not_mounted(settings):
    """A database of a version without ids, whose videos are on a disk that is not there."""
    add_complete()
    with pytest.raises(WrongFolders, match=r"has none of their folders: is its disk mounted"):
        archive_folders.require_own_folders()
    assert not ArchiveIdentity.objects.exists()


def test_it_refuses_a_restored_database_beside_other_files(settings):
    add_complete()
    put_video(settings, "other")
    write_marker(settings.MEDIA_ROOT, "one")
    with pytest.raises(WrongFolders, match="has none of their folders"):
        archive_folders.require_own_folders()


# Accepted -------------------------------------------------------------------------------------------


def test_a_new_archive_marks_its_folders_and_says_so(settings):
    for name in ("lost+found", ".Trash-0", "@eaDir", "System Volume Information"):  # of a disk, not of a video
        (settings.MEDIA_ROOT / name).mkdir()
        (settings.MEDIA_ROOT / name / "file").touch()
    lines = []
    bootstrap.prepare_all(lines.append)
    archive_id = ArchiveIdentity.get_marked_id()
    assert len(archive_id) == 36
    assert read_marker(settings.DATA) == read_marker(settings.MEDIA_ROOT) == archive_id
    assert any(line.startswith(f"This is a new archive, in {settings.DATA}.") for line in lines)
    lines.clear()
    bootstrap.prepare_all(lines.append)
    assert lines == []
    assert ArchiveIdentity.get_marked_id() == archive_id


def test_an_upgrade_marks_the_folders_once(settings):
    put_video(settings)
    add_complete()
    bootstrap.prepare_all(lambda _: None)
    assert read_marker(settings.MEDIA_ROOT) == ArchiveIdentity.get_marked_id() != ""


def test_a_start_that_was_killed_before_the_markers_goes_on(settings):
    put_video(settings)
    add_complete()
    ArchiveIdentity.objects.create(pk=1, archive_id="one")
    bootstrap.prepare_all(lambda _: None)
    assert read_marker(settings.MEDIA_ROOT) == read_marker(settings.DATA) == ArchiveIdentity.get_marked_id() == "one"


def test_an_older_backup_takes_over_the_id_of_its_files(settings):
    put_video(settings)
    add_complete()
    write_marker(settings.MEDIA_ROOT, "one")
    bootstrap.prepare_all(lambda _: None)
    assert ArchiveIdentity.get_marked_id() == "one"


def test_another_machine_joins_with_its_own_data_folder(settings, tmp_path):
    bootstrap.prepare_all(lambda _: None)
    settings.DATA = tmp_path / "other machine"
    settings.DATA.mkdir()
    bootstrap.prepare_all(lambda _: None)
    assert read_marker(settings.DATA) == ArchiveIdentity.get_marked_id()


def test_folders_can_be_adopted_on_purpose(settings):
    put_video(settings)
    write_marker(settings.MEDIA_ROOT, "of another one")
    archive_id = archive_folders.adopt_folders()
    bootstrap.prepare_all(lambda _: None)
    assert read_marker(settings.DATA) == read_marker(settings.MEDIA_ROOT) == archive_id
    assert (settings.MEDIA_ROOT / "abc" / "film.mp4").exists()


def test_a_database_of_an_older_version_can_be_read():
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE downloads_archiveidentity RENAME TO hidden_identity")
    try:
        assert archive_folders.read_database() == archive_folders.DatabaseContents()
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE hidden_identity RENAME TO downloads_archiveidentity")


@pytest.mark.processes
def test_up_stops_before_anything_is_created(tmp_path):
    media = tmp_path / "archive" / "media"
    (media / "abc").mkdir(parents=True)
    (media / "abc" / "film.mp4").touch()
    message = run_refused("up", "--port", "0", YTARCHIVE_DATA=str(media.parent))
    assert "db.sqlite3) is empty or missing" in message
    assert "adopt-folders" in message
    assert not (media.parent / "db.sqlite3").exists()
    assert [path.name for path in media.iterdir()] == ["abc"]


def test_a_link_to_a_disk_that_is_not_mounted_is_named(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "media").symlink_to(tmp_path / "disk")
    with pytest.raises(data_folder.DataFolderError, match="which is not there: is its disk mounted"):
        data_folder.create_data_folder(tmp_path / "data")
