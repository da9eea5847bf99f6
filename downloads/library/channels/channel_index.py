"""The list of channels: search by name, order and page, parsed from an untrusted query string."""

from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower
from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from downloads.library.paging import PageLinks
from downloads.models import Channel, Status, Video
from downloads.models.channels.channel import MAX_KEY

PAGE_SIZE = 60
MIN_CHANNELS_FOR_SEARCH = 12  # fewer are seen at a glance
MAX_QUERY_LENGTH = 200
SORT_LABELS = {"newest": "Newest video", "count": "Most videos", "name": "Name"}
SORT_ORDERS: dict[str, tuple[Any, ...]] = {
    "newest": (F("newest_at").desc(), "pk"),
    "count": (F("video_count").desc(), "pk"),
    "name": (Lower("name"), "pk"),
}


class ChannelIndex(PageLinks):
    """The channels with videos that a query string selects, and the URLs of related lists."""

    def __init__(self, query: QueryDict) -> None:
        self.q = " ".join(query.get("q", "")[:MAX_QUERY_LENGTH].replace("\x00", " ").split())
        self.default_sort = next(iter(SORT_LABELS))
        requested_sort = query.get("sort", "")
        self.sort = requested_sort if requested_sort in SORT_LABELS else self.default_sort
        self.requested_page = query.get("page")

    @property
    def sort_choices(self) -> list[tuple[str, str]]:
        """Return the orders as (value, label)."""
        return list(SORT_LABELS.items())

    @cached_property
    def _matching(self) -> QuerySet[Channel]:
        channels = Channel.objects.filter(video_count__gt=0, pk__range=(1, MAX_KEY))
        if not self.q:
            return channels
        # SQLite ignores the case of ASCII letters alone: look for the ways in which a name is usually written.
        spellings = {self.q, self.q.lower(), self.q.upper(), self.q.title(), self.q.capitalize()}
        matches = Q()
        for spelling in sorted(spellings):
            matches |= Q(name__icontains=spelling)
        return channels.filter(matches)

    @cached_property
    def total(self) -> int:
        """Return the number of matching channels."""
        return self._matching.count()

    @property
    def shows_search(self) -> bool:
        """Return whether the page has the search and the order: for many channels, or while one is set."""
        is_set = self.q or self.sort != self.default_sort
        return bool(is_set or self.total >= MIN_CHANNELS_FOR_SEARCH)

    @cached_property
    def page(self) -> "Page[Channel]":
        """Return the requested page, or the nearest one that exists, with the picture of each channel's newest video.

        The keys come from the index of the order alone, from the nearer end.
        """
        page: Page[Any] = Paginator(range(self.total), PAGE_SIZE).get_page(self.requested_page)
        start, stop = page.start_index() - 1, page.end_index()
        keys = self._matching.order_by(*SORT_ORDERS[self.sort]).values_list("pk", flat=True)
        if self.total and start > self.total // 2:
            on_page = list(keys.reverse()[self.total - stop : self.total - start])[::-1]
        else:
            on_page = list(keys[max(start, 0) : stop])
        rows = Channel.objects.in_bulk(on_page)
        page.object_list = [rows[key] for key in on_page if key in rows]
        _attach_newest_videos(page.object_list)
        return page

    def build_url(self, **changes: str | int) -> str:
        """Return the URL of this list with `changes`; the first page unless `changes` has a page."""
        parameters: dict[str, str | int] = {"q": self.q, "sort": "" if self.sort == self.default_sort else self.sort}
        query = QueryDict(mutable=True)
        query.update({name: str(value) for name, value in {**parameters, **changes}.items() if value})
        return f"{reverse('channels')}?{query.urlencode()}" if query else reverse("channels")

    @property
    def clear_url(self) -> str:
        """Return the URL without the search."""
        return self.build_url(q="")


def _attach_newest_videos(channels: list[Channel]) -> None:
    """Set `newest_video` of each channel, by one query."""
    newest = Video.objects.filter(channel__in=[channel.pk for channel in channels], added_at=F("channel__newest_at"))
    # By the index of the channels, not by that of the states.
    newest = newest.filter_using_order_index(status=Status.COMPLETE, is_list=False)
    newest = newest.only("video_id", "thumbnail", "ended_at", "channel_id")
    by_channel = {video.channel_id: video for video in newest.order_by("pk")}
    for channel in channels:
        channel.newest_video = by_channel.get(channel.pk)
