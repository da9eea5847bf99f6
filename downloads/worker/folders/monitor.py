"""Monitor of the folders: looks at them in a thread, and holds the queue while one cannot be used.

A file system that hangs (a server of NFS that is away) blocks that thread only, and the look is late.
"""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from downloads.files import workspace
from downloads.files.volumes import probe
from downloads.files.volumes.errors import build_sentence
from downloads.models import ArchiveIdentity, Queue, Video
from downloads.outage_log import OutageLog
from downloads.worker.folders import space
from downloads.worker.folders.orphaned_files import remove_orphaned_files

logger = logging.getLogger(__name__)

HOLD_SECONDS = 30.0  # renewed by each look that finds a problem
LOOK_TIMEOUT_SECONDS = 15.0
USUAL_LOOK_SECONDS = 0.25  # that a look is waited for; a later one counts at the next turn
IDLE_PROBE_INTERVAL_SECONDS = 600.0  # between writes while nothing is to be done, so that a disk may sleep
RECOVERED_REASON = "The folders can be used again"


class FolderMonitor:
    """`check(is_busy)`, called every few seconds, keeps the hold of this host; `problem` is the sentence of it."""

    def __init__(self) -> None:
        self.problem = ""
        self.has_looked = False
        self._look = BackgroundTask("folders")
        self._cleanup = BackgroundTask("cleanup")
        self._probed_at = float("-inf")
        self._seen_problem = ""
        self._cleanup_error: DatabaseError | None = None
        self._are_orphans_removed = False
        self._outage = OutageLog(logger, "%s", "The folders can be used again.")

    @property
    def is_well(self) -> bool:
        """True once a look has found that all folders can be used."""
        return self.has_looked and not self.problem

    def check(self, is_busy: bool) -> None:
        """Look at the folders; hold the queue while one cannot be used, and release it when all can.

        A file is written where `is_busy` or something is wrong, else rarely. Raise DatabaseError.
        """
        if not self._look.is_running:
            self._start_look(is_busy)
        if not self._look.is_running:
            self._apply(self._seen_problem)
        elif time.monotonic() - self._look.started_at > LOOK_TIMEOUT_SECONDS:
            self._apply(probe.HANGING_SENTENCE)
        elif self.problem:
            self._apply(self.problem)
        if self.is_well and not self._cleanup.is_running:
            self._cleanup.start(self._clean_up)
        self._raise_cleanup_error()

    def remove_orphans_again(self) -> None:
        """Remove orphaned files at the next look that finds all well."""
        self._are_orphans_removed = False

    def remove_workspace(self, name: str) -> None:
        """Remove the files of what has ended, or leave that to a later look at folders that cannot be used now."""
        with contextlib.suppress(OSError):
            if self.is_well and workspace.remove_workspace(name):
                return
        self.remove_orphans_again()

    def _start_look(self, is_busy: bool) -> None:
        now = time.monotonic()
        is_written = is_busy or bool(self.problem) or now - self._probed_at > IDLE_PROBE_INTERVAL_SECONDS
        self._probed_at = now if is_written else self._probed_at
        archive_id = ArchiveIdentity.get_marked_id()

        def look() -> None:
            try:
                self._seen_problem = probe.find_problem(archive_id, is_written=is_written)
            except Exception:
                logger.exception("The folders cannot be looked at")
                self._seen_problem = build_sentence(probe.DATA_LABEL, "cannot be looked at (see the worker's log)")

        self._look.start(look)

    def _apply(self, problem: str) -> None:
        self.problem, self.has_looked = problem, True
        host = socket.gethostname()
        if problem:
            self._outage.failed(f"{problem} (data folder {settings.DATA})")
            Queue.hold(host, problem, HOLD_SECONDS)
        else:
            self._outage.recovered()
            Queue.release_hold(host, RECOVERED_REASON)

    def _clean_up(self) -> None:
        """Finish what was left over; in a thread too, since it blocks when a file system hangs."""
        try:
            if not self._are_orphans_removed:
                self._are_orphans_removed = True
                remove_orphaned_files()
            Video.objects.finish_interrupted_removals()
            space.wake_waiting_videos()
        except DatabaseError as error:
            self._are_orphans_removed, self._cleanup_error = False, error
        except OSError as error:
            self._are_orphans_removed = False
            logger.warning("Files that are left over could not be removed yet: %s", error)
        finally:
            connection.close()

    def _raise_cleanup_error(self) -> None:
        error, self._cleanup_error = self._cleanup_error, None
        if error:
            raise error


class BackgroundTask:
    """A thread that runs one function at a time: `start(function)`. It keeps no process from ending."""

    def __init__(self, name: str) -> None:
        self.started_at = float("-inf")
        self._name = name
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, function: Callable[[], None]) -> None:
        """Run a function in the thread, and wait a moment for its end."""
        self.started_at = time.monotonic()
        self._thread = threading.Thread(target=function, name=self._name, daemon=True)
        self._thread.start()
        self._thread.join(USUAL_LOOK_SECONDS)
