"""Template context of one video's page: player, chapters, history, place in the queue, entries, what comes next."""

import dataclasses
import datetime as dt
import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from downloads.files import media_folder, media_types
from downloads.library.chapters import find_chapters
from downloads.library.next_list import build_next_list
from downloads.library.playlists.playlist_page import PlaylistPage
from downloads.models import Quality, Queue, Status, Video
from downloads.models.event import VideoEvent
from downloads.network.url_secrets import hide_secrets
from downloads.subtitles import collection
from downloads.ytdlp_update.advice import update_advice

MAX_EVENTS_SHOWN = 100
MAX_LIST_KEY_LENGTH = 80
START_SECONDS_PATTERN = re.compile(r"[0-9]{1,6}")


@dataclasses.dataclass(frozen=True)
class Player:
    """The playback of a video's file: a "video", "audio", or of an "other" type for other programs; or it is "gone"."""

    kind: str
    version: str = ""  # changes with the file, for the browser's cache
    tracks: list[dict[str, str]] = dataclasses.field(default_factory=list)  # those asked for first, in that order

    @property
    def is_playable(self) -> bool:
        """Return whether browsers can play the file."""
        return self.kind in ("video", "audio")


@dataclasses.dataclass(frozen=True)
class TimelineEvent:
    """An event with the time that passed since the event before it."""

    event: VideoEvent
    since_previous: dt.timedelta | None


def video_page_context(video: Video, query: Mapping[str, str]) -> dict[str, Any]:
    """Return the template context of a video's page; `t` in `query` is the second at which the player starts."""
    reason, _, error_details = hide_secrets(video.error).partition("\n")
    is_queued = video.status == Status.QUEUED
    is_claimable = is_queued and video.retries_at is None and not video.wait_message
    player = build_player(video)
    is_missing = player is not None and player.kind == "gone"
    start_match = START_SECONDS_PATTERN.fullmatch(query.get("t", ""))
    list_key = query.get("list", "")[:MAX_LIST_KEY_LENGTH]
    return {
        "player": player,
        "start": start_match[0] if start_match else "",
        "reason": reason,
        "error_details": error_details,
        "update_advice": update_advice(video.error, video.extractor),
        # Held while the disk of a file is not mounted: then the file is not lost.
        "queue": Queue.get_or_default() if is_queued or is_missing else None,
        "videos_ahead": video.ahead_in_queue().count() if is_claimable else None,
        "attempts": group_events_by_attempt(video),
        "chapters": find_chapters(video) if player and player.is_playable else [],
        "next": None if video.is_list else build_next_list(video, list_key),
        "list_key": list_key,
        # What the query of a link to a time in the video begins with.
        "time_prefix": urlencode({"list": list_key}) + "&" if list_key else "",
        **({"playlist": PlaylistPage(video, query)} if video.is_list else {}),
    }


def build_player(video: Video) -> Player | None:
    """Return the player for a video's file; None while there is no file."""
    if not video.media_file:
        return None
    path = media_folder.find_file(video.media_file)
    if path is None:
        return Player("gone")
    wanted_codes = [code.strip().lower() for code in video.subtitle_languages.split(",")]
    codes = sorted(
        collection.existing_files_by_language(video.subtitle_files), key=lambda code: _rank(code, wanted_codes)
    )
    tracks = [{"language": code, "label": collection.language_label(code)} for code in codes]
    return Player(_player_kind(video, path), f"{path.stat().st_mtime_ns:x}", tracks)


def _rank(code: str, wanted_codes: list[str]) -> int:
    """Return the place of a language in what was asked for; "en-GB" has that of "en", unless it was named itself."""
    names = (code.lower(), code.lower().partition("-")[0])
    return min((wanted_codes.index(name) for name in names if name in wanted_codes), default=len(wanted_codes))


def _player_kind(video: Video, path: Path) -> str:
    content_type = media_types.get_content_type(path)
    if not content_type.startswith(("audio/", "video/")):
        return "other"
    if video.has_video is not None:
        return "video" if video.has_video else "audio"
    may_be_audio = video.quality == Quality.AUDIO and media_types.may_lack_video(path)
    return "audio" if may_be_audio or content_type.startswith("audio/") else "video"


def group_events_by_attempt(video: Video) -> list[list[TimelineEvent]]:
    """Return the newest events by attempt: the newest attempt first, its events in the order in which they happened."""
    events = list(video.events.order_by("-pk")[:MAX_EVENTS_SHOWN])[::-1]
    timeline = [
        TimelineEvent(event, event.at - previous.at if previous and event.at and previous.at else None)
        for previous, event in zip([None, *events], events, strict=False)
    ]
    attempts = itertools.groupby(timeline, key=lambda timeline_event: timeline_event.event.attempt)
    return [list(timeline_events) for _, timeline_events in attempts][::-1]
