"""What the page of one video shows besides its row: player, timeline, place in the queue, entries, neighbours."""

import dataclasses
import datetime as dt
import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db.models import Count

from downloads.files import media_folder, media_types, subtitles
from downloads.models import Quality, Queue, Status, Video
from downloads.models.event import VideoEvent

MAX_EVENTS_SHOWN = 100
MAX_ENTRIES_SHOWN = 200
START_SECONDS_PATTERN = re.compile(r"[0-9]{1,6}")


@dataclasses.dataclass(frozen=True)
class Player:
    """How a video's file can be played: as "video", as "audio", in "other" programs only, or it is "gone"."""

    kind: str
    version: str = ""  # another one for another file
    tracks: list[dict[str, str]] = dataclasses.field(default_factory=list)

    @property
    def is_playable(self) -> bool:
        return self.kind in ("video", "audio")


@dataclasses.dataclass(frozen=True)
class TimelineEvent:
    """An event, and how long after the one before it came."""

    event: VideoEvent
    since_previous: dt.timedelta | None


def video_page_context(video: Video, query: Mapping[str, str]) -> dict[str, Any]:
    """Return what the page shows of a video; `t` of the query is the second at which it starts."""
    reason, _, said = video.error.partition("\n")
    waits = video.status == Status.QUEUED
    in_turn = waits and video.retries_at is None
    newer, older = Video.objects.neighbours(video)
    return {
        "player": build_player(video),
        "start": found[0] if (found := START_SECONDS_PATTERN.fullmatch(query.get("t", ""))) else "",
        "reason": reason,
        "said": said,
        "queue": Queue.get_or_default() if waits else None,
        "ahead": Video.objects.ahead_in_queue(video).count() if in_turn else None,
        "tries": group_events_by_attempt(video),
        "newer": newer,
        "older": older,
        **(_playlist_context(video) if video.is_list else {}),
    }


def build_player(video: Video) -> Player | None:
    """Return how the file is played; None while there is none."""
    if not video.media_file:
        return None
    path = media_folder.find_file(video.media_file)
    if path is None:
        return Player("gone")
    found = [
        {"language": code, "label": subtitles.language_label(code)}
        for code in subtitles.existing_files_by_language(video.tracks)
    ]
    return Player(_player_kind(video, path), f"{path.stat().st_mtime_ns:x}", found)


def _player_kind(video: Video, path: Path) -> str:
    content_type = media_types.get_content_type(path)
    if content_type.startswith("audio/") or (video.quality == Quality.AUDIO and media_types.may_lack_video(path)):
        return "audio"
    return "video" if content_type.startswith("video/") else "other"


def group_events_by_attempt(video: Video) -> list[list[TimelineEvent]]:
    """Return the newest events by attempt, the newest attempt first; within it as they came."""
    events = list(video.events.order_by("-pk")[:MAX_EVENTS_SHOWN])[::-1]
    before = [None, *events]
    moments = [
        TimelineEvent(event, event.at - last.at if last else None) for last, event in zip(before, events, strict=False)
    ]
    grouped = itertools.groupby(moments, key=lambda moment: moment.event.attempt)
    return [list(group) for _, group in grouped][::-1]


def _playlist_context(video: Video) -> dict[str, Any]:
    """Return the videos of a list, and how many there are in each state."""
    counts = dict(video.entries.order_by().values_list("status").annotate(count=Count("pk")))
    return {
        "entries": list(video.entries.order_by("pk")[:MAX_ENTRIES_SHOWN]),
        "entry_count": sum(counts.values()),
        "entry_states": [(Status(status).label.lower(), counts[status]) for status in Status if status in counts],
    }
