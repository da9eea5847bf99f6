"""The videos to watch after one: those that follow it in a playlist or a channel.

A page names the context by a list key: "channel:<number>", or the id of a playlist.
"""

from django.db.models import Q, QuerySet

from downloads.models import PlaylistItem, Status, Video
from downloads.models.playlists.playlist_item import WATCHABLE_CONDITION

CHANNEL_PREFIX = "channel:"
LONG_FIELDS = ("description", "subtitle_files")


def next_videos(video: Video, list_key: str, limit: int) -> list[Video]:
    """Return the videos that can be watched after this one, in their order; none for a key that means nothing.

    Without a key: the rest of its playlist, else more of its uploader.
    """
    if list_key.startswith(CHANNEL_PREFIX):
        return _next_in_channel(video, _parse_channel_id(list_key), limit)
    if list_key:
        return _next_in_playlist(video, _find_playlist_id(list_key), limit)
    place = PlaylistItem.objects.filter(video=video).order_by("-pk").first()
    following = _next_in_playlist(video, place.playlist_id, limit) if place else []
    return following or _next_in_channel(video, video.channel_id, limit)


def _watchable_items(playlist_id: int | None) -> "QuerySet[PlaylistItem]":
    items = PlaylistItem.objects.filter(playlist=playlist_id)
    return items.filter(WATCHABLE_CONDITION).order_by("position", "pk")


def _next_in_channel(video: Video, channel_id: int | None, limit: int) -> list[Video]:
    """Return the videos that were added before this one, newest first: "Play all" begins with the newest."""
    if not channel_id or video.added_at is None:
        return []
    earlier = Q(added_at__lt=video.added_at) | Q(added_at=video.added_at, pk__lt=video.pk)
    # The bound of the date is one that the index serves; the condition with the key breaks ties.
    # Without the index of the states, which SQLite would take for as good as that of the channels.
    videos = Video.objects.filter(channel=channel_id, added_at__lte=video.added_at).filter(earlier)
    videos = videos.filter_using_order_index(status=Status.COMPLETE, is_list=False).defer(*LONG_FIELDS)
    return list(videos.newest_first()[:limit])


def _next_in_playlist(video: Video, playlist_id: int | None, limit: int) -> list[Video]:
    place = PlaylistItem.objects.filter(playlist=playlist_id, video=video).first() if playlist_id else None
    return videos_after(place, limit) if place else []


def videos_after(place: PlaylistItem, limit: int) -> list[Video]:
    """Return the videos that can be watched after a place in its playlist."""
    following = _watchable_items(place.playlist_id).filter(position__gt=place.position)
    return [item.video for item in following.select_related("video")[:limit] if item.video]


def _parse_channel_id(list_key: str) -> int | None:
    digits = list_key.removeprefix(CHANNEL_PREFIX)
    # Only ASCII digits, and no number that a database refuses.
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None


def _find_playlist_id(list_key: str) -> int | None:
    return Video.objects.with_ids([list_key]).filter(is_list=True).values_list("pk", flat=True).first()
