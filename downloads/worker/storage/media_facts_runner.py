"""Runner of looks at files that were stored before it was noted what is in them; it goes once through the archive."""

import logging
import time

from django.db.models import Max

from downloads.files import ffmpeg
from downloads.models import LEASE_DURATION, Video
from downloads.worker.download_process import ChildProcess
from downloads.worker.processes.launcher import Launcher
from downloads.worker.storage.media_facts import without_facts

logger = logging.getLogger(__name__)

FIRST_LOOK_SECONDS = 30.0  # after the start of a worker
PAUSE_SECONDS = 5.0  # between two processes
ROWS_PER_LOOK = 1_000  # of which those are chosen that lack it
RENEWAL_INTERVAL_SECONDS = LEASE_DURATION.total_seconds() / 6


class MediaFactsProcess(ChildProcess):
    """The child process that looks at some files. It has no lease: two may do the same."""

    def extend_lease(self) -> bool:
        """Let it go on."""
        return True


class MediaFactsRunner:
    """Starts the looks: `poll` never blocks, `stop` ends the process."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._process: MediaFactsProcess | None = None
        self._next_look_at = time.monotonic() + FIRST_LOOK_SECONDS
        self._last_pk = 0
        self._is_done = not ffmpeg.find_ffmpeg()

    def poll(self, *, may_start: bool) -> None:
        """Look after the running process; where there is none, start the next one if `may_start`."""
        if self._process is not None:
            self._watch(self._process)
        elif may_start and not self._is_done and time.monotonic() >= self._next_look_at:
            pks = self.take_next()
            if pks:
                self._start(pks)

    def take_next(self) -> list[int]:
        """Return the videos among the next rows whose files are to be looked at; note when there are no more rows."""
        last_pk = self._last_pk
        self._last_pk += ROWS_PER_LOOK
        self._is_done = (Video.objects.aggregate(newest=Max("pk"))["newest"] or 0) <= self._last_pk
        chosen = without_facts().filter(pk__gt=last_pk, pk__lte=self._last_pk).order_by("pk")
        return list(chosen.values_list("pk", flat=True))

    def _start(self, pks: list[int]) -> None:
        try:
            self._process = MediaFactsProcess({"facts": pks}, 0, self._launcher)
        except OSError as error:
            logger.warning("No process that looks at files can be started: %s", error)

    def _watch(self, process: MediaFactsProcess) -> None:
        process.read_progress()
        if process.reap() is not None:
            process.close_pipes()
            self._process = None
            self._next_look_at = time.monotonic() + PAUSE_SECONDS
            return
        if time.monotonic() - process.lease_renewed_at > RENEWAL_INTERVAL_SECONDS:
            process.renew_lease()
        process.kill_if_overdue()

    def stop(self) -> None:
        """Kill the process; another worker looks at what is left."""
        if self._process is not None:
            self._process.kill()
            self._process.close_pipes()
            self._process = None
