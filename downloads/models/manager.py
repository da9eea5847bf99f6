"""Manager of videos: ingest, claim, and what is done to many at once."""

from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, models, transaction

from downloads.database import advisory_lock
from downloads.models import event, removal
from downloads.models.choices import Quality, Status
from downloads.models.querysets import VideoQuerySet
from downloads.models.transitions import Transitions
from downloads.search import index

T = TypeVar("T", bound=Transitions)


class VideoManager(models.Manager.from_queryset(VideoQuerySet), Generic[T]):  # type: ignore[misc]
    """The queue: adds videos, hands them to workers, and acts on many at once."""

    def ingest(
        self, url: str, canonical_url: str, *, added_by: Any = None, quality: str = Quality.BEST, **extra_fields: Any
    ) -> tuple[T, bool]:
        """Add a checked URL to the queue; return (video, True), or (the video that has this URL, False)."""
        host = (urlsplit(canonical_url).hostname or "")[:255]
        with transaction.atomic():
            video, created = self.get_or_create(
                canonical_url=canonical_url,
                defaults={"url": url, "added_by": added_by, "quality": quality, "host": host, **extra_fields},
            )
            if created:
                index.index_video(video)
                video.record_event("Added")
        return video, created

    def claim(self, worker: str) -> T | None:
        """Claim the next video that may start for `worker`, with a lease; None if there is none."""
        with transaction.atomic():
            ready = self.get_queryset().claimable()
            if connection.features.has_select_for_update_skip_locked:
                ready = ready.select_for_update(skip_locked=True)
            video = ready.first()
            if video is None or not self._host_has_capacity(video.host) or not video._claim(worker):
                return None
        return video

    def _host_has_capacity(self, host: str) -> bool:
        """Check the limit per host again under a lock: two workers may both have seen the last free place."""
        if host:
            advisory_lock(host)
        return not host or self.get_queryset().active().filter(host=host).count() < settings.PER_HOST

    def requeue_expired(self) -> int:
        """Requeue videos whose worker died; return how many."""
        return sum(
            video.release("The worker stopped answering", only_if_expired=True)
            for video in self.get_queryset().lease_expired()
        )

    def finish_interrupted_removals(self) -> None:
        """Finish or undo removals that a crash interrupted."""
        removal.finish_interrupted_removals(self.get_queryset())

    def cancel_all(self, reason: str = "Cancelled with all others") -> list[T]:
        """Cancel all unfinished videos; return those that were cancelled."""
        # Waiting videos first: otherwise each download that is cancelled would let another one start.
        unfinished = [*self.get_queryset().waiting(), *self.get_queryset().active()]
        return [video for video in unfinished if video.cancel(reason)]

    def retry_failed(self, reason: str = "Retried with all others") -> list[T]:
        """Retry all failed videos, oldest first; return those that were queued."""
        failed = self.get_queryset().filter(status=Status.FAILED).order_by("pk")
        return [video for video in failed if video.retry(reason, allow_duplicate=False)]

    def latest_rev(self) -> int:
        """Return the id of the newest event, which grows with every change of a row."""
        return event.latest_rev()
