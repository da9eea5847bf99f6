"""Event log: one row for each change of a video or of the queue."""

from django.db import models
from django.db.models import Max
from django.utils import timezone

from downloads.database.stored_values import TolerantRow
from downloads.models.choices import Status
from downloads.network.url_secrets import hide_secrets


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
