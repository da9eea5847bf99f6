"""Creation of the data folder and its secret key, and refusals with a reason."""

import os
import stat
from pathlib import Path

import pytest

from ytarchive import data_folder


def file_mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_creates_its_folders(tmp_path: Path) -> None:
    data_folder.create_data_folder(tmp_path / "a" / "b")

    assert {path.name for path in (tmp_path / "a" / "b").iterdir()} == set(data_folder.SUBFOLDERS)


def test_it_refuses_a_folder_under_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(data_folder.DataFolderError, match=r"cannot be written to.*YTARCHIVE_DATA"):
        data_folder.create_data_folder(tmp_path / "file" / "data")


@pytest.mark.parametrize("name", ["redis", "cache"])
def test_it_sets_a_file_aside_where_nothing_has_to_last(tmp_path: Path, name: str, caplog) -> None:
    (tmp_path / name).write_text("no folder")

    data_folder.create_data_folder(tmp_path)

    assert (tmp_path / name).is_dir()
    (moved,) = tmp_path.glob(f"{name}.damaged-*")
    assert moved.read_text() == "no folder"
    assert f"it is {moved.name} now" in caplog.text


@pytest.mark.parametrize("name", ["media", "work"])
def test_it_refuses_a_file_in_the_place_of_what_has_to_last(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()

    with pytest.raises(data_folder.DataFolderError, match=rf"/{name} has to be a folder, and is a file: move it away"):
        data_folder.create_data_folder(tmp_path)


def test_it_keeps_one_secret_key_for_its_owner(tmp_path: Path) -> None:
    key = data_folder.load_secret_key(tmp_path)

    assert len(key) >= 50
    assert data_folder.load_secret_key(tmp_path) == key
    assert file_mode(tmp_path / "secret_key") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]


def test_it_makes_another_key_for_another_folder(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()

    assert data_folder.load_secret_key(tmp_path) != data_folder.load_secret_key(tmp_path / "other")


@pytest.mark.parametrize(("content", "message"), [
    (b"", "is empty, and should hold the secret key"),
    (b" \n", "is empty, and should hold the secret key"),
    (b"\xff\xfe", "cannot be read"),
])  # fmt: skip
def test_it_says_how_to_replace_an_invalid_secret_key(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "secret_key").write_bytes(content)

    with pytest.raises(data_folder.DataFolderError, match=f"{message}.*a new key is made"):
        data_folder.load_secret_key(tmp_path)
    (tmp_path / "secret_key").unlink()
    assert data_folder.load_secret_key(tmp_path)


def test_it_keeps_the_key_of_the_first_of_two_processes(tmp_path: Path) -> None:
    def create_too_late() -> str:
        data_folder._read_or_create(tmp_path / "key", lambda: "first")  # another process, in the meantime
        return "second"

    assert data_folder._read_or_create(tmp_path / "key", create_too_late) == "first"
    assert len(list(tmp_path.iterdir())) == 1


def test_it_puts_the_socket_into_the_folder(tmp_path: Path) -> None:
    data_folder.create_data_folder(short := Path(os.path.realpath(tmp_path)))
    expected = short / "redis" / "redis.sock"
    assert len(os.fsencode(expected)) <= data_folder.MAX_SOCKET_PATH_BYTES

    assert data_folder.redis_socket_path(short) == expected


@pytest.fixture
def folder_with_long_path(tmp_path: Path) -> Path:
    folder = tmp_path / ("ä" * 60)
    data_folder.create_data_folder(folder)
    return folder


def test_it_puts_the_socket_near_a_folder_with_a_long_name(folder_with_long_path: Path) -> None:
    path = data_folder.redis_socket_path(folder_with_long_path)

    assert len(os.fsencode(path)) <= data_folder.MAX_SOCKET_PATH_BYTES
    assert file_mode(path.parent) == 0o700
    assert (folder_with_long_path / "redis" / "socket").read_text() == str(path)
    assert data_folder.redis_socket_path(folder_with_long_path) == path
    path.parent.rmdir()


@pytest.mark.parametrize("spoil", [
    lambda folder: folder.rmdir(),
    lambda folder: folder.chmod(0o755),
    lambda folder: (folder.rmdir(), folder.symlink_to("/tmp")),
])  # fmt: skip
def test_it_finds_another_place_when_that_one_is_not_its_own_any_more(folder_with_long_path: Path, spoil) -> None:
    first = data_folder.redis_socket_path(folder_with_long_path)
    spoil(first.parent)

    second = data_folder.redis_socket_path(folder_with_long_path)

    assert second.parent != first.parent
    assert file_mode(second.parent) == 0o700
    second.parent.rmdir()
    if first.parent.is_symlink():
        first.parent.unlink()
    elif first.parent.exists():
        first.parent.rmdir()
