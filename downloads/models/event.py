"""Event log: one row for each change of a video or of the queue."""

import functools

from django.db import models, transaction
from django.db.models import Max
from django.utils import timezone

from downloads.database.clock import current_moment
from downloads.database.stored_values import TolerantRow
from downloads.models.choices import Status
from downloads.network.url_secrets import hide_secrets
from downloads.progress import message, publisher

# Public id of the queue's own events. On the wire each gets an id of its own, because a page does not ask again for
# an id that it has learnt is no video.
QUEUE_PUBLIC_ID = "queue"


class VideoEvent(TolerantRow):
    """One change of a video. The newest id is the archive's `rev`, so events outlive their video."""

    video = models.ForeignKey("downloads.Video", null=True, on_delete=models.SET_NULL, related_name="events")
    public_id = models.CharField(max_length=64, db_index=True)
    at = models.DateTimeField(default=timezone.now)
    status = models.CharField(max_length=16, choices=Status.choices)
    attempt = models.PositiveIntegerField(default=1)
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.public_id} {self.status}: {hide_secrets(self.reason)}"


def latest_rev() -> int:
    """Return the id of the newest event, which grows with every change of a row; 0 without events."""
    return VideoEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0


def latest_event() -> VideoEvent | None:
    """Return the newest event, with id and time loaded; None without events."""
    return VideoEvent.objects.only("at").last()


def record_queue_event(reason: str) -> None:
    """Insert an event of the queue, and have open pages show its state anew once the transaction commits."""
    event = VideoEvent.objects.create(
        at=current_moment(), public_id=QUEUE_PUBLIC_ID, status=Status.QUEUED, reason=reason[:2000]
    )
    # With "queued" the bridge knows that nothing runs under this id.
    changed = message.Progress(status=Status.QUEUED, changed=True)
    transaction.on_commit(functools.partial(publisher.publish_progress, f"{QUEUE_PUBLIC_ID}:{event.pk}", changed))
