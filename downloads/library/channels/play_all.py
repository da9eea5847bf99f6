"""The start of “Play all” of a channel, and the key by which the video pages know the channel."""

from downloads.models import Status, Video


def channel_key(channel_id: int) -> str:
    """Return the key of a channel for the `list` parameter of a video's page."""
    return f"channel:{channel_id}"


def newest_video(channel_id: int) -> Video | None:
    """Return the newest video of a channel that can be watched."""
    # By the index of the channels, not by that of the states.
    videos = Video.objects.filter(channel=channel_id).filter_using_order_index(status=Status.COMPLETE, is_list=False)
    return videos.defer("description", "subtitle_files").newest_first().first()
