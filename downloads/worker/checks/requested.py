"""Checks that a person asks for at the shell: each once, whether it is due or not, until all are done."""

import datetime as dt
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from downloads.database.clock import read_clock
from downloads.models import HostPause, Subscription
from downloads.network.sites import site_of
from downloads.progress.keys import process_name
from downloads.worker.checks.runner import CheckProcess, CheckRunner
from downloads.worker.processes.launcher import Launcher

POLL_INTERVAL_SECONDS = 0.2
LOOK_INTERVAL_SECONDS = 1.0  # between two looks at what has become of the others
CHECKED, FAILED, SKIPPED = "checked", "failed", "skipped"


@dataclass(frozen=True)
class Result:
    """End of a requested check: CHECKED, FAILED or SKIPPED, with a sentence; `queued` is None where nobody knows."""

    subscription: Subscription
    status: str
    text: str = ""
    listed: int | None = None
    queued: int | None = None


class RequestedChecks:
    """Runs the checks of these subscriptions: `run` returns when all have ended; `on_result` is told of each.

    The rules are those of a worker: one per site, YTARCHIVE_CHECKS at once in all, none of a site that is paused. One
    that a worker is doing already is waited for.
    """

    def __init__(
        self, subscriptions: Collection[Subscription], *, is_dry_run: bool, on_result: Callable[[Result], None]
    ) -> None:
        self._left = {subscription.key: subscription for subscription in subscriptions}
        self._is_dry_run = is_dry_run
        self._on_result = on_result
        self._started_at = dt.datetime.min.replace(tzinfo=dt.UTC)
        self._next_look_at = 0.0

    def run(self) -> None:
        """Check them all."""
        self._started_at = read_clock()
        launcher = Launcher()
        runner = CheckRunner(launcher, process_name(), self._finish)
        try:
            while self._left or runner.is_running:
                runner.poll(may_start=False)
                while self._left and (started := runner.start_next(list(self._left), is_dry_run=self._is_dry_run)):
                    del self._left[started.key]
                self._drop_ended()
                self._drop_unstartable(runner.start_error)
                time.sleep(POLL_INTERVAL_SECONDS)
        finally:
            runner.stop()
            launcher.stop()

    def _finish(self, process: CheckProcess) -> None:
        """Tell the result of a process of this command, by its report or else by the row."""
        report, row = process.report, Subscription.objects.filter(pk=process.job.pk).first()
        if row is None:
            self._on_result(Result(process.job, SKIPPED, "It is no longer followed."))
        elif not report and not self._is_dry_run and self._has_ended_since_start(row):
            # The runner may stop a process after it saved its outcome and before it sent its report: the row has it.
            self._on_result(Result(row, FAILED if row.error else CHECKED, row.error))
        elif not report:
            self._on_result(Result(row, FAILED, row.error or "The check was interrupted."))
        else:
            status = FAILED if report["error"] else CHECKED
            self._on_result(Result(row, status, report["error"], report["listed"], report["queued"]))

    def _drop_ended(self) -> None:
        """Tell the results of those that are not to be started any more: two queries, however many are left."""
        if not self._left or time.monotonic() < self._next_look_at:
            return
        self._next_look_at = time.monotonic() + LOOK_INTERVAL_SECONDS
        rows = Subscription.objects.in_bulk([subscription.pk for subscription in self._left.values()])
        pauses = {pause.host: pause for pause in HostPause.objects.in_force()}
        for key, subscription in list(self._left.items()):
            if result := self._find_result(subscription, rows.get(subscription.pk), pauses):
                del self._left[key]
                self._on_result(result)

    def _drop_unstartable(self, start_error: str) -> None:
        """Tell of all that are left that no process can be started for them, if so: nobody waits for that here."""
        if not start_error:
            return
        for subscription in self._left.values():
            text = f"No process can be started for its check ({start_error}). Try again later."
            self._on_result(Result(subscription, FAILED, text))
        self._left.clear()

    def _find_result(
        self, subscription: Subscription, row: Subscription | None, pauses: Mapping[str, HostPause]
    ) -> Result | None:
        if row is None:
            return Result(subscription, SKIPPED, "It is no longer followed.")
        if not row.active:
            return Result(row, SKIPPED, "It is paused.")
        if self._has_ended_since_start(row):  # of a worker, meanwhile
            return Result(row, FAILED if row.error else CHECKED, row.error)
        if pause := pauses.get(site_of(row.host)):
            return Result(row, SKIPPED, f"{pause.host} asked for a pause until {pause.until:%Y-%m-%d %H:%M %Z}.")
        return None

    def _has_ended_since_start(self, row: Subscription) -> bool:
        """Return True if a check of this subscription has ended since this command began."""
        return row.checked_at is not None and row.checked_at >= self._started_at
