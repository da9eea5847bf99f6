"""Looks at the folders for work and media: can they be read and written, and is there room."""

import errno
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from downloads.files.fsync import fsync_path
from downloads.files.volumes import archive_marker
from downloads.files.volumes.errors import StorageError, build_sentence, describe_os_error

PROBE_PREFIX = ".probe-"
PROBE_BYTES = 4096
MEDIA_LABEL, WORK_LABEL, DATA_LABEL = "media folder (data/media)", "work folder (data/work)", "data folder"
HANGING_SENTENCE = build_sentence("disk of the data folder, or of data/media,", "does not answer")


def labelled_folders() -> dict[str, Path]:
    """Return the folders that a download needs, by their names for people."""
    return {WORK_LABEL: Path(settings.WORK_ROOT), MEDIA_LABEL: Path(settings.MEDIA_ROOT)}


def find_problem(archive_id: str, *, is_written: bool = True) -> str:
    """Return a sentence about the first folder that cannot be used or is the wrong one; "" if all is well.

    With `is_written` a file is written, flushed, renamed, read and removed in each; without it, which wakes no disk
    that sleeps, only what the system knows is asked. Blocks as long as a file system hangs.
    """
    for label, folder in labelled_folders().items():
        try:
            _check_folder(label, folder, archive_id, is_written=is_written)
        except OSError as error:
            return describe_os_error(error, label)
    return describe_shortage()


def find_media_fault(archive_id: str, *, is_written: bool) -> str:
    """Return a sentence if the media folder cannot be used or is the wrong one, "" otherwise; room does not count."""
    folder = Path(settings.MEDIA_ROOT)
    try:
        _check_folder(MEDIA_LABEL, folder, archive_id, is_written=is_written)
    except OSError as error:
        return describe_os_error(error, MEDIA_LABEL)
    return ""


def _check_folder(label: str, folder: Path, archive_id: str, *, is_written: bool) -> None:
    check_access(folder)
    if label == MEDIA_LABEL:
        archive_marker.require_marker(folder, archive_id, label)
    if is_written:
        write_probe(folder)


def check_access(folder: Path) -> None:
    """Raise OSError unless a folder is there and may be written to, as far as the system tells without a write."""
    flags = os.statvfs(folder).f_flag
    if not folder.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    if flags & os.ST_RDONLY:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def write_probe(folder: Path) -> None:
    """Write, flush, rename, read and remove a file in a folder; raise OSError where that is not possible."""
    path = folder / probe_name()
    renamed = path.with_name(f"{path.name}.renamed")
    content = os.urandom(PROBE_BYTES)
    try:
        path.write_bytes(content)
        fsync_path(path)
        path.replace(renamed)
        fsync_path(folder)
        if renamed.read_bytes() != content:
            raise StorageError(build_sentence(f"folder {folder.name}", "gives back other bytes than were written"))
    finally:
        path.unlink(missing_ok=True)
        renamed.unlink(missing_ok=True)


def probe_name() -> str:
    """Return the name of this process' probes; none of another machine has it."""
    return f"{PROBE_PREFIX}{socket.gethostname()}-{os.getpid()}"


def list_probes() -> Iterator[Path]:
    """Yield the probes in the folders, of processes that run and of those that were killed."""
    for folder in labelled_folders().values():
        yield from folder.glob(f"{PROBE_PREFIX}*")


def describe_shortage() -> str:
    """Return a sentence if there is less room than MIN_FREE_BYTES on a disk; "" otherwise."""
    try:
        free_bytes = min(shutil.disk_usage(root).free for root in labelled_folders().values())
    except OSError as error:
        return describe_os_error(error, DATA_LABEL)
    if free_bytes >= settings.MIN_FREE_BYTES:
        return ""
    free, reserved = f"{free_bytes / 1e6:.0f} MB", f"{settings.MIN_FREE_BYTES / 1e6:g} MB"
    return f"The disk is nearly full ({free} left, {reserved} are kept free). Nothing new starts."
