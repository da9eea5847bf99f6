"""Lock by which the workers of one machine see that another has died: flock(2), which the kernel releases.

It is shared with the processes of the worker's downloads, so it is free only when they have ended too. No process id
is compared: containers have process ids of their own, and may have the same host name.
"""

import fcntl
import logging
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

logger = logging.getLogger(__name__)

BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")
LOCK_SUFFIX = ".lock"


class WorkerLock:
    """The lock of this worker, held from the constructor to `release`; without a usable folder there is none."""

    def __init__(self, process_name: str) -> None:
        token = secrets.token_hex(4)
        self.worker_name = f"{process_name}:{token}"  # never that of another worker, unlike a host and a process id
        self._path = _folder() / f"{_boot_id()}-{token}{LOCK_SUFFIX}"
        self._fd: int | None = None
        try:
            self._fd = _create_locked(self._path, self.worker_name)
        except OSError as error:
            logger.warning(
                "%s cannot be locked (%s): other workers will not see at once when this one dies", self._path, error
            )

    @property
    def inherited_fds(self) -> tuple[int, ...]:
        """The file descriptors that the processes of downloads inherit, to hold the lock too."""
        return () if self._fd is None else (self._fd,)

    def release(self) -> None:
        """Release the lock."""
        if self._fd is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._fd)
            self._fd = None

    def take_dead(self) -> Iterator[str]:
        """Yield the name of each worker of this machine that has died; when the caller goes on, it is forgotten.

        Files of other machines, which may share the folder, are left alone: a lock over a network tells nothing.
        """
        boot_id = _boot_id()
        for path in _folder().glob(f"{boot_id}-*{LOCK_SUFFIX}") if boot_id else ():
            if path == self._path or (fd := _lock_existing(path)) is None:
                continue
            try:
                if worker_name := os.read(fd, 1024).decode("utf-8", "replace"):
                    yield worker_name
                path.unlink(missing_ok=True)
            finally:
                os.close(fd)


def _folder() -> Path:
    return Path(settings.CACHE_ROOT, "workers")


def _boot_id() -> str:
    """Return the id of the running kernel, which no other machine has; "" where there is none."""
    try:
        return BOOT_ID_FILE.read_text().strip()
    except OSError:
        return ""


def _create_locked(path: Path, text: str) -> int:
    """Create a file that is locked from the moment on when others can see it; return its file descriptor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, temporary_name = tempfile.mkstemp(dir=path.parent)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.write(fd, text.encode())
        Path(temporary_name).rename(path)
    except OSError:
        os.close(fd)
        Path(temporary_name).unlink(missing_ok=True)
        raise
    return fd


def _lock_existing(path: Path) -> int | None:
    """Return a file descriptor that holds the lock of a file; None if another process holds it."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        return None
    return fd
