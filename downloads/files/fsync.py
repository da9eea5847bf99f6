"""Flushing of files and folders to the disk."""

import os
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
