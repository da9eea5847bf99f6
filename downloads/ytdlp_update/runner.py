"""Runner of requested updates: a worker's part, between and beside its downloads."""

import functools
import logging
import os
import signal
import subprocess
import sys
import time

from django.conf import settings

from downloads.parent_death import kill_when_parent_dies
from downloads.ytdlp_update import selection, status, updater

logger = logging.getLogger(__name__)

RESTART_DELAY_SECONDS = 5.0  # after an update that ended without taking the request


class UpdateRunner:
    """Starts a process for each requested update; `poll` never blocks, `stop` ends the process."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._is_checked = False
        self._next_start_at = 0.0

    def poll(self) -> None:
        """Start what is due: a test of the installed version after an upgrade, or a requested update."""
        if self._process is not None:
            if self._process.poll() is None:
                return
            self._process = None
        if not self._is_checked:
            self._is_checked = True
            self._check_installed()
        elif time.monotonic() >= self._next_start_at and status.read_status().state == status.State.REQUESTED:
            self._next_start_at = time.monotonic() + RESTART_DELAY_SECONDS
            self._start(updater.UPDATE_COMMAND, "--requested")

    def _check_installed(self) -> None:
        """Once in the life of a worker, test the installed version if our code has changed, or log its problem."""
        if updater.needs_retest():
            self._start(updater.SELF_TEST_COMMAND)
        elif problem := selection.select_version().problem:
            logger.warning("%s", problem)

    def _start(self, *arguments: str) -> None:
        try:
            self._process = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "YTARCHIVE_DATA": str(settings.DATA)},
                preexec_fn=functools.partial(kill_when_parent_dies, os.getpid()),  # noqa: PLW1509  we have one thread
            )
        except OSError as error:
            logger.warning("The update of yt-dlp cannot be started: %s", error)

    def stop(self) -> None:
        """Kill a running update; what it started ends with it, and the version in use stays as it is."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
