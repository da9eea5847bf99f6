"""Runner of look-ups ahead of the queue: one at a time, beside the downloads of a supervisor."""

import logging
import time

from django.conf import settings

from downloads.models import TitleLookUp
from downloads.worker.processes.job_runner import (
    SPAWN_RETRY_DELAY_SECONDS,
    JobProcess,
    JobRunner,
    background_rate_limit,
)
from downloads.worker.processes.launcher import Launcher

logger = logging.getLogger(__name__)

IDLE_INTERVAL_SECONDS = 1.0  # between two looks at the queue while there is nothing to look up


class LookUpRunner(JobRunner[TitleLookUp]):
    """Looks up what waits: `poll` never blocks, `stop` ends the process."""

    max_seconds = 120.0

    def __init__(self, launcher: Launcher) -> None:
        super().__init__(launcher)
        self._next_start_at = 0.0

    def poll(self, *, may_start: bool) -> None:
        """Look after the running look-up; where there is none, start the next one if `may_start`."""
        if self._process is not None:
            self.watch(self._process)
        elif may_start and settings.TITLES_AHEAD_SECONDS and time.monotonic() >= self._next_start_at:
            look_up = TitleLookUp.claim_next()
            if look_up is None:
                self._next_start_at = time.monotonic() + IDLE_INTERVAL_SECONDS
            else:
                self._start(look_up)

    def _start(self, look_up: TitleLookUp) -> None:
        try:
            self._process = JobProcess("look_up", look_up, background_rate_limit(), self._launcher)
        except OSError as error:
            logger.warning("No process for a look-up can be started: %s", error)
            self._next_start_at = time.monotonic() + SPAWN_RETRY_DELAY_SECONDS
            look_up.abandon()

    def finish(self, process: JobProcess[TitleLookUp], exit_reason: str) -> None:
        """Note that a process ended without a result; nothing changes where it has written one."""
        is_too_long = time.monotonic() - process.started_at > self.max_seconds
        if process.is_stopping and not is_too_long:
            process.job.abandon()
        else:
            process.job.record_failure(f"The look-up {exit_reason or 'found nothing'}.", is_permanent=False)

    def abandon(self, job: TitleLookUp) -> None:
        """Give the look-up back."""
        job.abandon()
