"""Permissions of the data folder: another user of the machine reads nothing, except videos where that is chosen."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from ytarchive import data_permissions

OTHER_USER = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
# What an archive of before has, as umask 022 made it.
OLD_FILES = (
    "db.sqlite3",
    "db.sqlite3-wal",
    "secret_key",
    "up.lock",
    "before-upgrade.sqlite3",
    "archive.log",
    "redis/server.log",
    "redis/appendonlydir/appendonly.aof.1.incr.aof",
    "work/abc/video.mp4.part",
    "cache/thumbnails/a.jpg",
    "yt-dlp/installed.json",
    "media/abc/video.mp4",
    "media/.trash/old/video.mp4",
)

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can try it as another user")


@pytest.fixture
def parent() -> Iterator[Path]:
    """A folder that everybody may enter; pytest's own are closed to other users."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def old_data(parent: Path) -> Path:
    data = parent / "data"
    for name in OLD_FILES:
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("secret")
    open_to_all(data)
    return data


def open_to_all(folder: Path) -> None:
    folder.chmod(0o755)
    for path in folder.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def others_can_read(folder: Path, user: tuple[str, ...] = ()) -> set[str]:
    """Return the files that another user can read: of each known path, whether or not its folder can be listed."""
    paths = [str(path) for path in folder.rglob("*") if path.is_file()]
    program = "import os, sys; print(*[path for path in sys.argv[1:] if os.access(path, os.R_OK)], sep='\\n')"
    output = subprocess.check_output([*(user or OTHER_USER), sys.executable, "-c", program, *paths], text=True)
    return {os.path.relpath(path, folder) for path in output.split("\n") if path}


@as_root
def test_another_user_reads_nothing_of_an_archive_from_before(old_data: Path, caplog) -> None:
    assert others_can_read(old_data) == set(OLD_FILES)

    data_permissions.restrict_data_folder(old_data, "owner")

    assert others_can_read(old_data) == set()
    assert data_permissions.find_exposed(old_data, "owner") == ""
    data_permissions.restrict_data_folder(old_data, "owner")
    assert caplog.text.count("Other users of this machine could read the data folder") == 1


def test_it_closes_each_file_with_secrets_and_each_folder(old_data: Path) -> None:
    data_permissions.restrict_data_folder(old_data, "owner")

    open_paths = [str(path) for path in (old_data, *old_data.rglob("*")) if mode(path) & 0o077]
    assert open_paths == []


@pytest.mark.parametrize("name", ["db.sqlite3", "secret_key", "before-upgrade.sqlite3"])
def test_it_closes_a_file_that_was_put_into_a_closed_folder(old_data: Path, name: str) -> None:
    data_permissions.restrict_data_folder(old_data, "owner")
    (old_data / name).chmod(0o644)  # such as a database that was copied back

    data_permissions.restrict_data_folder(old_data, "owner")

    assert mode(old_data / name) == 0o600


@as_root
@pytest.mark.parametrize(("readers", "group", "is_readable"), [
    ("owner", "0", False),
    ("group", "65534", False),
    ("group", "0", True),
    ("everyone", "65534", True),
])  # fmt: skip
def test_it_lets_others_read_finished_videos_only(old_data: Path, readers: str, group: str, is_readable: bool) -> None:
    user = ("setpriv", "--reuid", "65534", "--regid", group, "--clear-groups")

    data_permissions.restrict_data_folder(old_data, readers)

    assert others_can_read(old_data, user) == ({"media/abc/video.mp4"} if is_readable else set())
    assert data_permissions.find_exposed(old_data, readers) == ""


def test_a_choice_can_be_taken_back(old_data: Path) -> None:
    for readers, expected in (("everyone", 0o644), ("group", 0o640), ("owner", 0o600)):
        data_permissions.restrict_data_folder(old_data, readers)
        assert mode(old_data / "media/abc/video.mp4") == expected


def test_the_group_of_a_folder_stays_that_of_new_files(old_data: Path) -> None:
    (old_data / "media").chmod(0o2755)

    data_permissions.restrict_data_folder(old_data, "group")

    assert (old_data / "media").stat().st_mode & 0o7777 == 0o2750


# Places that are not the archive's alone ------------------------------------------------------------


