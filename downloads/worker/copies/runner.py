"""Runner of playable copies: one at a time in each worker, in one of its places for downloads."""

import logging
import time
from collections.abc import Callable

from downloads.models import PlayableCopy, Status
from downloads.models.copies.playable_copy import publish_copy_state
from downloads.progress.message import Progress
from downloads.worker.copies.making import workspace_name
from downloads.worker.folders.monitor import FolderMonitor
from downloads.worker.processes.job_runner import SPAWN_RETRY_DELAY_SECONDS, JobProcess, JobRunner
from downloads.worker.processes.launcher import Launcher

logger = logging.getLogger(__name__)

INTERRUPTED_MESSAGE = "Making the copy was interrupted."


class CopyRunner(JobRunner[PlayableCopy]):
    """Makes copies: `start_next` claims one, `poll` looks after it and never blocks, `stop` ends it."""

    def __init__(self, launcher: Launcher, folders: FolderMonitor, worker_name: str) -> None:
        super().__init__(launcher)
        self._folders = folders
        self._worker_name = worker_name
        self._next_start_at = 0.0
        self._yields_to_downloads = False

    def poll(self) -> None:
        """Look after the running copy."""
        if self._process is not None:
            self.watch(self._process)

    def start_next(self, has_waiting_downloads: Callable[[], bool]) -> None:
        """Start the next copy. After one, a waiting download has its turn first: see `note_download_started`."""
        if self.is_running or time.monotonic() < self._next_start_at:
            return
        if self._yields_to_downloads and has_waiting_downloads():
            return
        job = PlayableCopy.claim_next(self._worker_name)
        if job is not None:
            self._start(job)

    def note_download_started(self) -> None:
        """Let the next copy start: a download has had its turn."""
        self._yields_to_downloads = False

    def _start(self, job: PlayableCopy) -> None:
        try:
            self._process = JobProcess("copy", job, 0, self._launcher)
            self._yields_to_downloads = True
        except OSError as error:
            logger.warning("No process for a playable copy can be started: %s", error)
            self._next_start_at = time.monotonic() + SPAWN_RETRY_DELAY_SECONDS
            job.release(f"This server can’t start another process ({error.strerror or error}).", is_counted=False)

    def finish(self, process: JobProcess[PlayableCopy], exit_reason: str) -> None:
        """Requeue a copy whose process ended without an outcome, and remove its files."""
        job = process.job
        if job.is_wanted():
            logger.error("%s: the process of its playable copy ended: %s", job.video.video_id, exit_reason or "unknown")
            job.release(INTERRUPTED_MESSAGE, is_counted=not process.is_stopping)
        elif not PlayableCopy.objects.filter(pk=job.pk).exists():
            # Deleted with its video: what shows its bar is told.
            publish_copy_state(job.wire_id, Progress(status=Status.CANCELLED, attempt=job.attempt))
        self._folders.remove_workspace(workspace_name(job.video.video_id))

    def abandon(self, job: PlayableCopy) -> None:
        """Put the copy back into the queue: nothing was wrong with it."""
        job.release("The worker was stopped.", is_counted=False)
