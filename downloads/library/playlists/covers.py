"""Covers of playlists' cards: the number of videos, and the picture of the first that has one."""

import dataclasses
import datetime as dt
from collections.abc import Sequence

from django.db.models import Count, OuterRef, Subquery

from downloads.models import PlaylistItem, Video


@dataclasses.dataclass(frozen=True)
class Cover:
    """The picture in front of a playlist: that of a video."""

    video_id: str
    ended_at: dt.datetime | None


def attach_covers(videos: Sequence[Video]) -> None:
    """Set `cover` and `item_count` of the playlists among these videos, by one query; the others have no cover."""
    playlists = {video.pk: video for video in videos if video.is_list}
    if not playlists:
        return
    pictured = PlaylistItem.objects.filter(playlist=OuterRef("pk"), video__thumbnail__gt="").order_by("position", "pk")
    places = PlaylistItem.objects.filter(playlist=OuterRef("pk")).order_by().values("playlist")
    rows = Video.objects.filter(pk__in=playlists).values_list(
        "pk",
        Subquery(places.annotate(count=Count("pk")).values("count")),
        Subquery(pictured.values("video__video_id")[:1]),
        Subquery(pictured.values("video__ended_at")[:1]),
    )
    for pk, count, video_id, ended_at in rows:
        playlists[pk].item_count = count or 0
        playlists[pk].cover = Cover(video_id, ended_at) if video_id else None
