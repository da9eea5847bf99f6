"""Video model: one row per submitted URL, which is also its place in the queue."""

import datetime as dt
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string

from downloads.database.stored_values import TolerantJSONField, TolerantRow
from downloads.models import indexes
from downloads.models.channels.channel import MAX_URL_LENGTH as MAX_CHANNEL_URL_LENGTH
from downloads.models.channels.channel import Channel
from downloads.models.choices import ACTIVE_STATUSES, UNFINISHED_STATUSES, Quality, Status
from downloads.models.manager import VideoManager
from downloads.models.querysets import VideoQuerySet
from downloads.models.removal import Removable
from downloads.models.transitions import Transitions
from downloads.models.value_objects import Chapter, QueuePosition, read_chapters
from downloads.network.url_secrets import has_secrets, hide_secrets
from downloads.network.web_links import only_web_link
from downloads.progress.keys import VIDEO_ID_PATTERN

# Without characters that look alike, and without "-", which a shell would take for an option at the start.
ID_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ"
MAX_URL_LENGTH = 2048


def new_video_id() -> str:
    """Return a random public id of 11 characters (about 63 bits)."""
    return get_random_string(11, ID_ALPHABET)


class Video(Transitions, Removable, models.Model):
    """One video: the request, its metadata, its files and, by Transitions, its state."""

    video_id = models.CharField(max_length=64, unique=True, default=new_video_id, editable=False)
    url = models.CharField("submitted URL", max_length=MAX_URL_LENGTH)
    canonical_url = models.CharField("URL", max_length=MAX_URL_LENGTH)
    extractor = models.CharField("extractor of yt-dlp", max_length=100, blank=True)
    source_id = models.CharField("ID on the site", max_length=255, blank=True)
    is_list = models.BooleanField("is a playlist", default=False)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="entries")

    title = models.CharField(max_length=500, blank=True)
    uploader = models.CharField(max_length=255, blank=True)
    # The uploader's page at the site; None if unknown. Triggers read it, and write `channel` (channels/triggers.py).
    uploader_url = models.CharField(max_length=MAX_CHANNEL_URL_LENGTH, null=True, editable=False)
    channel = models.ForeignKey(
        Channel, null=True, editable=False, on_delete=models.SET_NULL, related_name="videos", db_index=False
    )
    description = models.TextField(blank=True)
    duration = models.FloatField("duration in seconds", null=True, blank=True)
    upload_date = models.DateField(null=True, blank=True)
    thumbnail = models.CharField(max_length=500, blank=True)
    media_file = models.CharField(max_length=500, blank=True)
    # Unknown for files that were stored without ffmpeg, or before this column.
    has_video = models.BooleanField(null=True, editable=False)
    # Of the file, by ffmpeg. None is unknown, as of files that were stored before these columns; "" is no such stream.
    width = models.PositiveIntegerField(null=True, blank=True, editable=False)
    height = models.PositiveIntegerField(null=True, blank=True, editable=False)
    video_codec = models.CharField(max_length=40, null=True, blank=True, editable=False)
    audio_codec = models.CharField(max_length=40, null=True, blank=True, editable=False)
    # The site's: [{"start": seconds, "title": "…"}, …]; see chapter_list.
    chapters = TolerantJSONField(content_type=list, null=True, blank=True, editable=False)
    size = models.BigIntegerField("size in bytes", null=True, blank=True)
    quality = models.CharField(max_length=8, choices=Quality.choices, default=Quality.BEST)
    subtitle_languages = models.CharField("subtitle languages", max_length=200, blank=True)
    # WebVTT files: [{"language": "en", "file": path in the media folder}, …].
    subtitle_files = TolerantJSONField(content_type=list, default=list, blank=True, editable=False)

    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    added_at = models.DateTimeField(default=timezone.now)

    # True: retention never removes it. None is False; a default would have SQLite build the table anew.
    protected = models.BooleanField("kept by retention", null=True, editable=False)
    # Of a playlist: how many of its videos are added; None: YTARCHIVE_PLAYLIST_LIMIT.
    list_limit = models.PositiveIntegerField("videos to add", null=True, blank=True, editable=False)

    # Columns for the filters and orders of the library, computed by the database.
    kind = models.GeneratedField(
        expression=indexes.KIND_EXPRESSION, output_field=models.CharField(max_length=5), db_persist=True
    )
    sort_title = models.GeneratedField(
        expression=indexes.SORT_TITLE_EXPRESSION, output_field=models.CharField(max_length=100), db_persist=True
    )

    # Set by the listing of the library for the cards of playlists (library/playlists/covers.py).
    cover: Any = None
    item_count: int = 0

    objects: ClassVar[VideoManager["Video"]] = VideoManager()

    class Meta:
        # Before `indexes`, which hides the module.
        constraints = (
            models.UniqueConstraint(
                "canonical_url",
                indexes.REQUESTED_MEDIUM_EXPRESSION,
                name="downloads_unique_url",
                violation_error_message="This video is already in the archive.",
            ),
        )
        indexes = (
            *indexes.VIDEO_INDEXES,
            models.Index(fields=["status", "queued_at"]),
            models.Index(fields=["status", "-priority", "queued_at"]),
            models.Index(fields=["extractor", "source_id"]),
            models.Index(fields=["lease_token"], condition=~Q(lease_token=""), name="downloads_video_leases"),
        )

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("video", args=[self.video_id])

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **options: Any) -> "Video":
        """Build a video from a row; one that has no valid id gets one that leads nowhere, and its page is not found."""
        video: Video = super().from_db(db, field_names, values, **options)
        video_id = video.__dict__.get("video_id", "deferred")
        # A name that begins with a dot would be another folder than the video's own.
        if video_id.startswith(".") or not VIDEO_ID_PATTERN.fullmatch(video_id):
            video.video_id = f"invalid-{video.pk}"
        return video

    @property
    def name(self) -> str:
        """The title, or the URL while no title is known."""
        return self.title.strip() or hide_secrets(self.url.strip()) or "Unknown video"

    @property
    def page_url(self) -> str:
        """The URL of the page at its site; "" for anything that is no link, such as javascript:."""
        return only_web_link(self.url)

    @property
    def has_secret_url(self) -> bool:
        """True if the URL holds a token or the like, so that only those who may change the video see it whole."""
        return has_secrets(self.url)

    @property
    def chapter_list(self) -> list[Chapter]:
        """The chapters that the site gave, in their order in time."""
        return read_chapters(self.chapters)

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE_STATUSES

    @property
    def is_redownloading(self) -> bool:
        """True for a video that is downloaded again, and for a playlist that is checked: it can still be watched."""
        return self.status in UNFINISHED_STATUSES and bool(self.media_file or self.is_list)

    @property
    def is_terminal(self) -> bool:
        """True unless it waits or runs: a status that is none belongs to a video that nobody will fetch."""
        return self.status not in UNFINISHED_STATUSES

    @property
    def retries_at(self) -> "dt.datetime | None":
        """The time of the next automatic retry; None for a video that waits for its turn only."""
        return self.not_before if self.status == Status.QUEUED and self.retry_count else None

    @property
    def wait_message(self) -> str:
        """The reason why a waiting video is not fetched yet, a sentence; "" for one that waits for its turn only."""
        is_waiting = self.status == Status.QUEUED and self.not_before and not self.retry_count
        return self.wait_reason if is_waiting else ""

    @property
    def queue_position(self) -> QueuePosition:
        """The position in the queue."""
        return QueuePosition(self.priority, self.not_before)

    def ahead_in_queue(self) -> "VideoQuerySet[Video]":
        """Return the waiting videos that start before this one."""
        if self.queued_at is None:
            return Video.objects.none()
        earlier = Q(queued_at__lt=self.queued_at) | Q(queued_at=self.queued_at, pk__lt=self.pk)
        return Video.objects.waiting().due().filter(Q(priority__gt=self.priority) | Q(earlier, priority=self.priority))


class EntryRequest(TolerantRow):
    """Data that yt-dlp needs to fetch a video of a playlist, beside its URL. They may hold secrets: shown nowhere.

    `info` is the entry as its extractor gave it, None if it must be read from the playlist again. The key identifies
    the entry where the URL does not.
    """

    video = models.OneToOneField(Video, on_delete=models.CASCADE, primary_key=True, related_name="entry_request")
    key = models.CharField(max_length=40, blank=True, db_index=True)
    playlist_url = models.CharField(max_length=MAX_URL_LENGTH)
    position = models.PositiveIntegerField(default=0)
    source_id = models.CharField(max_length=500, blank=True)
    title = models.CharField(max_length=500, blank=True)
    info = TolerantJSONField(content_type=dict, null=True)
    cookies = TolerantJSONField(content_type=list, default=list)

    def __str__(self) -> str:
        return f"Request of {self.video_id}"

    def forget_secrets(self) -> None:
        """Delete cookies and addresses of files, once the video is stored: a redownload reads the playlist again."""
        is_pointer = self.info is not None and self.info.get("_type") in ("url", "url_transparent")
        type(self).objects.filter(pk=self.pk).update(cookies=[], info=self.info if is_pointer else None)
