"""Status of the newest update, in `update.json`; the lock that lets one update run at a time.

A button requests an update, and a worker runs it. Whether one runs is known from its lock, flock(2), which the
kernel releases when the update dies.
"""

import contextlib
import dataclasses
import datetime as dt
import fcntl
import json
import logging
import os
from collections.abc import Callable, Iterator
from enum import StrEnum

from downloads.files.fsync import replace_file
from downloads.ytdlp_update.installation import root

logger = logging.getLogger(__name__)

STATUS_NAME = "update.json"
LOCK_NAME = "update.lock"
PICK_UP_SECONDS = 30  # a worker looks twice a second
STATUS_FILE_MODE = 0o644
NOT_STARTED_MESSAGE = "No worker has started the update. Is one running? `manage.py update-ytdlp` updates without it."


class State(StrEnum):
    """State of the newest update."""

    NONE = "none"
    REQUESTED = "requested"
    RUNNING = "running"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


class UpdateRunning(Exception):
    """Another update is running."""


@dataclasses.dataclass(frozen=True)
class UpdateStatus:
    """The newest update: its state, since when, and for an ended one the message for people."""

    state: State = State.NONE
    since: dt.datetime | None = None
    message: str = ""

    @property
    def is_pending(self) -> bool:
        """True from the request to the end."""
        return self.state in (State.REQUESTED, State.RUNNING)

    @property
    def text(self) -> str:
        """The status as sentences; "" if there never was an update."""
        if self.state == State.REQUESTED:
            return "Waiting for a worker…" if self._is_recent() else NOT_STARTED_MESSAGE
        if self.state == State.INTERRUPTED:
            return "The update was interrupted; nothing was changed. Start it again."
        return "Updating yt-dlp…" if self.state == State.RUNNING else self.message

    def _is_recent(self) -> bool:
        return self.since is not None and (dt.datetime.now(dt.UTC) - self.since).total_seconds() < PICK_UP_SECONDS


def read_status() -> UpdateStatus:
    """Return the status of the newest update."""
    status = _read_file()
    if status.state == State.RUNNING and not _is_locked():
        # Read again: it may have ended just now.
        status = _read_file()
        if status.state == State.RUNNING:
            return dataclasses.replace(status, state=State.INTERRUPTED)
    return status


def _read_file() -> UpdateStatus:
    path = root() / STATUS_NAME
    try:
        fields = json.loads(path.read_bytes())
        since = dt.datetime.fromisoformat(fields["since"])
        return UpdateStatus(State(fields["state"]), since, str(fields["message"]))
    except FileNotFoundError:
        return UpdateStatus()
    except (OSError, ValueError, TypeError, KeyError) as error:
        logger.warning("The status of the update of yt-dlp, %s, cannot be read: %s", path, error)
        return UpdateStatus()


def write_status(state: State, message: str = "") -> None:
    """Replace the status; raise OSError."""
    root().mkdir(exist_ok=True)
    fields = {"state": state, "since": dt.datetime.now(dt.UTC).isoformat(), "message": message}
    replace_file(root() / STATUS_NAME, json.dumps(fields).encode() + b"\n")


def request_update() -> bool:
    """Ask a worker for an update; False if one is requested or running already. Raise OSError."""
    if read_status().is_pending:
        return False
    write_status(State.REQUESTED)
    return True


# Lock ----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def update_lock(on_wait: Callable[[], None] | None) -> Iterator[None]:
    """Hold the lock of updates; while another holds it, call `on_wait` and wait, or raise UpdateRunning without it."""
    root().mkdir(exist_ok=True)
    descriptor = os.open(root() / LOCK_NAME, os.O_RDWR | os.O_CREAT, STATUS_FILE_MODE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if on_wait is None:
                raise UpdateRunning from error
            on_wait()
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _is_locked() -> bool:
    try:
        with contextlib.closing(os.fdopen(os.open(root() / LOCK_NAME, os.O_RDONLY))) as file:
            # Shared, so that two readers do not take each other for an update.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        logger.warning("The lock of updates of yt-dlp cannot be read: %s", error)
    return False
