"""Channel model: one row per uploader, with counters that the database itself keeps exact."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.urls import reverse

from downloads.database.stored_values import MAX_SAFE_INTEGER, TolerantRow
from downloads.network.web_links import only_web_link

MAX_URL_LENGTH = 500
MAX_KEY = 10**18 - 1  # its digits are those that a URL of a channel takes


def has_page(channel_id: int | None) -> bool:
    """Return whether a channel can have this key: a row may hold any number, and no URL takes it."""
    return channel_id is not None and 0 < channel_id <= MAX_KEY


class Channel(TolerantRow):
    """An uploader at a site, and the number, length and size of the complete videos from there.

    Its identity is the address of the uploader's page where the site told one; otherwise the name at that site, so
    that two sites may have uploaders of one name. A channel known by name alone gets the first address that comes with
    its name. Triggers write every column (`triggers.py`), so that whatever changes a video keeps the counters exact.
    The row stays when the last video goes: its address keeps its meaning if another comes.
    """

    site = models.CharField(max_length=255, blank=True)  # an extractor, or a host where that says nothing
    name = models.CharField(max_length=255, blank=True)
    url = models.CharField(max_length=MAX_URL_LENGTH, blank=True)
    video_count = models.BigIntegerField(default=0)
    total_ms = models.BigIntegerField(default=0)  # whole numbers add up exactly, in any order
    total_bytes = models.BigIntegerField(default=0)
    newest_at = models.DateTimeField(null=True)

    newest_video: Any = None  # set by the list of channels, for the picture

    STORED_LIMITS: ClassVar = dict.fromkeys(("video_count", "total_ms", "total_bytes"), (0, MAX_SAFE_INTEGER))

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["url"], condition=~Q(url=""), name="downloads_channel_url"),
            models.UniqueConstraint(fields=["site", "name"], condition=Q(url=""), name="downloads_channel_name"),
        )
        indexes = (
            models.Index(fields=["site", "name"], name="downloads_channel_site"),
            # Each has all that the list of channels reads to find a page.
            models.Index(fields=["-video_count", "id"], name="downloads_channel_count"),
            models.Index(fields=["-newest_at", "id", "video_count"], name="downloads_channel_newest"),
            models.Index(Lower("name"), "id", "video_count", name="downloads_channel_by_name"),
        )

    def __str__(self) -> str:
        return self.display_name

    def get_absolute_url(self) -> str:
        return reverse("channel", args=[self.pk])

    @property
    def display_name(self) -> str:
        """The name, or words where the site tells none."""
        return self.name.strip() or (f"Unknown uploader at {self.site}" if self.site else "Unknown uploader")

    @property
    def page_url(self) -> str:
        """The address of its page at the site; "" for anything that is no link."""
        return only_web_link(self.url)

    @property
    def total_seconds(self) -> float:
        """The length of all its videos."""
        return (self.total_ms or 0) / 1000
