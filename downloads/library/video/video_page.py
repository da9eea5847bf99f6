"""Template context of one video's page: player, chapters, history, place in the queue, entries, what comes next."""

import dataclasses
import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from downloads.library.channels import play_all
from downloads.library.playlists.playlist_page import PlaylistPage
from downloads.library.video.chapters import find_chapters, parse_time
from downloads.library.video.next_list import build_next_list
from downloads.library.video.player import Player, build_player
from downloads.models import PlayableCopy, Queue, Status, Video
from downloads.models.channels.channel import has_page
from downloads.models.event import VideoEvent
from downloads.network.url_secrets import hide_secrets
from downloads.ytdlp_update.advice import update_advice

MAX_EVENTS_SHOWN = 100
MAX_LIST_KEY_LENGTH = 80
MAX_AHEAD_SHOWN = 6


@dataclasses.dataclass(frozen=True)
class TimelineEvent:
    """An event with the time that passed since the event before it."""

    event: VideoEvent
    since_previous: dt.timedelta | None
    repeats_error: bool = False  # the page says the reason above its history


class AheadInQueue:
    """The videos that start before a waiting one: their number, and the first of them in their order."""

    def __init__(self, video: Video) -> None:
        ahead = video.ahead_in_queue()
        self.videos = list(ahead.defer("description", "subtitle_files")[:MAX_AHEAD_SHOWN])
        self.count = len(self.videos) if len(self.videos) < MAX_AHEAD_SHOWN else ahead.count()


def video_page_context(video: Video, query: Mapping[str, str], languages: Sequence[str] = ()) -> dict[str, Any]:
    """Return the template context of a video's page; `t` in `query` is the second at which the player starts.

    `languages` are those of the visitor, the preferred first.
    """
    reason, _, error_details = hide_secrets(video.error).partition("\n")
    is_queued = video.status == Status.QUEUED
    is_claimable = is_queued and video.retries_at is None and not video.wait_message
    copy = None if video.is_list or not video.media_file else PlayableCopy.objects.filter(pk=video.pk).first()
    player = build_player(video, copy, languages)
    is_copy_waiting = copy is not None and copy.status == Status.QUEUED
    is_missing = player is not None and player.kind == "gone"
    ahead = AheadInQueue(video) if is_claimable else None
    start = parse_time(query.get("t", ""))
    list_key = query.get("list", "")[:MAX_LIST_KEY_LENGTH]
    return {
        "player": player,
        "copy": copy,
        "offers_copy": offers_copy(video, copy, player),
        # The video's own size is that of all its files.
        "original_size": video.size and max(0, video.size - (copy.size or 0 if copy else 0)),
        "start": "" if start is None else f"{start}",
        "reason": reason,
        "error_details": error_details,
        "update_advice": update_advice(video.error, video.extractor),
        # Held while the disk of a file is not mounted: then the file is not lost.
        "queue": Queue.get_or_default() if is_queued or is_missing or is_copy_waiting else None,
        "ahead": ahead,
        # The picture that the list of channels shows.
        "channel_video": _channel_video(video),
        "attempts": group_events_by_attempt(video),
        "chapters": find_chapters(video) if player and player.is_playable else [],
        "next": None if video.is_list else build_next_list(video, list_key),
        "list_key": list_key,
        # What the query of a link to a time in the video begins with.
        "time_prefix": urlencode({"list": list_key}) + "&" if list_key else "",
        **({"playlist": PlaylistPage(video, query)} if video.is_list else {}),
    }


def offers_copy(video: Video, copy: PlayableCopy | None, player: Player | None) -> bool:
    """Return whether a playable copy may be asked for: there is none, and what is said of one offers nothing itself."""
    has_file = video.status == Status.COMPLETE and player is not None and player.kind != "gone"
    is_told = copy is not None and (copy.is_unfinished or copy.status == Status.FAILED)
    return has_file and not is_told and not (player and player.is_copy)


def _channel_video(video: Video) -> Video | None:
    if video.is_list or video.channel_id is None or not has_page(video.channel_id):
        return None
    return play_all.newest_video(video.channel_id)


def group_events_by_attempt(video: Video) -> list[list[TimelineEvent]]:
    """Return the newest events by attempt: the newest attempt first, its events in the order in which they happened."""
    events = list(video.events.order_by("-pk")[:MAX_EVENTS_SHOWN])[::-1]
    timeline = [
        TimelineEvent(
            event,
            event.at - previous.at if previous and event.at and previous.at else None,
            repeats_error=event is events[-1] and event.status == video.status and event.reason == video.error,
        )
        for previous, event in zip([None, *events], events, strict=False)
    ]
    attempts = itertools.groupby(timeline, key=lambda timeline_event: timeline_event.event.attempt)
    return [list(timeline_events) for _, timeline_events in attempts][::-1]
