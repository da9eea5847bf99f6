"""Retention run of a worker: in a thread of its own, since it moves files."""

import logging
import time

from django.db import Error as DatabaseError
from django.db import connection

from downloads.subscriptions import retention
from downloads.worker.folders.monitor import BackgroundTask, FolderMonitor

logger = logging.getLogger(__name__)

INTERVAL_SECONDS = 3600.0


class RetentionTask:
    """Removes what subscriptions no longer keep, a bounded number every hour; `poll` blocks for a moment only."""

    def __init__(self, folders: FolderMonitor) -> None:
        self._folders = folders
        self._task = BackgroundTask("retention")
        self._next_run_at = 0.0

    def poll(self) -> None:
        """Start a run if it is time, unless the last one goes on or a folder cannot be used."""
        if time.monotonic() >= self._next_run_at and self._folders.is_well and not self._task.is_running:
            self._next_run_at = time.monotonic() + INTERVAL_SECONDS
            self._task.start(run_retention)


def run_retention() -> None:
    """Remove what is past retention, and log how many; the next run repeats what failed."""
    try:
        pruning = retention.prune()
        for problem in pruning.problems:
            logger.warning("Retention: %s", problem)
        if pruning.removed:
            logger.info("Retention: removed %d videos that their subscriptions no longer keep", pruning.removed)
    except DatabaseError as error:
        logger.warning("Retention: the database cannot be used, the next run goes on: %s", error)
    except Exception:
        logger.exception("Retention failed because of a bug")
    finally:
        connection.close()
