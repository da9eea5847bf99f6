"""What stands beside a player: the videos to watch next, the one before, and the place in the playlist."""

import dataclasses

from django.db.models import Q

from downloads.library.channels.play_all import channel_key
from downloads.library.up_next import CHANNEL_PREFIX, next_videos
from downloads.models import PlaylistItem, Status, Video
from downloads.progress.keys import VIDEO_ID_PATTERN

MAX_VIDEOS = 12
IS_WATCHABLE = Q(video__status=Status.COMPLETE, video__is_list=False)


@dataclasses.dataclass(frozen=True)
class NextList:
    """The videos that follow one, the one before it, and the playlist that they are of."""

    videos: list[Video]
    previous: Video | None = None
    playlist: Video | None = None
    position: int = 0  # of the video in the playlist, from 1 on
    count: int = 0


def build_next_list(video: Video, list_key: str, limit: int = MAX_VIDEOS) -> NextList:
    """Return what follows a video in the list with this key, or in its own playlist.

    A list that has ended, or does not have the video, is followed by more of the uploader, and that by the newest.
    """
    place = None if list_key.startswith(CHANNEL_PREFIX) else _find_place(video, list_key)
    videos = next_videos(video, place.playlist.video_id if place else list_key, limit)
    if not videos and video.channel_id:
        videos = next_videos(video, channel_key(video.channel_id), limit)
    videos = videos or _newest_others(video, limit)
    if place is None:
        return NextList(videos, _added_after(video))
    items = PlaylistItem.objects.filter(playlist=place.playlist_id)
    before = items.filter(IS_WATCHABLE, position__lt=place.position).select_related("video").last()
    position = items.filter(position__lte=place.position).count()
    return NextList(videos, before and before.video, place.playlist, position, items.count())


def _find_place(video: Video, list_key: str) -> PlaylistItem | None:
    """Return the place of a video in the playlist with this id, or else in the one that it was put into last."""
    places = PlaylistItem.objects.filter(video=video).select_related("playlist").order_by("-pk")
    if list_key and VIDEO_ID_PATTERN.fullmatch(list_key):
        return places.filter(playlist__video_id=list_key).first() or places.first()
    return places.first()


def _added_after(video: Video) -> Video | None:
    """Return the video of the same channel, or of any if it has none, that was added after this one."""
    others = Video.objects.filter(status=Status.COMPLETE, is_list=False).defer("description", "subtitle_files")
    others = others.filter(channel=video.channel_id) if video.channel_id else others
    if video.added_at is None:
        return None
    # A bound and an exclusion instead of an OR, so that the index of added_at is used; the key breaks ties.
    newer = others.filter(added_at__gte=video.added_at).exclude(added_at=video.added_at, pk__lte=video.pk)
    return newer.newest_first().last()


def _newest_others(video: Video, limit: int) -> list[Video]:
    others = Video.objects.filter(status=Status.COMPLETE, is_list=False).defer("description", "subtitle_files")
    return list(others.exclude(pk=video.pk).newest_first()[:limit])
