"""The wall around yt-dlp: nobody else knows `ytdl`, the only module that imports it.

Nothing that a person types, and nothing that a site says, becomes an option or a file name here.
"""

import errno
import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.conf import settings

from downloads.ytdlp import error_messages
from downloads.ytdlp.options import OUTPUT_STEM, build_options, build_subtitle_options
from downloads.ytdlp.results import DownloadedFiles, DownloadError, Playlist, PlaylistEntry, ProbeResult
from downloads.ytdlp.resuming_client import HTTPError, ResumingYoutubeDL, YoutubeDLError
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
THUMBNAIL_EXTENSIONS = ("jpg", "jpeg", "png", "webp")


def probe_url(
    url: str, folder: Path, *, proxy_url: str, quality: str = "best", subtitle_languages: str = ""
) -> ProbeResult | Playlist:
    """Look an address up, and choose a video's formats; what is fetched goes to `folder`. Raise DownloadError."""
    ydl = ResumingYoutubeDL(build_options(folder, proxy_url, quality) | build_subtitle_options(subtitle_languages))
    try:
        info = _unwrap_single_video(ydl, ydl.extract_info(url, download=False))
    except YoutubeDLError as error:
        raise _to_download_error(error) from error
    if isinstance(info, Playlist):
        return info
    if info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
        raise DownloadError("This is a live stream: try again when it has ended and its recording is up.", True)
    return ProbeResult(info, [_build_stream(chosen) for chosen in _requested_formats(info)], ydl)


def download_files(
    probe_result: ProbeResult, on_update: Callable[[StreamUpdate], None], on_merging: Callable[[], None]
) -> DownloadedFiles:
    """Fetch what was found; `on_step` hears of bytes, `on_merging` that all are here. Raise DownloadError."""
    names = [chosen.get("format_id") for chosen in _requested_formats(probe_result.info)]
    probe_result.ydl.add_progress_hook(lambda news: _forward_progress(news, names, on_update))
    probe_result.ydl.add_postprocessor_hook(lambda news: _forward_merge_start(news, on_merging))
    # A single file stays as the site has it, byte for byte; streams put together from parts are repaired.
    is_file = len(names) == 1 and probe_result.info.get("protocol") in ("http", "https")
    probe_result.ydl.params["fixup"] = "never" if is_file else "detect_or_warn"
    try:
        probe_result.ydl.process_info(probe_result.info)
    except YoutubeDLError as error:
        raise _to_download_error(error) from error
    return _collect_files(probe_result)


def _unwrap_single_video(ydl: Any, info: dict[str, Any] | None) -> dict[str, Any] | Playlist:
    """Return the one video that was found, or the list of many; raise DownloadError if there are none."""
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
    found = [_build_playlist_entry(each, info) for each in entries[:limit]]
    title = str(info.get("title") or info.get("id") or "")
    return Playlist(title, [entry for entry in found if entry.url], len(entries) > limit)


def _build_playlist_entry(entry: dict[str, Any], playlist_info: dict[str, Any]) -> PlaylistEntry:
    """Return a list's entry under an address of its own: its page, or the file where the page is the list's."""
    page = entry.get("webpage_url") if entry.get("webpage_url") != playlist_info.get("webpage_url") else None
    formats = entry.get("formats") or [{}]
    is_pointer = entry.get("_type") in ("url", "url_transparent")
    url = (entry.get("url") if is_pointer else None) or page or entry.get("url") or formats[-1].get("url") or ""
    site = entry.get("ie_key") or entry.get("extractor_key") or ""
    return PlaylistEntry(str(url), str(site), str(entry.get("id") or ""), str(entry.get("title") or ""))


def _requested_formats(info: dict[str, Any]) -> list[dict[str, Any]]:
    return info.get("requested_formats") or [info]


def _build_stream(format_info: dict[str, Any]) -> Stream:
    is_sound = format_info.get("vcodec") == "none" and format_info.get("acodec") != "none"
    planned = format_info.get("filesize") or format_info.get("filesize_approx")
    return Stream(kind="audio" if is_sound else "video", expected_bytes=float(planned) if planned else None)


def _forward_progress(event: dict[str, Any], format_ids: list[Any], on_update: Callable[[StreamUpdate], None]) -> None:
    if event["status"] not in ("downloading", "finished"):
        return
    name = (event.get("info_dict") or {}).get("format_id")
    on_update(
        StreamUpdate(
            stream_index=format_ids.index(name) if name in format_ids else 0,
            downloaded_bytes=int(event.get("downloaded_bytes") or 0),
            total_bytes=event.get("total_bytes") or event.get("total_bytes_estimate"),
            is_finished=event["status"] == "finished",
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
    beside = [
        path
        for path in sorted(media.parent.glob(f"{OUTPUT_STEM}.*"))
        if path.suffix[1:].lower() in THUMBNAIL_EXTENSIONS
    ]
    info = media.parent / f"{OUTPUT_STEM}.info.json"
    subtitles = sorted(path for path in media.parent.glob(f"{OUTPUT_STEM}.*.vtt") if path.stat().st_size)
    return DownloadedFiles(media, beside[0] if beside else None, info if info.is_file() else None, subtitles)


def _to_download_error(error: BaseException) -> DownloadError | OSError:
    """Turn yt-dlp's error into words that say what to do, with its own message beneath; a full disk stays one."""
    if error_messages.DISK_FULL_PATTERN.search(str(error)):
        return OSError(errno.ENOSPC, str(error))
    status = next((cause.status for cause in _walk_causes(error) if isinstance(cause, HTTPError)), None)
    words, permanent = error_messages.explain_error(str(error), status)
    return DownloadError(words, permanent)


def _walk_causes(error: BaseException | None) -> Iterable[BaseException]:
    """Walk an error and what caused it, also where yt-dlp keeps that in fields of its own."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        info = getattr(error, "exc_info", None)
        within = info[1] if info else None
        error = (within if within is not error else None) or getattr(error, "cause", None) or error.__cause__
