"""The page of a playlist: its rows in the order of the site, page by page, and what they are in all."""

from collections.abc import Mapping
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, Max, Min, Q, Sum
from django.utils.functional import cached_property

from downloads.library.paging import PageLinks
from downloads.models import Channel, PlaylistItem, Status, Video
from downloads.models.channels.channel import has_page
from downloads.models.playlists.playlist_item import WATCHABLE_CONDITION

PAGE_SIZE = 100
SHOWN_FIELDS = (
    "video_id",
    "title",
    "url",
    "uploader",
    "upload_date",
    "thumbnail",
    "duration",
    "size",
    "ended_at",
    "status",
    "error",
    "is_list",
)
TOTALS = {
    "count": Count("pk"),
    "watchable": Count("pk", filter=WATCHABLE_CONDITION),
    "seconds": Sum("video__duration", filter=WATCHABLE_CONDITION),
    "size": Sum("video__size", filter=WATCHABLE_CONDITION),
    # The channel of all, if they are of one.
    "first_channel": Min("video__channel", filter=WATCHABLE_CONDITION),
    "last_channel": Max("video__channel", filter=WATCHABLE_CONDITION),
    **{f"in_{status}": Count("pk", filter=Q(video__status=status)) for status in Status},
}


class PlaylistPage(PageLinks):
    """One page of the places of a playlist."""

    def __init__(self, playlist: Video, query: Mapping[str, str]) -> None:
        self.playlist = playlist
        self.requested_page = query.get("page")

    @cached_property
    def _items(self) -> Any:
        return PlaylistItem.objects.filter(playlist=self.playlist)

    @cached_property
    def totals(self) -> dict[str, Any]:
        """Return the number of places, of videos that can be watched, and the length and size of those."""
        return dict(self._items.aggregate(**TOTALS))

    @property
    def count(self) -> int:
        """Return the number of places."""
        return int(self.totals["count"])

    @cached_property
    def state_counts(self) -> list[tuple[str, int]]:
        """Return how many of the videos are in each other state than complete, as words."""
        counts = {status: int(self.totals[f"in_{status}"]) for status in Status}
        missing = self.count - sum(counts.values())
        others = [
            (str(status.label).lower(), count)
            for status, count in counts.items()
            if count and status != Status.COMPLETE
        ]
        return [*others, ("not here", missing)] if missing else others

    @cached_property
    def page(self) -> "Page[PlaylistItem]":
        """Return the requested page of the places, or the nearest one that exists."""
        page: Page[Any] = Paginator(range(self.count), PAGE_SIZE).get_page(self.requested_page)
        start = max(page.start_index() - 1, 0)
        items = self._items.select_related("video").only(
            "position", "title", "absence", "playlist_id", *_video_fields()
        )
        page.object_list = list(items.order_by("position", "pk")[start : page.end_index()])
        return page

    @property
    def videos(self) -> list[Video]:
        """Return the videos of the page that are here."""
        return [item.video for item in self.page if item.video]

    @cached_property
    def first_video(self) -> Video | None:
        """Return the first video that can be watched."""
        for video in self._videos_from_start:
            if video.status == Status.COMPLETE and not video.is_list:
                return video
        return self._find_first(WATCHABLE_CONDITION) if self.totals["watchable"] else None

    @cached_property
    def cover(self) -> Video | None:
        """Return the first video with a picture."""
        for video in self._videos_from_start:
            if video.thumbnail:
                return video
        return self._find_first(Q(video__thumbnail__gt="")) if self.page.has_other_pages() else None

    @property
    def _videos_from_start(self) -> list[Video]:
        """Return the videos of the page if it is the first, since what is looked for is mostly there."""
        return self.videos if self.page.number == 1 else []

    def _find_first(self, condition: Q) -> Video | None:
        item = self._items.filter(condition).select_related("video").only("position", *_video_fields()).first()
        return item.video if item else None

    @cached_property
    def channel(self) -> Channel | None:
        """Return the channel that all its videos are of; None for several, or none."""
        first, last = self.totals["first_channel"], self.totals["last_channel"]
        return Channel.objects.filter(pk=first).first() if first == last and has_page(first) else None

    def build_url(self, **changes: str | int) -> str:
        """Return the URL of a page of the entries."""
        return f"{self.playlist.get_absolute_url()}?page={changes['page']}"


def _video_fields() -> list[str]:
    return [f"video__{name}" for name in SHOWN_FIELDS]
