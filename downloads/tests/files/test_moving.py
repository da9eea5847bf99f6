"""Moves of folders and files between mounts and file systems."""

import errno
import os
import shutil

import pytest

from downloads.files import media_folder, trash
from downloads.files.volumes import moving
from downloads.tests.support.mounts import bind_mounted, small_disk


@pytest.fixture(params=["same file system", "another mount of it", "another file system"])
def folders(request, tmp_path):
    """A source folder with files, and the folder to move it to."""
    source, target = tmp_path / "work" / "ready", tmp_path / "media"
    (source / "inner").mkdir(parents=True)
    target.mkdir()
    (source / "film.mp4").write_bytes(b"film")
    (source / "inner" / "picture.jpg").write_bytes(b"picture")
    if request.param == "same file system":
        yield source, target / "abc"
        return
    mount = bind_mounted(target) if request.param == "another mount of it" else small_disk(target, "1m")
    with mount:
        assert not moving.can_rename(source, target, "trial")
        yield source, target / "abc"


def test_it_moves_a_folder_as_one(folders):
    source, target = folders
    (target.parent / f"abc{moving.COPY_SUFFIX}").mkdir()  # of a process that was killed
    moving.move_folder(source, target)
    assert not source.exists()
    assert (target / "film.mp4").read_bytes() == b"film"
    assert (target / "inner" / "picture.jpg").read_bytes() == b"picture"
    assert [path.name for path in target.parent.iterdir()] == ["abc"]


def test_it_moves_a_file_over_another(folders):
    source, target = folders
    target.write_bytes(b"old")
    moving.move_file(source / "film.mp4", target)
    assert target.read_bytes() == b"film"
    assert not (source / "film.mp4").exists()
    assert [path.name for path in target.parent.iterdir()] == ["abc"]


@pytest.fixture
def full_disk(tmp_path):
    """A folder of 3 MB, and a disk with less room."""
    source, target = tmp_path / "ready", tmp_path / "media"
    source.mkdir()
    target.mkdir()
    (source / "a.mp4").write_bytes(os.urandom(1_000_000))
    (source / "b.mp4").write_bytes(os.urandom(2_000_000))
    with small_disk(target, "2m"):
        yield source, target


def test_a_full_disk_keeps_the_source_and_no_half_copy(full_disk):
    source, target = full_disk
    with pytest.raises(OSError, match="No space left") as caught:
        moving.move_folder(source, target / "abc")
    assert caught.value.errno == errno.ENOSPC
    assert list(target.iterdir()) == []
    assert sorted(path.name for path in source.iterdir()) == ["a.mp4", "b.mp4"]
    with pytest.raises(OSError, match="No space left"):
        moving.move_file(source / "b.mp4", target / "c") and moving.move_file(source / "a.mp4", target / "d")
    assert not list(target.glob(f"*{moving.COPY_SUFFIX}"))


def test_a_copy_that_was_killed_is_swept(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    for name in (f"abc{moving.COPY_SUFFIX}", f".incoming/abc{moving.COPY_SUFFIX}", ".incoming/abc"):
        (tmp_path / name).mkdir(parents=True)
    assert media_folder.list_incoming_ids() == media_folder.list_copied_ids() == ["abc"]
    media_folder.remove_incoming("abc")
    assert list((tmp_path / ".incoming").iterdir()) == media_folder.list_copied_ids() == []


@pytest.fixture(params=["same file system", "another mount of it", "another file system"])
def trash_folder(request, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    folder = settings.MEDIA_ROOT / trash.TRASH_FOLDER
    folder.mkdir(parents=True)
    (settings.MEDIA_ROOT / "abc").mkdir()
    (settings.MEDIA_ROOT / "abc" / "film.mp4").write_bytes(b"film")
    mounts = {
        "another mount of it": lambda: bind_mounted(folder),
        "another file system": lambda: small_disk(folder, "1m"),
    }
    if request.param not in mounts:
        yield folder
        return
    with mounts[request.param]():
        yield folder


def test_what_is_trashed_can_be_restored(trash_folder, settings):
    trash.move_to_trash("abc")
    assert trash.list_trashed_ids() == ["abc"]
    trash.restore_from_trash("abc")
    assert trash.list_trashed_ids() == []
    assert (settings.MEDIA_ROOT / "abc" / "film.mp4").read_bytes() == b"film"


def test_what_is_trashed_can_be_deleted(trash_folder, settings):
    trash.move_to_trash("abc")
    trash.delete_from_trash("abc")
    assert trash.list_trashed_ids() == []
    assert not (settings.MEDIA_ROOT / "abc").exists()


def test_a_folder_that_cannot_be_renamed_is_exchanged_all_the_same(settings, tmp_path, monkeypatch):
    """As for a folder in a lower layer of overlayfs, for which rename(2) gives EXDEV."""
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "abc").mkdir()
    (tmp_path / "abc" / "old.mp4").touch()
    (tmp_path / ".incoming" / "abc").mkdir(parents=True)
    (tmp_path / ".incoming" / "abc" / "new.mp4").touch()
    rename = type(tmp_path).rename

    def refuse_lower_layer(path, target):
        if (path / "old.mp4").exists() and not path.name.endswith(moving.COPY_SUFFIX):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return rename(path, target)

    monkeypatch.setattr(type(tmp_path), "rename", refuse_lower_layer)
    monkeypatch.setattr(media_folder, "_exchange_folders", lambda first, second: False)
    media_folder.install(tmp_path / ".incoming" / "abc", "abc")
    assert [path.name for path in (tmp_path / "abc").iterdir()] == ["new.mp4"]
    media_folder.remove_replaced(tmp_path / ".incoming" / "abc")
    assert list((tmp_path / ".incoming").iterdir()) == []
    shutil.rmtree(tmp_path / ".incoming")
