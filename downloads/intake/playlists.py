"""A list becomes videos of its own, and the same video is not fetched twice."""

from downloads.intake import urls
from downloads.models import Video
from downloads.ytdlp.results import PlaylistEntry, Playlist

# A channel holds lists which hold videos; what lies deeper is left out.
DEEPEST = 2


def expand(video: Video, listing: Playlist) -> bool:
    """Take the entries of a list into the queue, and file the list itself; False if the lease is lost."""
    if _depth(video) >= DEEPEST:
        return video.fail("This list lies within a list within a list: paste its address by itself.")
    added, known, refused = 0, 0, 0
    for entry in listing.entries:
        if not video.holds_lease():
            return False
        taken = _take(video, entry)
        added, known, refused = added + (taken == "added"), known + (taken == "known"), refused + (taken == "refused")
    return video.complete_as_playlist(listing.title, _words(listing, added, known, refused))


def _take(video: Video, entry: PlaylistEntry) -> str:
    try:
        source = urls.read(entry.url)
    except ValueError:
        return "refused"
    if Video.objects.with_source(entry.extractor, entry.source_id).exists():
        return "known"
    more = {"parent": video, "subtitles": video.subtitles, "title": entry.title[:500].replace("\x00", "")}
    _, created = Video.objects.ingest(
        source.line, source.url, added_by=video.added_by, quality=video.quality, queued_at=video.queued_at, **more
    )
    return "added" if created else "known"


def _depth(video: Video) -> int:
    depth, above = 0, video.parent
    while above is not None and depth < DEEPEST:
        depth, above = depth + 1, above.parent
    return depth


def _words(listing: Playlist, added: int, known: int, refused: int) -> str:
    said = [f"A list: {_count(added)} added"]
    if known:
        said.append(f"{_count(known)} here already")
    if refused:
        said.append(f"{_count(refused)} at an address that is not taken")
    words = ", ".join(said)
    return (
        f"{words}. It has more: only the first {len(listing.entries)} are taken." if listing.has_more else f"{words}."
    )


def _count(count: int) -> str:
    return "1 video" if count == 1 else f"{count} videos"
