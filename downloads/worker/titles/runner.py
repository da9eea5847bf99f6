"""Runner of look-ups ahead of the queue: one at a time, beside the downloads of a supervisor."""

import logging
import time

from django.conf import settings

from downloads.models import LEASE_DURATION, TitleLookUp
from downloads.worker.download_process import ChildProcess
from downloads.worker.processes.launcher import Launcher

logger = logging.getLogger(__name__)

RENEWAL_INTERVAL_SECONDS = LEASE_DURATION.total_seconds() / 6
MAX_SECONDS = 120.0  # of one look-up
BANDWIDTH_SHARE = 10  # a tenth of what the downloads have, where they have a limit
IDLE_INTERVAL_SECONDS = 1.0  # between two looks at the queue while there is nothing to look up
SPAWN_RETRY_DELAY_SECONDS = 30.0


class LookUpProcess(ChildProcess):
    """The child process of one look-up."""

    def __init__(self, look_up: TitleLookUp, launcher: Launcher) -> None:
        self.look_up = look_up
        self.started_at = time.monotonic()
        job = {"pk": look_up.pk, "lease_token": look_up.lease_token}
        super().__init__({"look_up": job}, -(-settings.BANDWIDTH // BANDWIDTH_SHARE), launcher)

    def extend_lease(self) -> bool:
        """Renew the lease of the look-up."""
        return self.look_up.renew_lease()


class LookUpRunner:
    """Looks up what waits: `poll` never blocks, `stop` ends the process."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._process: LookUpProcess | None = None
        self._next_start_at = 0.0

    def poll(self, *, may_start: bool) -> None:
        """Look after the running look-up; where there is none, start the next one if `may_start`."""
        if self._process is not None:
            self._watch(self._process)
        elif may_start and settings.TITLES_AHEAD_SECONDS and time.monotonic() >= self._next_start_at:
            look_up = TitleLookUp.claim_next()
            if look_up is None:
                self._next_start_at = time.monotonic() + IDLE_INTERVAL_SECONDS
            else:
                self._start(look_up)

    def _start(self, look_up: TitleLookUp) -> None:
        try:
            self._process = LookUpProcess(look_up, self._launcher)
        except OSError as error:
            logger.warning("No process for a look-up can be started: %s", error)
            self._next_start_at = time.monotonic() + SPAWN_RETRY_DELAY_SECONDS
            look_up.abandon()

    def _watch(self, process: LookUpProcess) -> None:
        process.read_progress()
        if (exit_reason := process.reap()) is not None:
            self._finish(process, exit_reason)
            return
        now = time.monotonic()
        if process.is_lease_overdue() or now - process.started_at > MAX_SECONDS or not process.look_up.is_wanted():
            process.request_stop()
        elif now - process.lease_renewed_at > RENEWAL_INTERVAL_SECONDS:
            process.renew_lease()
        process.kill_if_overdue()

    def _finish(self, process: LookUpProcess, exit_reason: str) -> None:
        """Note that a process ended without a result; nothing changes where it has written one."""
        is_too_long = time.monotonic() - process.started_at > MAX_SECONDS
        if process.is_stopping and not is_too_long:
            process.look_up.abandon()
        else:
            process.look_up.record_failure(f"The look-up {exit_reason or 'found nothing'}.", may_pass=True)
        process.close_pipes()
        self._process = None

    def stop(self) -> None:
        """Kill a running look-up; the next worker looks the video up again."""
        process = self._process
        if process is None:
            return
        process.kill()
        process.close_pipes()
        process.look_up.abandon()
        self._process = None
