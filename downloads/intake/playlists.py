"""Expansion of playlists: each entry becomes a queued video, unless the archive already has it."""

from collections import Counter

from downloads.intake import urls
from downloads.models import Video
from downloads.ytdlp.results import Playlist, PlaylistEntry

# A channel has playlists, which have videos; playlists nested deeper are not expanded.
MAX_PLAYLIST_DEPTH = 2


def expand_playlist(video: Video, playlist: Playlist) -> bool:
    """Queue the entries of a playlist, and complete the playlist's own row; False if the lease is lost."""
    if _playlist_depth(video) >= MAX_PLAYLIST_DEPTH:
        return video.fail("This list lies within a list within a list: paste its address by itself.")
    outcomes: Counter[str] = Counter()
    for entry in playlist.entries:
        if not video.holds_lease():
            return False
        outcomes[_submit_entry(video, entry)] += 1
    return video.complete_as_playlist(playlist.title, _format_outcomes(playlist, outcomes))


def _submit_entry(video: Video, entry: PlaylistEntry) -> str:
    """Queue an entry of a playlist; return "added", "present" or "rejected"."""
    try:
        source = urls.parse_url(entry.url)
    except ValueError:
        return "rejected"
    if Video.objects.with_source(entry.extractor, entry.source_id, video.quality).exists():
        return "present"
    _, created = Video.objects.ingest(
        source.line,
        source.canonical_url,
        added_by=video.added_by,
        quality=video.quality,
        queued_at=video.queued_at,
        parent=video,
        subtitle_languages=video.subtitle_languages,
        title=entry.title[:500].replace("\x00", ""),
    )
    return "added" if created else "present"


def _playlist_depth(video: Video) -> int:
    depth, ancestor = 0, video.parent
    while ancestor is not None and depth < MAX_PLAYLIST_DEPTH:
        depth, ancestor = depth + 1, ancestor.parent
    return depth


def _format_outcomes(playlist: Playlist, outcomes: Counter[str]) -> str:
    phrases = [f"A list: {_format_video_count(outcomes['added'])} added"]
    if outcomes["present"]:
        phrases.append(f"{_format_video_count(outcomes['present'])} here already")
    if outcomes["rejected"]:
        phrases.append(f"{_format_video_count(outcomes['rejected'])} at an address that is not taken")
    summary = f"{', '.join(phrases)}."
    if playlist.has_more:
        return f"{summary} It has more: only the first {len(playlist.entries)} are taken."
    return summary


def _format_video_count(count: int) -> str:
    return "1 video" if count == 1 else f"{count} videos"
