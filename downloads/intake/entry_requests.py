"""Requests of playlists' entries: stored beside the row, and restored for its download."""

from downloads.intake import urls
from downloads.models import EntryRequest, Status, Video
from downloads.ytdlp.results import PlaylistEntry

MAX_TEXT_LENGTH = 500  # of the columns for the id and the title


def load_entry(video: Video) -> PlaylistEntry | None:
    """Return the entry of a playlist that a video was; None for a video whose URL says all."""
    request = EntryRequest.objects.filter(video=video).first()
    if request is None:
        return None
    return PlaylistEntry(
        video.url,
        source_id=request.source_id,
        title=request.title,
        key=request.key,
        index=request.position,
        info=request.info,
        cookies=request.cookies,
    )


def load_playlist_url(video: Video) -> str:
    """Return the URL of the playlist that a video was added from; "" for none."""
    return EntryRequest.objects.filter(video=video).values_list("playlist_url", flat=True).first() or ""


def save_entry(video: Video, entry: PlaylistEntry, playlist_url: str) -> None:
    """Store what yt-dlp needs for an entry, in place of what was stored for it before."""
    EntryRequest.objects.update_or_create(
        video=video,
        defaults={
            "key": entry.key,
            "playlist_url": playlist_url,
            "position": entry.index,
            "source_id": entry.source_id[:MAX_TEXT_LENGTH],
            "title": entry.title[:MAX_TEXT_LENGTH],
            "info": entry.info,
            "cookies": entry.cookies,
        },
    )


def find_video(entry: PlaylistEntry, canonical_url: str, playlist: Video) -> Video | None:
    """Return the video that the archive has for an entry, or None.

    Videos that differ in what yt-dlp needs only may share a URL, so the URL decides for an entry without a key, and for
    a URL that only one entry of the playlist has: that of a video which a person has added, or which was in this
    playlist with another token.
    """
    # What is there as a video may be added as audio too.
    videos = Video.objects.of_medium(playlist.quality).exclude(pk=playlist.pk)
    if entry.key and (known_video := videos.filter(entry_request__key=entry.key).first()):
        return known_video
    video = videos.filter(canonical_url=canonical_url).first()
    if video is None or (entry.key and not entry.is_url_unique):
        return None
    request = EntryRequest.objects.filter(video=video).first()
    is_other_entry = entry.key and request and request.key and not _has_same_playlist(request, video, playlist)
    return None if is_other_entry else video


def _has_same_playlist(request: EntryRequest, video: Video, playlist: Video) -> bool:
    return video.parent_id == playlist.pk or request.playlist_url == playlist.url


def choose_canonical_url(entry: PlaylistEntry, canonical_url: str, quality: str) -> str:
    """Return a canonical URL that no other video has, with the key in its fragment if necessary."""
    is_free = not Video.objects.of_medium(quality).filter(canonical_url=canonical_url).exists()
    if is_free and entry.url:
        return canonical_url
    suffix = f"#ytarchive-entry-{entry.key[:20]}"
    return canonical_url[: urls.MAX_URL_LENGTH - len(suffix)] + suffix


def refresh_request(video: Video, entry: PlaylistEntry, playlist: Video) -> bool:
    """Store the newer data of an entry for a video that is not complete; True if a failed one waits again for it."""
    if not entry.has_request or video.status == Status.COMPLETE or video.is_list:
        return False
    had_request = EntryRequest.objects.filter(video=video).exists()
    save_entry(video, entry, playlist.url)
    # It was fetched without what only the playlist knows.
    return not had_request and video.status == Status.FAILED and video.retry(f"Retried as part of {playlist.name}")
