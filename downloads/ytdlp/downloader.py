"""Probing and downloading with yt-dlp, behind values and one error of our own (see `results`).

Neither what people type nor what a site sends becomes an option of yt-dlp or a file name.
"""

import itertools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from downloads.ytdlp.errors import availability
from downloads.ytdlp.errors.conversion import converted_errors
from downloads.ytdlp.errors.error_messages import walk_causes
from downloads.ytdlp.options import OUTPUT_STEM, build_options, build_subtitle_options, read_playlist_limit
from downloads.ytdlp.playlists import entries
from downloads.ytdlp.playlists.json_values import clean_text
from downloads.ytdlp.results import (
    DownloadedFiles,
    DownloadError,
    LookUpResult,
    NotYetAvailable,
    Playlist,
    PlaylistEntry,
    ProbeResult,
    Stage,
)
from downloads.ytdlp.resuming_client import (
    THUMBNAIL_EXTENSION,
    HTTPError,
    ResumingYoutubeDL,
    YoutubeDLError,
    is_safe_extension,
)
from downloads.ytdlp.selected_ytdlp import UserNotLive
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
    url: str,
    folder: Path,
    *,
    proxy_url: str,
    quality: str = "best",
    subtitle_languages: str = "",
    entry: PlaylistEntry | None = None,
    playlist_limit: int | None = None,
) -> ProbeResult | Playlist:
    """Look up a URL and choose the formats of its video, to be downloaded to `folder`.

    For an `entry` of a playlist its own data are used in place of the URL. Raise DownloadError, or NotYetAvailable for
    a video whose recording is not up.
    """
    options = build_options(folder, proxy_url, quality, playlist_limit)
    ydl = ResumingYoutubeDL(options | build_subtitle_options(subtitle_languages))
    with converted_errors():
        info = _extract_video_or_playlist(ydl, url, entry)
    if isinstance(info, Playlist):
        return info
    if not_yet := availability.check_manifests(ydl, info):
        raise not_yet
    return ProbeResult(info, [_build_stream(format_info) for format_info in _requested_formats(info)], ydl)


def look_up(
    url: str, folder: Path, *, proxy_url: str, quality: str = "best", entry: PlaylistEntry | None = None
) -> LookUpResult:
    """Look up what a waiting video is called, with as few requests as that takes; its picture goes to `folder`.

    Raise as `probe_url` does. A page whose formats cannot be fetched has a title all the same.
    """
    options = build_options(folder, proxy_url, quality) | {"ignore_no_formats_error": True, "writeinfojson": False}
    ydl = ResumingYoutubeDL(options)
    with converted_errors():
        info = _extract_video_or_playlist(ydl, url, entry)
        if isinstance(info, Playlist):
            return LookUpResult(playlist_title=info.title)
        return LookUpResult(info, ydl.fetch_thumbnail(info, folder))


def find_entry(
    playlist_url: str,
    entry: PlaylistEntry,
    folder: Path,
    *,
    proxy_url: str,
    playlist_entry: PlaylistEntry | None = None,
    playlist_limit: int | None = None,
) -> PlaylistEntry | None:
    """Look an entry up in its playlist again, since its data may have expired; None if it is no longer there.

    `playlist_entry` is the playlist's own data where it is an entry of another one. Raise as `probe_url` does.
    """
    playlist = probe_url(playlist_url, folder, proxy_url=proxy_url, entry=playlist_entry, playlist_limit=playlist_limit)
    return entries.find_same_entry(playlist.entries, entry) if isinstance(playlist, Playlist) else None


def _extract_video_or_playlist(
    ydl: ResumingYoutubeDL, url: str, entry: PlaylistEntry | None
) -> dict[str, Any] | Playlist:
    """Extract the info dict of a video, or a playlist; raise NotYetAvailable for a video whose recording is not up."""
    try:
        return _unwrap_single_video(ydl, _extract(ydl, url, entry))
    except YoutubeDLError as error:
        if not_yet := _find_not_yet(error, ydl, url, entry):
            raise not_yet from error
        raise


