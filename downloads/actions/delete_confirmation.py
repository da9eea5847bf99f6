"""Text of the delete confirmation, shared by the pages and the admin."""

import dataclasses

from downloads.formatting import display_name, format_bytes
from downloads.models import Video
from downloads.pluralization import format_count
from downloads.subtitles import collection

MAX_LISTED_NAMES = 10


@dataclasses.dataclass(frozen=True)
class DeleteConfirmation:
    """The question, the first MAX_LISTED_NAMES names of several videos, and a message about what is removed."""

    question: str
    names: list[str]
    more_count: int
    message: str
    verb: str = "Delete"
    dismissal: str = "Keep it"
    is_deletion: bool = True


def build_delete_confirmation(videos: list[Video]) -> DeleteConfirmation:
    """Return the confirmation to show before deleting these videos."""
    active_count = sum(video.is_active for video in videos)
    if len(videos) == 1:
        stop_notice = "Its download will be stopped. " if active_count else ""
        message = stop_notice + _removal_message(videos[0])
        return DeleteConfirmation(f"Delete “{display_name(videos[0])}”?", [], 0, message)
    return DeleteConfirmation(
        f"Delete {len(videos):,} videos?",
        [display_name(video) for video in videos[:MAX_LISTED_NAMES]],
        max(0, len(videos) - MAX_LISTED_NAMES),
        bulk_removal_message(
            active_count, sum(video.size or 0 for video in videos), has_playlist=any(video.is_list for video in videos)
        ),
        dismissal="Keep them",
    )


def _removal_message(video: Video) -> str:
    """Describe the removal of one video: "This permanently deletes the video file (603 MB) and its history."."""
    removed_items = []
    if video.media_file:
        removed_items.append(f"the video file ({format_bytes(video.size)})" if video.size else "the video file")
    if video.thumbnail:
        removed_items.append("its thumbnail")
    if count := len(collection.file_names_by_language(video.subtitle_files)):
        removed_items.append(format_count(count, "subtitle file"))
    if video.is_list:
        return "This removes the playlist and its history. Its videos stay in the archive."
    if not removed_items:
        return "This removes it and its history from the archive."
    return f"This permanently deletes {', '.join(removed_items)} and its history."


def bulk_removal_message(active_count: int, total_bytes: int, *, has_playlist: bool) -> str:
    """Describe the removal of several videos, with the total size of their files."""
    verb = "is" if active_count == 1 else "are"
    stop_notice = f"{active_count:,} {verb} still downloading and will be stopped. " if active_count else ""
    files = f"their files ({format_bytes(total_bytes)})" if total_bytes else "their files"
    playlist_notice = " Videos in a playlist stay unless you selected them too." if has_playlist else ""
    return f"{stop_notice}This permanently deletes {files} and history.{playlist_notice}"
