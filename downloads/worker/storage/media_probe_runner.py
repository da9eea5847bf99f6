"""Runner of the backfill of codecs and dimensions, which goes through the archive once."""

import logging
import time

from django.db.models import Max

from downloads.files import ffmpeg
from downloads.models import Video
from downloads.worker.download_process import ChildProcess
from downloads.worker.leases.expiry import LEASE_RENEWAL_INTERVAL_SECONDS
from downloads.worker.processes.launcher import Launcher
from downloads.worker.storage.media_probe import unprobed_videos

logger = logging.getLogger(__name__)

START_DELAY_SECONDS = 30.0  # after the start of a worker
PAUSE_SECONDS = 5.0  # between two processes
ROWS_PER_PROCESS = 1_000  # of which those without codecs are probed


class MediaProbeProcess(ChildProcess):
    """The child process that probes some files. It has no lease: two may do the same."""

    def extend_lease(self) -> bool:
        """Let it go on."""
        return True


class MediaProbeRunner:
    """Starts the processes: `poll` never blocks, `stop` ends the process."""

    def __init__(self, launcher: Launcher) -> None:
        self._launcher = launcher
        self._process: MediaProbeProcess | None = None
        self._next_start_at = time.monotonic() + START_DELAY_SECONDS
        self._last_pk = 0
        self._is_done = not ffmpeg.find_ffmpeg()

    def poll(self, *, may_start: bool) -> None:
        """Look after the running process; where there is none, start the next one if `may_start`."""
        if self._process is not None:
            self._watch(self._process)
        elif may_start and not self._is_done and time.monotonic() >= self._next_start_at:
            pks = self.take_next()
            if pks:
                self._start(pks)

    def take_next(self) -> list[int]:
        """Return the videos among the next rows whose files are to be probed; note when there are no more rows."""
        last_pk = self._last_pk
        self._last_pk += ROWS_PER_PROCESS
        self._is_done = (Video.objects.aggregate(newest=Max("pk"))["newest"] or 0) <= self._last_pk
        chosen = unprobed_videos().filter(pk__gt=last_pk, pk__lte=self._last_pk).order_by("pk")
        return list(chosen.values_list("pk", flat=True))

    def _start(self, pks: list[int]) -> None:
        try:
            self._process = MediaProbeProcess({"media_probe": pks}, 0, self._launcher)
        except OSError as error:
            logger.warning("No process that probes files can be started: %s", error)

    def _watch(self, process: MediaProbeProcess) -> None:
        process.read_progress()
        if process.reap() is not None:
            process.close_pipes()
            self._process = None
            self._next_start_at = time.monotonic() + PAUSE_SECONDS
            return
        if time.monotonic() - process.lease_renewed_at > LEASE_RENEWAL_INTERVAL_SECONDS:
            process.renew_lease()
        process.kill_if_overdue()

    def stop(self) -> None:
        """Kill the process; another worker probes what is left."""
        if self._process is not None:
            self._process.kill()
            self._process.close_pipes()
            self._process = None
