"""Real mounts for tests: small disks, and one file system at two places, unmounted with the test."""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


def _mount(*arguments: str) -> None:
    result = subprocess.run(["mount", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        # Not even with CI=true: it is the kernel that forbids it, and nothing can be installed.
        pytest.skip(f"nothing can be mounted here: {result.stderr.strip()}")


def unmount(folder: Path) -> None:
    """Unmount a folder, also one whose files are open."""
    subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


@contextlib.contextmanager
def bind_mounted(folder: Path, source: Path | None = None) -> Iterator[Path]:
    """Mount a folder, or `source`, at `folder`: the same file system, and renames across the mount fail."""
    _mount("--bind", str(source or folder), str(folder))
    try:
        yield folder
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            unmount(folder)


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount an empty disk of a size such as "8m" at a folder."""
    _mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    try:
        yield folder
    finally:
        with contextlib.suppress(subprocess.CalledProcessError):
            unmount(folder)


def remount(folder: Path, *, is_read_only: bool) -> None:
    """Make a small disk read-only, or writable again."""
    _mount("-o", f"remount,{'ro' if is_read_only else 'rw'}", str(folder))
