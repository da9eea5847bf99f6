"""PlaylistItem model: one place in a playlist."""

from django.db import models
from django.db.models import Q

from downloads.database.stored_values import TolerantRow
from downloads.models.choices import Status

# Of the items whose video can be watched; a playlist in a playlist cannot.
WATCHABLE_CONDITION = Q(video__status=Status.COMPLETE, video__is_list=False)


class Absence(models.TextChoices):
    """Reason why a place of a playlist has no video, or is no longer in the list; for people."""

    PRESENT = "", ""
    MEMBERS = "members", "For members of the channel only"
    SUBSCRIBERS = "subscribers", "For subscribers of the site only"
    PRIVATE = "private", "Private"
    REJECTED = "rejected", "Its link can’t be added"
    GONE = "gone", "No longer in the playlist on the site"


class PlaylistItem(TolerantRow):
    """A place in a playlist, and the video there; without one if it cannot be had, or was deleted here."""

    playlist = models.ForeignKey("Video", on_delete=models.CASCADE, related_name="items", db_index=False)
    video = models.ForeignKey("Video", null=True, on_delete=models.SET_NULL, related_name="places")
    position = models.PositiveIntegerField()
    title = models.CharField(max_length=500, blank=True)
    absence = models.CharField(max_length=16, choices=Absence.choices, blank=True)

    class Meta:
        ordering = ("position", "pk")
        indexes = (models.Index(fields=["playlist", "position"], name="downloads_playlist_places"),)
        constraints = (
            models.UniqueConstraint(
                fields=["playlist", "video"], condition=Q(video__isnull=False), name="downloads_playlist_video"
            ),
        )

    def __str__(self) -> str:
        return f"{self.position} of {self.playlist_id}"

    @property
    def absence_text(self) -> str:
        """Sentence that says why there is no video, or what is odd with it; "" for one that is there as any other."""
        if self.absence in Absence.values and self.absence:
            return str(Absence(self.absence).label)
        return "" if self.video_id else "Deleted from the archive"
