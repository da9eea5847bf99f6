"""Probing and downloading with yt-dlp, behind values and one error of our own (see `results`).

Neither what people type nor what a site sends becomes an option of yt-dlp or a file name.
"""

import contextlib
import errno
import logging
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from downloads.ytdlp import bugs, error_messages
from downloads.ytdlp.options import OUTPUT_STEM, build_options, build_subtitle_options
from downloads.ytdlp.results import DownloadedFiles, DownloadError, Playlist, PlaylistEntry, ProbeResult
from downloads.ytdlp.resuming_client import (
    THUMBNAIL_EXTENSION,
    HTTPError,
    ResumingYoutubeDL,
    YoutubeDLError,
    is_safe_extension,
)
from downloads.ytdlp.streams import Stream, StreamUpdate

logger = logging.getLogger(__name__)

MERGING_POSTPROCESSORS = (
    "Merger",
    "FixupM3u8",
    "FixupM4a",
    "FixupStretched",
    "FixupDuplicateMoov",
    "FixupTimestamp",
    "FixupDuration",
)
UNKNOWN_EXTENSION = "unknown_video"  # yt-dlp's own; what the file is, ffmpeg tells when it is stored


def probe_url(
    url: str, folder: Path, *, proxy_url: str, quality: str = "best", subtitle_languages: str = ""
) -> ProbeResult | Playlist:
    """Look up a URL and choose the formats of its video, to be downloaded to `folder`; raise DownloadError."""
    ydl = ResumingYoutubeDL(build_options(folder, proxy_url, quality) | build_subtitle_options(subtitle_languages))
    with _converted_errors():
        info = _unwrap_single_video(ydl, ydl.extract_info(url, download=False))
    if isinstance(info, Playlist):
        return info
    if info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
        raise DownloadError("This is a live stream: try again when it has ended and its recording is up.", True)
    return ProbeResult(info, [_build_stream(format_info) for format_info in _requested_formats(info)], ydl)


def download_files(
    probe_result: ProbeResult, on_update: Callable[[StreamUpdate], None], on_merging: Callable[[], None]
) -> DownloadedFiles:
    """Download the formats chosen by `probe_url`; raise DownloadError, or OSError(ENOSPC) on a full disk.

    `on_update` is called for each progress update, `on_merging` when all streams are downloaded and merging starts.
    """
    info, ydl = probe_result.info, probe_result.ydl
    _make_extensions_safe(info)
    ydl.add_progress_hook(lambda event: _forward_progress(event, ydl.stream_index, on_update))
    ydl.add_postprocessor_hook(lambda event: _forward_merge_start(event, on_merging))
    # A single file is kept byte for byte; streams assembled from fragments or merged are repaired.
    is_single_file = len(_requested_formats(info)) == 1 and info.get("protocol") in ("http", "https")
    ydl.params["fixup"] = "never" if is_single_file else "detect_or_warn"
    with _converted_errors():
        ydl.process_info(info)
    return _collect_files(probe_result)


def _unwrap_single_video(ydl: Any, info: dict[str, Any] | None) -> dict[str, Any] | Playlist:
    """Return the info of a single video, or a playlist of several; raise DownloadError if there is no video."""
    if info and info.get("_type", "video") in ("playlist", "multi_video"):
        entries = list(_non_empty_entries(info))
        if len(entries) > 1:
            return _build_playlist(info, entries)
        info = ydl.process_ie_result(entries[0], download=False) if entries else None
        if info and info.get("_type", "video") != "video":
            return _unwrap_single_video(ydl, info)
    if not info or info.get("_type", "video") != "video":
        raise DownloadError("There is no video at this address.", True)
    return info


