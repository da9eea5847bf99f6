"""A list becomes videos of its own, and the same video is not fetched twice."""

from downloads.intake import urls
from downloads.models import Video
from downloads.ytdlp.results import Playlist, PlaylistEntry

# A channel holds lists which hold videos; what lies deeper is left out.
MAX_PLAYLIST_DEPTH = 2


def expand_playlist(video: Video, playlist: Playlist) -> bool:
    """Take the entries of a list into the queue, and file the list itself; False if the lease is lost."""
    if _playlist_depth(video) >= MAX_PLAYLIST_DEPTH:
        return video.fail("This list lies within a list within a list: paste its address by itself.")
    added, known, refused = 0, 0, 0
    for entry in playlist.entries:
        if not video.holds_lease():
            return False
        taken = _submit_entry(video, entry)
        added, known, refused = added + (taken == "added"), known + (taken == "known"), refused + (taken == "refused")
    return video.complete_as_playlist(playlist.title, _format_outcome(playlist, added, known, refused))


def _submit_entry(video: Video, entry: PlaylistEntry) -> str:
    try:
        source = urls.parse_url(entry.url)
    except ValueError:
        return "refused"
    if Video.objects.with_source(entry.extractor, entry.source_id).exists():
        return "known"
    more = {"parent": video, "subtitles": video.subtitles, "title": entry.title[:500].replace("\x00", "")}
    _, created = Video.objects.ingest(
        source.line,
        source.canonical_url,
        added_by=video.added_by,
        quality=video.quality,
        queued_at=video.queued_at,
        **more,
    )
    return "added" if created else "known"


def _playlist_depth(video: Video) -> int:
    depth, above = 0, video.parent
    while above is not None and depth < MAX_PLAYLIST_DEPTH:
        depth, above = depth + 1, above.parent
    return depth


def _format_outcome(playlist: Playlist, added: int, already_present: int, rejected: int) -> str:
    said = [f"A list: {_format_video_count(added)} added"]
    if already_present:
        said.append(f"{_format_video_count(already_present)} here already")
    if rejected:
        said.append(f"{_format_video_count(rejected)} at an address that is not taken")
    words = ", ".join(said)
    return (
        f"{words}. It has more: only the first {len(playlist.entries)} are taken." if playlist.has_more else f"{words}."
    )


def _format_video_count(count: int) -> str:
    return "1 video" if count == 1 else f"{count} videos"
