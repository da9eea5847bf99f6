"""Runner of the checks of a worker: claims what is due, and has a process for each, beside the downloads."""

import logging
import time
from collections.abc import Callable, Collection
from typing import Any

from django.conf import settings

from downloads.models import Subscription
from downloads.subscriptions import outcomes
from downloads.worker.processes.job_runner import (
    SPAWN_RETRY_DELAY_SECONDS,
    JobProcess,
    JobRunner,
    background_rate_limit,
)
from downloads.worker.processes.launcher import Launcher

logger = logging.getLogger(__name__)

MAX_SECONDS, MAX_GAPS = 1800.0, 200  # of one check; a longer gap between its requests takes longer
IDLE_INTERVAL_SECONDS = 1.0  # between two looks at what is due
TOO_LONG_MESSAGE = "The check took too long: the site answers very slowly."


class CheckProcess(JobProcess[Subscription]):
    """The child process of one check; `report` is what it told of its end, as a dict (worker/checks/check.py)."""

    def __init__(self, subscription: Subscription, launcher: Launcher, *, is_dry_run: bool) -> None:
        self.report: dict[str, Any] = {}
        kind = "dry_check" if is_dry_run else "check"
        super().__init__(kind, subscription, background_rate_limit(), launcher)

    def take_state(self, state: dict[str, Any]) -> None:
        """Keep the report."""
        self.report = state


class CheckSlot(JobRunner[Subscription]):
    """Place of one check: `start` fills it, `poll` empties it; `on_end` is told of each check that has ended."""

    def __init__(self, launcher: Launcher, on_end: Callable[[CheckProcess], None]) -> None:
        super().__init__(launcher)
        self._on_end = on_end
        self._is_dry_run = False
        self.max_seconds = MAX_SECONDS + MAX_GAPS * settings.HOST_GAP

    def start(self, subscription: Subscription, *, is_dry_run: bool) -> None:
        """Start the process of a claimed check; raise OSError."""
        self._is_dry_run = is_dry_run
        self._process = CheckProcess(subscription, self._launcher, is_dry_run=is_dry_run)

    def poll(self) -> None:
        """Look after the check, if there is one. Raise DatabaseError."""
        if self._process is not None:
            self.watch(self._process)

    def finish(self, process: JobProcess[Subscription], exit_reason: str) -> None:
        """Note that a process ended without an outcome; nothing changes where it has written one."""
        process.read_progress()  # what it wrote last
        subscription = process.job
        if self._is_dry_run:
            self.abandon(subscription)
        elif time.monotonic() - process.started_at > self.max_seconds:
            outcomes.fail(subscription, TOO_LONG_MESSAGE)
        elif process.is_stopping:
            self.abandon(subscription)
        elif subscription.is_wanted():
            logger.error("%s: the process of its check %s", subscription, exit_reason or "ended without a word")
            outcomes.fail(subscription, f"The check’s process ended unexpectedly ({exit_reason or 'without a word'}).")
        assert isinstance(process, CheckProcess)  # noqa: S101 - `start` makes no other
        self._on_end(process)

    def abandon(self, job: Subscription) -> None:
        """Give the check back: the next worker repeats it. A dry run leaves the time of the next as it was."""
        if self._is_dry_run:
            job.release_check(job.next_check_at)
        else:
            job.abandon_check()


class CheckRunner:
    """Runs checks of what is due: `poll` never blocks, `stop` ends the processes.

    At most YTARCHIVE_CHECKS run in all workers, and one per site: the claim sees to both.
    """

    def __init__(
        self, launcher: Launcher, worker: str, on_end: Callable[[CheckProcess], None] = lambda _: None
    ) -> None:
        self._worker = worker
        self._slots = [CheckSlot(launcher, on_end) for _ in range(settings.CHECKS)]
        self._next_claim_at = 0.0
        self.start_error = ""  # why the last process could not be started

    @property
    def is_running(self) -> bool:
        """True while a check has a process."""
        return any(slot.is_running for slot in self._slots)

    def wake(self) -> None:
        """Look at what is due at the next `poll`."""
        self._next_claim_at = min(self._next_claim_at, time.monotonic())

    def poll(self, *, may_start: bool) -> None:
        """Look after the running checks, and start those that are due if `may_start`. Raise DatabaseError."""
        for slot in self._slots:
            slot.poll()
        if not may_start or time.monotonic() < self._next_claim_at:
            return
        while self.start_next() is not None:
            pass
        self._next_claim_at = max(self._next_claim_at, time.monotonic() + IDLE_INTERVAL_SECONDS)

    def start_next(self, keys: Collection[str] | None = None, *, is_dry_run: bool = False) -> Subscription | None:
        """Claim and check the next that is due, of `keys` the next whether due or not; None if there is none now.

        None as well where no process can be started: `start_error` says why then.
        """
        slot = next((slot for slot in self._slots if not slot.is_running), None)
        subscription = Subscription.objects.claim_check(self._worker, keys) if slot else None
        if slot is None or subscription is None:
            return None
        try:
            slot.start(subscription, is_dry_run=is_dry_run)
            self.start_error = ""
        except OSError as error:
            logger.warning("No process for a check can be started: %s", error)
            self.start_error = error.strerror or str(error)
            self._next_claim_at = time.monotonic() + SPAWN_RETRY_DELAY_SECONDS
            if keys is None:
                subscription.abandon_check(SPAWN_RETRY_DELAY_SECONDS)
            else:  # a person's, which may have been planned for any time
                subscription.release_check(subscription.next_check_at)
            return None
        return subscription

    def stop(self) -> None:
        """Kill the running checks; the next worker repeats them. Raise DatabaseError."""
        for slot in self._slots:
            slot.stop()
