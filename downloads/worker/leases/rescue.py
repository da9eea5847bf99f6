"""Rescue of the downloads, checks and playable copies of workers that have died."""

import logging

from downloads.models import PlayableCopy, Subscription, Video
from downloads.worker.leases.expiry import ExpiryWatch
from downloads.worker.leases.worker_lock import WorkerLock

logger = logging.getLogger(__name__)


class Rescue:
    """Requeues the videos of dead workers: at once for those of this machine, else when their lease expires."""

    def __init__(self, process_name: str) -> None:
        self.lock = WorkerLock(process_name)
        self._expiry_watch = ExpiryWatch()

    def requeue_local(self) -> None:
        """Requeue the videos of workers of this machine whose processes have all ended."""
        for worker_name in self.lock.take_dead():
            if count := Video.objects.requeue_worker(worker_name):
                logger.info("Requeued %d downloads of %s, which has died", count, worker_name)
            PlayableCopy.objects.requeue_worker(worker_name)
            Subscription.objects.release_worker(worker_name)

    def requeue_expired(self) -> None:
        """Requeue the videos of workers that no longer renew their leases."""
        if count := self._expiry_watch.requeue_expired():
            logger.info("Requeued %d downloads whose lease had expired", count)
        PlayableCopy.objects.requeue_expired()
