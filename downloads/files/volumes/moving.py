"""Moves of files and folders, also from one file system or mount to another.

rename(2) fails with EXDEV between two mounts, also of the same file system, and for a folder of a lower layer of
overlayfs. What is copied then has a temporary name until it is whole and flushed.
"""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

from downloads.files.fsync import fsync_path

COPY_SUFFIX = ".copying"  # of the temporary name of a copy, beside its target


def move_folder(source: Path, target: Path, on_copy: Callable[[], None] = lambda: None) -> None:
    """Move a folder to a path that does not exist; copy it if it cannot be renamed, after calling `on_copy`.

    Raise OSError, and leave the source and no half target, if there is no room for a copy. A process that is killed
    leaves a copy under `copy_path(target)`, which the next move to this target removes.
    """
    remove_path(copy_path(target))
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    else:
        _fsync_parents(source, target)
        return
    on_copy()
    try:
        _copy_folder(source, copy_path(target))
        copy_path(target).rename(target)
    except BaseException:
        shutil.rmtree(copy_path(target), ignore_errors=True)
        raise
    _fsync_parents(target)
    shutil.rmtree(source, ignore_errors=True)


def move_file(source: Path, target: Path) -> Path:
    """Move a file as `move_folder` does, replacing the target; return the target."""
    try:
        return source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
    copy = copy_path(target)
    try:
        _copy_file(source, copy)
        copy.replace(target)
    except BaseException:
        copy.unlink(missing_ok=True)
        raise
    _fsync_parents(target)
    source.unlink(missing_ok=True)
    return target


def copy_path(target: Path) -> Path:
    """Return the temporary name of a copy that becomes `target`."""
    return target.with_name(f"{target.name}{COPY_SUFFIX}")


def remove_path(path: Path) -> None:
    """Remove a file, a link, or a folder with its contents; another process may be removing it too."""
    if path.is_symlink() or not path.is_dir():
        path.unlink(missing_ok=True)
        return
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        # Another process is removing it: remove the rest.
        if path.is_dir():
            shutil.rmtree(path)


def _copy_folder(source: Path, target: Path) -> None:
    target.mkdir()
    for path in source.iterdir():
        if path.is_dir() and not path.is_symlink():
            _copy_folder(path, target / path.name)
        else:
            _copy_file(path, target / path.name)
    fsync_path(target)


def _copy_file(source: Path, target: Path) -> None:
    # Without modes and times where the file system does not keep them (vfat, many shares).
    shutil.copyfile(source, target, follow_symlinks=False)
    if not target.is_symlink():
        fsync_path(target)


def _fsync_parents(*paths: Path) -> None:
    for parent in {path.parent for path in paths}:
        fsync_path(parent)


def can_rename(source_folder: Path, target_folder: Path, name: str) -> bool:
    """Tell by a trial whether files can be renamed from one folder to the other; raise OSError if neither works."""
    source, target = source_folder / name, target_folder / name
    source.touch()
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    finally:
        source.unlink(missing_ok=True)
        target.unlink(missing_ok=True)
    return True
