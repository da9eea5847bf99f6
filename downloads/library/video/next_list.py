"""The list beside a player: the videos to watch next, the one before, and the place in the playlist."""

import dataclasses

from downloads.library.channels.play_all import channel_key
from downloads.library.video.up_next import CHANNEL_PREFIX, next_videos, videos_after
from downloads.models import PlaylistItem, Status, Video
from downloads.models.playlists.playlist_item import WATCHABLE_CONDITION
from downloads.models.querysets import VideoQuerySet

MAX_VIDEOS = 12


@dataclasses.dataclass(frozen=True)
class NextList:
    """The videos that follow one, the one before it, and the playlist that they are of."""

    videos: list[Video]
    previous: Video | None = None
    playlist: Video | None = None
    position: int = 0  # of the video in the playlist, from 1 on
    count: int = 0


def build_next_list(video: Video, list_key: str = "", limit: int = MAX_VIDEOS) -> NextList:
    """Return what follows a video in the list with this key, or in its own playlist.

    A list that has ended, or does not have the video, is followed by more of the uploader, and that by the newest.
    """
    is_channel = list_key.startswith(CHANNEL_PREFIX)
    place = None if is_channel else _find_place(video, list_key)
    videos = videos_after(place, limit) if place else []
    videos = videos or next_videos(video, list_key if is_channel else _own_channel(video), limit)
    videos = videos or _others(video, limit)
    if not video.media_file:
        return NextList(videos, None, place.playlist if place else None)
    if place is None:
        return NextList(videos, _added_after(video))
    items = PlaylistItem.objects.filter(playlist=place.playlist_id)
    before = items.filter(WATCHABLE_CONDITION, position__lt=place.position).select_related("video").last()
    position = items.filter(position__lte=place.position).count()
    return NextList(videos, before.video if before else None, place.playlist, position, items.count())


def _own_channel(video: Video) -> str:
    # A key that means nothing instead of "", which stands for the video's playlist.
    return channel_key(video.channel_id or 0)


def _find_place(video: Video, list_key: str) -> PlaylistItem | None:
    """Return the place of a video in the playlist with this id, or else in the one that it was put into last."""
    places = PlaylistItem.objects.filter(video=video).select_related("playlist").order_by("-pk")
    if list_key:
        return places.filter(playlist__in=Video.objects.with_ids([list_key])).first() or places.first()
    return places.first()


def _watchable() -> VideoQuerySet[Video]:
    return Video.objects.filter(status=Status.COMPLETE, is_list=False).defer("description", "subtitle_files")


def _added_after(video: Video) -> Video | None:
    """Return the video that was added after this one, of the same channel if there is one."""
    if video.added_at is None:
        return None
    # A bound and an exclusion instead of an OR, so that the index of added_at is used; the key breaks ties.
    newer = _watchable().filter(added_at__gte=video.added_at).exclude(added_at=video.added_at, pk__lte=video.pk)
    of_channel = newer.filter(channel=video.channel_id).newest_first().last() if video.channel_id else None
    return of_channel or newer.newest_first().last()


def _others(video: Video, limit: int) -> list[Video]:
    """Return the videos added before this one, the newest first, and then the newest of all."""
    videos = _watchable().exclude(pk=video.pk).newest_first()
    older = []
    if video.added_at is not None:
        ties = {"added_at": video.added_at, "pk__gt": video.pk}
        older = list(videos.filter(added_at__lte=video.added_at).exclude(**ties)[:limit])
    known = {other.pk for other in older}
    rest = [other for other in videos[:limit] if other.pk not in known] if len(older) < limit else []
    return [*older, *rest][:limit]