def _non_empty_entries(info: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return (entry for entry in info.get("entries") or () if entry)


def _build_playlist(info: dict[str, Any], entries: list[dict[str, Any]]) -> Playlist:
    limit = settings.PLAYLIST_LIMIT
    playlist_entries = [_build_playlist_entry(entry, info) for entry in entries[:limit]]
    title = str(info.get("title") or info.get("id") or "")
    return Playlist(title, [entry for entry in playlist_entries if entry.url], has_more=len(entries) > limit)


def _build_playlist_entry(entry: dict[str, Any], playlist_info: dict[str, Any]) -> PlaylistEntry:
    """Return an entry with a URL of its own: its page, or its file where its page is that of the playlist."""
    page = entry.get("webpage_url") if entry.get("webpage_url") != playlist_info.get("webpage_url") else None
    formats = entry.get("formats") or [{}]
    is_pointer = entry.get("_type") in ("url", "url_transparent")
    url = (entry.get("url") if is_pointer else None) or page or entry.get("url") or formats[-1].get("url") or ""
    site = entry.get("ie_key") or entry.get("extractor_key") or ""
    return PlaylistEntry(str(url), str(site), str(entry.get("id") or ""), str(entry.get("title") or ""))


def _requested_formats(info: dict[str, Any]) -> list[dict[str, Any]]:
    return info.get("requested_formats") or [info]


def _build_stream(format_info: dict[str, Any]) -> Stream:
    is_audio = format_info.get("vcodec") == "none" and format_info.get("acodec") != "none"
    size = format_info.get("filesize") or format_info.get("filesize_approx")
    return Stream(kind="audio" if is_audio else "video", expected_bytes=float(size) if size else None)


def _make_extensions_safe(info: dict[str, Any]) -> None:
    """Replace the extensions that yt-dlp refuses to write: "/clip.mp40" may well be a good video."""
    for format_info in (info, *_requested_formats(info)):
        if not is_safe_extension(format_info.get("ext")):
            format_info["ext"] = UNKNOWN_EXTENSION
    for subtitle in (info.get("requested_subtitles") or {}).values():
        if not is_safe_extension(subtitle.get("ext")):
            subtitle["ext"] = "vtt"


def _forward_progress(
    event: dict[str, Any], stream_index: int | None, on_update: Callable[[StreamUpdate], None]
) -> None:
    """Forward the progress of a stream; subtitles, which have no `stream_index`, are not part of it."""
    if stream_index is None or event["status"] not in ("downloading", "finished"):
        return
    is_finished = event["status"] == "finished"
    total_bytes = event.get("total_bytes") or event.get("total_bytes_estimate")
    on_update(
        StreamUpdate(
            stream_index=stream_index,
            # Of a file that was there already, yt-dlp reports the total alone.
            downloaded_bytes=int(event.get("downloaded_bytes") or (is_finished and total_bytes) or 0),
            total_bytes=total_bytes,
            is_finished=is_finished,
            fragment_index=event.get("fragment_index"),
            fragment_count=event.get("fragment_count"),
        )
    )


def _forward_merge_start(event: dict[str, Any], on_merging: Callable[[], None]) -> None:
    if event["status"] == "started" and event["postprocessor"] in MERGING_POSTPROCESSORS:
        on_merging()


def _collect_files(probe_result: ProbeResult) -> DownloadedFiles:
    media = Path(probe_result.info.get("filepath") or "")
    if not media.is_file() or not media.stat().st_size:
        raise DownloadError("The site answered, but sent no video.", False)
    thumbnail = media.parent / f"{OUTPUT_STEM}.{THUMBNAIL_EXTENSION}"
    info_json = media.parent / f"{OUTPUT_STEM}.info.json"
    return DownloadedFiles(
        media,
        thumbnail=thumbnail if thumbnail.is_file() else None,
        info_json=info_json if info_json.is_file() else None,
        subtitle_files=sorted(path for path in media.parent.glob(f"{OUTPUT_STEM}.*.vtt") if path.stat().st_size),
    )


@contextlib.contextmanager
def _converted_errors() -> Iterator[None]:
    """Convert errors of yt-dlp; a bug of ours, in a method or a hook that yt-dlp calls, is raised as it is."""
    try:
        yield
    except (YoutubeDLError, *bugs.BUG_TYPES) as error:
        if converted := _to_download_error(error):
            raise converted from error
        raise


def _to_download_error(error: BaseException) -> DownloadError | OSError | None:
    """Convert an error of yt-dlp into one with a message for people; a full disk becomes OSError(ENOSPC).

    None for an exception that was not raised by yt-dlp.
    """
    if error_messages.DISK_FULL_PATTERN.search(str(error)):
        return OSError(errno.ENOSPC, str(error))
    bug = bugs.find_bug(error)
    if bug and (part := bugs.find_part(bug)):
        return DownloadError(*error_messages.explain_bug(part, bug))
    if not isinstance(error, YoutubeDLError):
        return None
    status = next((cause.status for cause in _walk_causes(error) if isinstance(cause, HTTPError)), None)
    unexpected = bugs.find_unexpected(error)
    extractor = f"extractor “{unexpected.ie}”" if unexpected and unexpected.ie else ""
    return DownloadError(*error_messages.explain_error(str(error), status, extractor))


def _walk_causes(error: BaseException | None) -> Iterable[BaseException]:
    """Yield an error and its causes, also those that yt-dlp keeps in `exc_info` and `cause` instead of `__cause__`."""
    visited_ids: set[int] = set()
    while error is not None and id(error) not in visited_ids:
        visited_ids.add(id(error))
        yield error
        exc_info = getattr(error, "exc_info", None)
        inner_error = exc_info[1] if exc_info else None
        error = (inner_error if inner_error is not error else None) or getattr(error, "cause", None) or error.__cause__
