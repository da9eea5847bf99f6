"""Runner of jobs beside the downloads of a supervisor: one at a time, each in a child process with a lease."""

import time
from typing import Generic, TypeVar

from django.conf import settings

from downloads.models import PlayableCopy, Subscription, TitleLookUp
from downloads.worker.download_process import ChildProcess
from downloads.worker.leases.expiry import LEASE_RENEWAL_INTERVAL_SECONDS
from downloads.worker.processes.launcher import Launcher

SPAWN_RETRY_DELAY_SECONDS = 30.0  # without a start after a process could not be started
BACKGROUND_BANDWIDTH_DIVISOR = 10  # a tenth of what the downloads have, where they have a limit

# Rows with a lease, which one process works on.
J = TypeVar("J", TitleLookUp, PlayableCopy, Subscription)


def background_rate_limit() -> int:
    """Return the rate limit of a job that asks a site while downloads run, in bytes per second; 0 for none."""
    return -(-settings.BANDWIDTH // BACKGROUND_BANDWIDTH_DIVISOR)


class JobProcess(ChildProcess, Generic[J]):
    """The child process of one job; `kind` is the key of the job in its start message."""

    job: J

    def __init__(self, kind: str, job: J, rate: int, launcher: Launcher) -> None:
        self.job = job
        self.started_at = time.monotonic()
        super().__init__({kind: {"pk": job.pk, "lease_token": job.lease_token}}, rate, launcher)

    def extend_lease(self) -> bool:
        """Renew the lease of the job, and save its newest progress."""
        names = ("percent", "phase")
        state = {name: self.latest_progress[name] for name in names if name in self.latest_progress}
        return self.job.renew_lease(**state)


class JobRunner(Generic[J]):
    """Looks after the process of one job; subclasses choose what to start, and say how it ends."""

    max_seconds = float("inf")  # of one job

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._process: JobProcess[J] | None = None

    @property
    def is_running(self) -> bool:
        """Return True while a job has a process."""
        return self._process is not None

    def finish(self, process: JobProcess[J], exit_reason: str) -> None:
        """Write how a process ended that has written nothing itself."""
        raise NotImplementedError

    def abandon(self, job: J) -> None:
        """Give a job back, with no result."""
        raise NotImplementedError

    def watch(self, process: JobProcess[J]) -> None:
        """Look after the process: renew its lease, stop what is not wanted any more, and see its end. Never blocks."""
        process.read_progress()
        if (exit_reason := process.reap()) is not None:
            # Raises while the database is down; the next turn of the loop tries again.
            self.finish(process, exit_reason)
            process.close_pipes()
            self._process = None
            return
        now = time.monotonic()
        if process.is_lease_overdue() or now - process.started_at > self.max_seconds or not process.job.is_wanted():
            process.request_stop()
        elif now - process.lease_renewed_at > LEASE_RENEWAL_INTERVAL_SECONDS:
            process.renew_lease()
        process.kill_if_overdue()

    def stop(self) -> None:
        """Kill a running job; the next worker does it again."""
        process = self._process
        if process is None:
            return
        process.kill()
        process.close_pipes()
        self._process = None
        self.abandon(process.job)
