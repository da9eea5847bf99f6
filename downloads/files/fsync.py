"""Flushing of files and folders to the disk."""

import os
import tempfile
from pathlib import Path


def fsync_path(path: Path) -> int:
    """Flush a file, or the names in a folder, to the disk; return the size that is flushed at least, in bytes.

    fsync(2): a new or renamed file survives a power cut only when its folder is flushed as well.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return size


def replace_file(path: Path, content: bytes) -> None:
    """Write a file as a whole: a reader, also one after a power cut, gets the old content or the new.

    Everybody may read it, such as a worker of another user than the one who ran a command.
    """
    descriptor, temporary_name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    temporary_path = Path(temporary_name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        temporary_path.replace(path)
    finally:
        temporary_path.unlink(missing_ok=True)
    fsync_path(path.parent)
