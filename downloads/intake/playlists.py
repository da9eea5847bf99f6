"""Expansion of playlists: each entry becomes a queued video, unless the archive already has it."""

from collections import Counter
from typing import Any

from django.db import transaction
from django.utils.text import Truncator

from downloads.database import advisory_lock
from downloads.database.clock import read_clock
from downloads.intake import entry_requests, playlist_places, release_wait, urls
from downloads.models import Video
from downloads.network.url_secrets import hide_secrets
from downloads.pluralization import format_count
from downloads.ytdlp.results import Playlist, PlaylistEntry, Stage

# A channel has playlists, which have videos; playlists nested deeper are not expanded.
MAX_PLAYLIST_DEPTH = 2
MAX_NAMED_TITLES = 3
RESTRICTION_PHRASES = {
    "members": "members-only",
    "subscribers": "subscribers-only",
    "private": "private",
}


def expand_playlist(video: Video, playlist: Playlist) -> bool:
    """Queue the entries of a playlist, and complete the playlist's own row; False if the lease is lost."""
    if _playlist_depth(video) >= MAX_PLAYLIST_DEPTH:
        return video.fail("This playlist is nested too deeply. Add its own link.")
    outcomes: Counter[str] = Counter()
    places: list[playlist_places.Place] = []
    for entry in playlist.entries:
        if not video.holds_lease():
            return False
        outcome, entry_video = _submit_entry(video, entry)
        outcomes[outcome] += 1
        places.append(playlist_places.Place(entry_video, entry.title, outcome))
    playlist_places.write_places(video, places, is_cut=playlist.has_more)
    return video.complete_as_playlist(playlist.title, _format_outcomes(playlist, outcomes))


def _submit_entry(video: Video, entry: PlaylistEntry) -> tuple[str, Video | None]:
    """Queue an entry of a playlist; return "added", "present", "rejected" or its restriction, and its video if any."""
    try:
        # An entry that only yt-dlp can address is shown with the address of its playlist.
        source = urls.parse_url(entry.url if entry.url or not entry.has_request else video.url)
    except ValueError:
        return "rejected", None
    if known := Video.objects.with_source(entry.extractor, entry.source_id, video.quality).first():
        return "present", known
    with transaction.atomic():
        advisory_lock(f"entry {entry.key or source.canonical_url}")
        if present := entry_requests.find_video(entry, source.canonical_url, video):
            return "added" if entry_requests.refresh_request(present, entry, video) else "present", present
        if entry.restriction:
            return entry.restriction, None
        return _queue_entry(video, entry, source)


def _queue_entry(video: Video, entry: PlaylistEntry, source: urls.ParsedUrl) -> tuple[str, Video]:
    canonical_url = source.canonical_url
    if entry.key:
        canonical_url = entry_requests.choose_canonical_url(entry, canonical_url, video.quality)
    new_video, created = Video.objects.ingest(
        source.line,
        canonical_url,
        added_by=video.added_by,
        quality=video.quality,
        queued_at=video.queued_at,
        parent=video,
        subtitle_languages=video.subtitle_languages,
        list_limit=video.list_limit,
        title=entry.title[:500].replace("\x00", ""),
        **_wait_columns(entry),
    )
    if created and entry.has_request:
        entry_requests.save_entry(new_video, entry, video.url)
    return "added" if created else "present", new_video


def _wait_columns(entry: PlaylistEntry) -> dict[str, Any]:
    """Return the columns of an entry that its playlist announces for later; none for one that can be looked up."""
    wait = release_wait.plan_announced(entry.starts_at) if entry.stage == Stage.ANNOUNCED else None
    if wait is None:
        return {}
    return {
        "not_before": wait.until,
        "wait_reason": wait.reason,
        "release_at": wait.release_at,
        "waiting_since": read_clock(),
    }


def _playlist_depth(video: Video) -> int:
    depth, ancestor = 0, video.parent
    while ancestor is not None and depth < MAX_PLAYLIST_DEPTH:
        depth, ancestor = depth + 1, ancestor.parent
    return depth


def _format_outcomes(playlist: Playlist, outcomes: Counter[str]) -> str:
    phrases = [f"Playlist: {format_count(outcomes['added'], 'video')} added"]
    if outcomes["present"]:
        phrases.append(f"{outcomes['present']} already here")
    if outcomes["rejected"]:
        phrases.append(f"{format_count(outcomes['rejected'], 'link')} skipped")
    phrases += [
        f"{outcomes[name]} {phrase} ({_format_titles(playlist, name)})"
        for name, phrase in RESTRICTION_PHRASES.items()
        if outcomes[name]
    ]
    summary = f"{', '.join(phrases)}."
    if playlist.has_more:
        return f"{summary} There are more: only the first {len(playlist.entries)} were added."
    return summary


def _format_titles(playlist: Playlist, restriction: str) -> str:
    """Name the entries with a restriction, the first of them."""
    names = [entry.title or hide_secrets(entry.url) for entry in playlist.entries if entry.restriction == restriction]
    shown = ", ".join(Truncator(name).chars(60) for name in names[:MAX_NAMED_TITLES])
    return f"{shown}, …" if len(names) > MAX_NAMED_TITLES else shown
