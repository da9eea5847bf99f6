"""The process of the embedded Redis-compatible server, which starts anew when it cannot load its own files.

Nothing in them has to last: rows are in the database, and progress is published again. So files that prevent a start,
such as a truncated append-only file or one of a newer version, are moved to `redis/damaged-<time>`.
"""

import contextlib
import errno
import itertools
import logging
import re
import shutil
import signal
import time
from pathlib import Path

from ytarchive.supervisor.process import ManagedProcess
from ytarchive.supervisor.watchdog import RedisHeartbeat

logger = logging.getLogger(__name__)

DAMAGED_PREFIX = "damaged-"
KEPT_NAMES = ("redis.sock", "socket")  # the socket, and the file that names one elsewhere
MAX_REASON_LENGTH = 200
# What the server logs when it ends for reasons that other files would not mend.
RESOURCE_ERRORS = ("No space left on device", "Disk quota exceeded", "Cannot allocate memory", "Too many open files")
DISK_FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT)
# A length in damaged files can ask for more memory than any machine has. No value grows by more than this when loaded.
MAX_EXPANSION = 100


class RedisProcess(ManagedProcess):
    """The embedded server: `confirm_answer` says that it has started; until then, an exit may be due to its files."""

    def __init__(self, command: list[str], folder: Path, socket_path: Path) -> None:
        super().__init__(
            "redis",
            command,
            log_path=folder / "server.log",
            grace_seconds=2.0,
            heartbeat=RedisHeartbeat(socket_path),
        )
        self.folder = folder
        self.awaits_answer = False
        self._aside: Path | None = None
        self._moves: list[tuple[Path, Path]] = []  # what was set aside: its old path, its new one
        self._reason = ""
        self._may_set_aside = True

    def start(self) -> None:
        """Start the server; a log that cannot be written is set aside."""
        self.awaits_answer = True
        try:
            super().start()
        except OSError as error:
            is_about_log = error.filename == str(self.log_path) or error.filename == self.log_path
            if not is_about_log or error.errno in DISK_FULL_ERRORS or self._aside is not None:
                raise
            self._reason = f"{self.log_path}: {error.strerror}"
            if not self._set_files_aside():
                raise
            super().start()

    def confirm_answer(self) -> None:
        """Note that the server answers; say so if files were set aside for it, and remove those set aside before."""
        self.awaits_answer, self._may_set_aside = False, True
        if self._aside is None:
            return
        logger.warning(
            "Redis could not load its files (%s): they were set aside in %s, and it started anew. "
            "Nothing in them has to last.",
            self._reason,
            self._aside,
        )
        kept = {self._aside, *(new_path for _, new_path in self._moves)}
        for path in self.folder.glob(f"{DAMAGED_PREFIX}*"):
            if path not in kept:
                _remove(path)
        self._aside, self._moves = None, []

    def schedule_restart(self) -> float:
        """Schedule the next start after an unexpected exit: at once without files that prevented this one."""
        if self.recover_from_damage():
            self.restart_at = time.monotonic()
            return 0.0
        return super().schedule_restart()

    def recover_from_damage(self) -> bool:
        """Set the server's files aside after a start that they may have prevented; True if a new start may help.

        When it fails without them as well, they were not the reason and are put back.
        """
        if not self.awaits_answer or self.is_stop_requested:
            return False
        if self._aside is not None:
            self._put_files_back()
            self._may_set_aside = False
            return False
        if not self._may_set_aside or self._is_short_of_resources():
            return False
        self._reason = self.failure_reason()
        return self._set_files_aside()

    def failure_reason(self) -> str:
        """Return the last message of the server's log without its process id and time."""
        messages: list[str] = re.findall(r"^\d+:\w .*? [#*.-] (.+)$", self._read_log(), re.MULTILINE)
        return (messages[-1] if messages else self.last_log_line())[:MAX_REASON_LENGTH]

    def _is_short_of_resources(self) -> bool:
        """Return whether the server ended for want of memory or disk space, or was killed."""
        log = self._read_log()
        if self.exit_status == -signal.SIGKILL or any(error in log for error in RESOURCE_ERRORS):
            return True
        if match := re.search(r"Out Of Memory allocating (\d+)", log, re.IGNORECASE):
            loaded_bytes = sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())
            return int(match[1]) <= MAX_EXPANSION * loaded_bytes
        return False

    def _read_log(self) -> str:
        assert self.log_path  # noqa: S101 - set by the constructor
        with contextlib.suppress(OSError):
            return self.log_path.read_text(encoding="utf-8", errors="replace")
        return ""

    def _set_files_aside(self) -> bool:
        """Move all files but the socket; return whether there were any and all could be moved."""
        try:
            self._aside = self._make_folder()
            for path in [path for path in self.folder.iterdir() if self._belongs_to_server(path)]:
                self._moves.append((path, _move(path, self._aside)))
        except OSError as error:
            logger.warning("Redis' files cannot be set aside: %s", error)
            self._put_files_back()
            return False
        if not any(path != self.log_path for path, _ in self._moves) and self.exit_status is not None:
            self._put_files_back()
            return False
        return True

    def _make_folder(self) -> Path:
        name = f"{DAMAGED_PREFIX}{time.strftime('%Y%m%d-%H%M%S')}"
        candidates = (self.folder / (f"{name}-{number}" if number else name) for number in itertools.count())
        folder = next(path for path in candidates if not path.exists())
        folder.mkdir()
        return folder

    @staticmethod
    def _belongs_to_server(path: Path) -> bool:
        if path.name.startswith(DAMAGED_PREFIX):
            return False
        return path.name not in KEPT_NAMES or (path.name == "redis.sock" and not path.is_socket())

    def _put_files_back(self) -> None:
        for old_path, new_path in self._moves:
            _remove(old_path)
            with contextlib.suppress(OSError):
                new_path.rename(old_path)
        if self._aside is not None:
            _remove(self._aside)
        self._aside, self._moves = None, []


def _move(path: Path, folder: Path) -> Path:
    """Move a file or folder into another folder; return its new path.

    To move a folder into another takes permission to write it. Without, it is renamed where it is.
    """
    target = folder / path.name
    try:
        return path.rename(target)
    except PermissionError:
        return path.rename(path.with_name(f"{folder.name}-{path.name}"))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)
