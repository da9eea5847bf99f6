"""What a person is told before videos are deleted."""

import dataclasses

from downloads.files import subtitles
from downloads.formatting import display_name, format_bytes
from downloads.models import Video

MAX_LISTED_NAMES = 10


@dataclasses.dataclass(frozen=True)
class DeleteConfirmation:
    """The videos that would go: the question, the first names where there are several, and what is removed."""

    question: str
    names: list[str]
    more_count: int
    message: str


def delete_confirmation(videos: list[Video]) -> DeleteConfirmation:
    """Return what there is to know before these videos are deleted."""
    active = sum(video.is_active for video in videos)
    if len(videos) == 1:
        stopped = "Its download is stopped. " if active else ""
        return DeleteConfirmation(f"Delete “{display_name(videos[0])}”?", [], 0, stopped + _removal_message(videos[0]))
    stopped = f"{active} of them are downloading, and are stopped. " if active > 1 else ""
    stopped = "1 of them is downloading, and is stopped. " if active == 1 else stopped
    return DeleteConfirmation(
        f"Delete {len(videos)} videos?",
        [display_name(video) for video in videos[:MAX_LISTED_NAMES]],
        max(0, len(videos) - MAX_LISTED_NAMES),
        f"{stopped}{_bulk_removal_message(videos)}",
    )


def _removal_message(video: Video) -> str:
    """Say what of one video is removed, as "The video file (603 MB), its picture and its history are removed …"."""
    parts = []
    if video.media_file:
        parts.append(f"the video file ({format_bytes(video.size)})" if video.size else "the video file")
    if video.thumbnail:
        parts.append("its picture")
    if count := len(subtitles.file_names_by_language(video.tracks)):
        parts.append("1 subtitle file" if count == 1 else f"{count} subtitle files")
    kept = " The videos of this list stay." if video.is_list else ""
    if not parts:
        return f"Its place in the archive and its history are removed. This cannot be undone.{kept}"
    words = ", ".join(parts) + " and its history are removed from the disk. This cannot be undone."
    return words[0].upper() + words[1:] + kept


def _bulk_removal_message(videos: list[Video]) -> str:
    total = sum(video.size or 0 for video in videos)
    files = f"Their files ({format_bytes(total)} in all)" if total else "Their files"
    kept = " The videos of a list stay, unless they are among these." if any(video.is_list for video in videos) else ""
    return f"{files} and their history are removed from the disk. This cannot be undone.{kept}"