def _extract(ydl: Any, url: str, entry: PlaylistEntry | None) -> dict[str, Any] | None:
    try:
        result: dict[str, Any] | None = (
            entries.resolve_entry(ydl, entry) if entry else ydl.extract_info(url, download=False)
        )
    finally:
        ydl.close_look_up_responses()
    return result


def _find_not_yet(error: YoutubeDLError, ydl: Any, url: str, entry: PlaylistEntry | None) -> NotYetAvailable | None:
    """Return that a video is not up yet if an error of its probe means that; None for any other error.

    An announced video is looked up once more for its date, which the error lacks. Raise DownloadError for a live
    manifest of a site that says nothing more.
    """
    if ydl.has_live_manifest and "no video formats" in str(error).lower():
        raise DownloadError(availability.LIVE_MANIFEST_MESSAGE, True) from error
    causes = list(walk_causes(error))
    is_user_offline = any(isinstance(cause, UserNotLive) for cause in causes)
    has_status = any(isinstance(cause, HTTPError) for cause in causes) and not is_user_offline
    not_yet = None if has_status else availability.from_message(str(error), is_user_offline=is_user_offline)
    if not_yet is None or not_yet.stage is not Stage.ANNOUNCED:
        return not_yet
    ydl.params["ignore_no_formats_error"] = True
    try:
        info = _extract(ydl, url, entry) or {}
    except YoutubeDLError:
        return not_yet
    if details := availability.from_info(info):
        starts_at = details.starts_at or not_yet.starts_at
        return NotYetAvailable(details.stage, starts_at=starts_at, is_premiere=not_yet.is_premiere, info=info)
    return not_yet


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
    with converted_errors():
        ydl.process_info(info)
    return _collect_files(probe_result)


def _unwrap_single_video(ydl: Any, info: dict[str, Any] | None) -> dict[str, Any] | Playlist:
    """Return the info of a single video, or a playlist of several; raise DownloadError if there is no video."""
    if info and info.get("_type", "video") in ("playlist", "multi_video"):
        raw_entries = _list_entries(info, read_playlist_limit(ydl.params))
        if len(raw_entries) > 1:
            return _build_playlist(ydl, info, raw_entries)
        info = ydl.process_ie_result(raw_entries[0], download=False) if raw_entries else None
        if info and info.get("_type", "video") != "video":
            return _unwrap_single_video(ydl, info)
    if not info or info.get("_type", "video") != "video":
        raise DownloadError("There’s no video at this link.", True)
    return info


def _list_entries(info: dict[str, Any], limit: int) -> list[dict[str, Any]]:
    """Return the raw entries of a playlist, one more than the limit at most."""
    flat_entries = entries.flatten_entries(info.get("entries") or (), info.get("webpage_url"))
    return list(itertools.islice(flat_entries, limit + 1))


def _build_playlist(ydl: Any, info: dict[str, Any], raw_entries: list[dict[str, Any]]) -> Playlist:
    limit = read_playlist_limit(ydl.params)
    title = clean_text(str(info.get("title") or info.get("id") or ""))
    return Playlist(title, entries.build_entries(ydl, raw_entries[:limit], info), has_more=len(raw_entries) > limit)


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
        raise DownloadError("The site answered but sent no video.", False)
    thumbnail = media.parent / f"{OUTPUT_STEM}.{THUMBNAIL_EXTENSION}"
    info_json = media.parent / f"{OUTPUT_STEM}.info.json"
    return DownloadedFiles(
        media,
        thumbnail=thumbnail if thumbnail.is_file() else None,
        info_json=info_json if info_json.is_file() else None,
        subtitle_files=sorted(path for path in media.parent.glob(f"{OUTPUT_STEM}.*.vtt") if path.stat().st_size),
        subtitle_omissions=list(probe_result.ydl.subtitle_omissions),
    )