def test_it_changes_nothing_else_in_the_folder(old_data: Path) -> None:
    for name in (".venv/bin/python", "notes.txt", "src/manage.py"):
        (old_data / name).parent.mkdir(parents=True, exist_ok=True)
        (old_data / name).touch(0o644)
        (old_data / name).chmod(0o644)
    (old_data / ".venv").chmod(0o755)

    data_permissions.restrict_data_folder(old_data, "owner")

    assert mode(old_data / ".venv") == 0o755
    assert {mode(old_data / name) for name in (".venv/bin/python", "notes.txt", "src/manage.py")} == {0o644}


@as_root
def test_it_leaves_a_temporary_folder_of_all_users_open(old_data: Path, caplog) -> None:
    old_data.chmod(0o1777)

    data_permissions.restrict_data_folder(old_data, "owner")

    assert old_data.stat().st_mode & 0o7777 == 0o1777
    assert others_can_read(old_data) == set(), "what is in it is closed all the same"


def test_it_follows_a_link_to_a_media_folder_no_farther_than_that_folder(old_data: Path) -> None:
    elsewhere = old_data.parent / "videos"
    (old_data / "media").rename(elsewhere)
    (old_data / "media").symlink_to(elsewhere)

    data_permissions.restrict_data_folder(old_data, "owner")

    assert mode(elsewhere) == 0o700
    assert mode(elsewhere / "abc") == 0o755


def test_it_follows_no_link_to_a_file(old_data: Path) -> None:
    target = old_data.parent / "hosts"
    target.touch(0o644)
    target.chmod(0o644)
    (old_data / "work" / "link").symlink_to(target)
    (old_data / "hosts.log").symlink_to(target)

    data_permissions.restrict_data_folder(old_data, "owner")

    assert mode(target) == 0o644


# What cannot be changed ------------------------------------------------------------------------------


@as_root
def test_it_says_that_the_folder_of_another_user_is_open(old_data: Path, caplog) -> None:
    os.chown(old_data, 1234, 1234)

    data_permissions.restrict_data_folder(old_data, "owner")

    assert mode(old_data) == 0o755
    assert "belongs to another user (number 1234)" in data_permissions.find_exposed(old_data, "owner")


@pytest.mark.parametrize("error", [PermissionError(1, "Operation not permitted"), OSError(30, "Read-only file system")])
def test_a_file_system_without_permissions_is_told_and_not_fatal(
    old_data: Path, error: OSError, monkeypatch, caplog
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(Path, "chmod", refuse)

    data_permissions.restrict_data_folder(old_data, "owner")

    assert caplog.text == ""
    assert "keeps no permissions" in data_permissions.find_exposed(old_data, "owner")


def test_modes_that_a_file_system_ignores_are_no_change(old_data: Path, monkeypatch, caplog) -> None:
    monkeypatch.setattr(Path, "chmod", lambda *_, **__: None)  # as vfat mounted with `quiet`

    data_permissions.restrict_data_folder(old_data, "owner")

    assert caplog.text == ""


# Processes -------------------------------------------------------------------------------------------


@as_root
def test_a_command_alone_opens_nothing_to_others(parent: Path) -> None:
    """The archive's files as a command makes them under the usual umask: the database, the key, the folders."""
    data = parent / "data"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("YTARCHIVE_", "DJANGO_"))}

    result = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "migrate", "contenttypes"],
        env=env | {"YTARCHIVE_DATA": str(data), "DJANGO_SUPERUSER_PASSWORD": "x"},
        umask=0o022,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "Other users" not in result.stdout + result.stderr
    assert [str(path) for path in (data, *data.rglob("*")) if mode(path) & 0o077] == []
    assert others_can_read(data) == set()
    assert (data / "db.sqlite3").exists()


@as_root
def test_files_of_a_visiting_root_stay_usable_for_the_owner(parent: Path) -> None:
    os.chown(parent, 1234, 1234)
    umask = os.umask(0)
    try:
        data_permissions.set_umask(parent)
        assert os.umask(0) == data_permissions.READABLE_UMASK
    finally:
        os.umask(umask)


def test_tests_and_commands_run_with_the_private_umask() -> None:
    umask = os.umask(0)
    os.umask(umask)
    assert umask == data_permissions.PRIVATE_UMASK
