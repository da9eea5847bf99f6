"""The data folder, the only folder that ytarchive writes to."""

import contextlib
import logging
import os
import secrets
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

logger = logging.getLogger(__name__)

SUBFOLDERS = ("media", "work", "static", "cache", "redis")
RECREATED_SUBFOLDERS = ("static", "cache", "redis")  # nothing in them has to last
# sun_path holds 107 bytes and a NUL (unix(7)); the margin leaves room for temporary names beside it.
MAX_SOCKET_PATH_BYTES = 100
NEW_KEY_HINT = "Remove it, and a new key is made: everybody signs in again."


class DataFolderError(Exception):
    """The data folder cannot be used; the message says why and what to do."""


def create_data_folder(folder: Path) -> None:
    """Create the data folder and its subfolders; raise DataFolderError if it is not writable."""
    try:
        for name in SUBFOLDERS:
            _rename_obstructing_file(folder / name)
            (folder / name).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DataFolderError(
            f"The data folder {folder} cannot be written to ({error.strerror}). "
            "Give YTARCHIVE_DATA a folder that you own."
        ) from error


def _rename_obstructing_file(path: Path) -> None:
    """Rename a file in the place of a folder whose files need not last; raise DataFolderError for another one, and
    for a link to a folder that is not there, such as one on a disk that is not mounted.
    """
    if path.is_symlink() and not path.exists():
        raise DataFolderError(f"{path} is a link to {path.readlink()}, which is not there: is its disk mounted?")
    if path.is_dir() or not path.exists():
        return
    if path.name not in RECREATED_SUBFOLDERS:
        raise DataFolderError(f"{path} has to be a folder, and is a file: move it away.")
    new_path = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
    with contextlib.suppress(FileNotFoundError):  # another process was first
        path.rename(new_path)
        logger.warning("%s was a file: it is %s now, and the folder was created anew.", path, new_path.name)


def load_secret_key(folder: Path) -> str:
    """Return the installation's secret key, creating it (mode 0600) the first time; raise DataFolderError."""
    path = folder / "secret_key"
    try:
        key = _read_or_create(path, lambda: secrets.token_urlsafe(50))
    except (OSError, UnicodeDecodeError) as error:
        raise DataFolderError(f"The secret key in {path} cannot be read ({error}). {NEW_KEY_HINT}") from error
    if not key:
        raise DataFolderError(f"The file {path} is empty, and should hold the secret key. {NEW_KEY_HINT}")
    return key


def redis_socket_path(folder: Path) -> Path:
    """Return the path of the embedded server's socket.

    It is in the data folder or, if that path is too long, in a 0700 folder of the system's temporary directory,
    which the file `redis/socket` names.
    """
    path = folder / "redis" / "redis.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES:
        return path
    pointer = folder / "redis" / "socket"
    path = Path(_read_or_create(pointer, _make_short_socket_path))
    if not path.is_absolute() or not _is_own_private_folder(path.parent):
        # The temporary directory was emptied, or another user has created a folder of that name.
        pointer.unlink(missing_ok=True)
        path = Path(_read_or_create(pointer, _make_short_socket_path))
    return path


def _make_short_socket_path() -> str:
    return str(Path(tempfile.mkdtemp(prefix="ytarchive-")) / "redis.sock")


def _is_own_private_folder(folder: Path) -> bool:
    try:
        stat = folder.lstat()
    except FileNotFoundError:
        return False
    return folder.is_dir() and stat.st_uid == os.getuid() and stat.st_mode & 0o777 == 0o700


def _read_or_create(path: Path, make_text: Callable[[], str]) -> str:
    """Return the file's text, creating it (mode 0600) if it is missing; safe to call in several processes at once."""
    if not path.exists():
        fd, temporary_name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
        with os.fdopen(fd, "w", encoding="utf-8") as file:
            file.write(make_text())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary_name, path)
        except FileExistsError:
            pass  # another process was first; its text is used
        finally:
            Path(temporary_name).unlink()
    return path.read_text(encoding="utf-8").strip()
