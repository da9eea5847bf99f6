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
from downloads.ytdlp.options import STEM, _options, _subtitle_options
from downloads.ytdlp.results import DownloadError, Entry, Fetched, Found, Listing
from downloads.ytdlp.resuming_client import HTTPError, YoutubeDLError, Ytdl
from downloads.ytdlp.streams import Step, Stream

logger = logging.getLogger(__name__)

MERGING = ("Merger", "FixupM3u8", "FixupM4a", "FixupStretched", "FixupDuplicateMoov", "FixupTimestamp", "FixupDuration")
PICTURES = ("jpg", "jpeg", "png", "webp")


def probe(url: str, folder: Path, *, proxy: str, quality: str = "best", subtitles: str = "") -> Found | Listing:
    """Look an address up, and choose a video's formats; what is fetched goes to `folder`. Raise DownloadError."""
    ydl = Ytdl(_options(folder, proxy, quality) | _subtitle_options(subtitles))
    try:
        info = _single(ydl, ydl.extract_info(url, download=False))
    except YoutubeDLError as error:
        raise _explained(error) from error
    if isinstance(info, Listing):
        return info
    if info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
        raise DownloadError("This is a live stream: try again when it has ended and its recording is up.", True)
    return Found(info, [_stream(chosen) for chosen in _chosen(info)], ydl)


def fetch(found: Found, on_step: Callable[[Step], None], on_merging: Callable[[], None]) -> Fetched:
    """Fetch what was found; `on_step` hears of bytes, `on_merging` that all are here. Raise DownloadError."""
    names = [chosen.get("format_id") for chosen in _chosen(found.info)]
    found.ydl.add_progress_hook(lambda news: _pass_on(news, names, on_step))
    found.ydl.add_postprocessor_hook(lambda news: _notice(news, on_merging))
    # A single file stays as the site has it, byte for byte; streams put together from parts are repaired.
    is_file = len(names) == 1 and found.info.get("protocol") in ("http", "https")
    found.ydl.params["fixup"] = "never" if is_file else "detect_or_warn"
    try:
        found.ydl.process_info(found.info)
    except YoutubeDLError as error:
        raise _explained(error) from error
    return _fetched(found)


def _single(ydl: Any, info: dict[str, Any] | None) -> dict[str, Any] | Listing:
    """Return the one video that was found, or the list of many; raise DownloadError if there are none."""
    if info and info.get("_type", "video") in ("playlist", "multi_video"):
        entries = list(_entries(info))
        if len(entries) > 1:
            return _listing(info, entries)
        info = ydl.process_ie_result(entries[0], download=False) if entries else None
        if info and info.get("_type", "video") != "video":
            return _single(ydl, info)
    if not info or info.get("_type", "video") != "video":
        raise DownloadError("There is no video at this address.", True)
    return info


def _entries(info: dict[str, Any]) -> Iterable[dict[str, Any]]:
    return (entry for entry in info.get("entries") or () if entry)


def _listing(info: dict[str, Any], entries: list[dict[str, Any]]) -> Listing:
    limit = settings.PLAYLIST_LIMIT
    found = [_entry(each, info) for each in entries[:limit]]
    title = str(info.get("title") or info.get("id") or "")
    return Listing(title, [entry for entry in found if entry.url], len(entries) > limit)


def _entry(entry: dict[str, Any], within: dict[str, Any]) -> Entry:
    """Return a list's entry under an address of its own: its page, or the file where the page is the list's."""
    page = entry.get("webpage_url") if entry.get("webpage_url") != within.get("webpage_url") else None
    formats = entry.get("formats") or [{}]
    is_pointer = entry.get("_type") in ("url", "url_transparent")
    url = (entry.get("url") if is_pointer else None) or page or entry.get("url") or formats[-1].get("url") or ""
    site = entry.get("ie_key") or entry.get("extractor_key") or ""
    return Entry(str(url), str(site), str(entry.get("id") or ""), str(entry.get("title") or ""))


def _chosen(info: dict[str, Any]) -> list[dict[str, Any]]:
    return info.get("requested_formats") or [info]


def _stream(chosen: dict[str, Any]) -> Stream:
    is_sound = chosen.get("vcodec") == "none" and chosen.get("acodec") != "none"
    planned = chosen.get("filesize") or chosen.get("filesize_approx")
    return Stream(kind="audio" if is_sound else "video", planned=float(planned) if planned else None)


def _pass_on(news: dict[str, Any], names: list[Any], on_step: Callable[[Step], None]) -> None:
    if news["status"] not in ("downloading", "finished"):
        return
    name = (news.get("info_dict") or {}).get("format_id")
    on_step(
        Step(
            stream=names.index(name) if name in names else 0,
            done=int(news.get("downloaded_bytes") or 0),
            total=news.get("total_bytes") or news.get("total_bytes_estimate"),
            finished=news["status"] == "finished",
            fragment=news.get("fragment_index"),
            fragments=news.get("fragment_count"),
        )
    )


def _notice(news: dict[str, Any], on_merging: Callable[[], None]) -> None:
    if news["status"] == "started" and news["postprocessor"] in MERGING:
        on_merging()


def _fetched(found: Found) -> Fetched:
    media = Path(found.info.get("filepath") or "")
    if not media.is_file() or not media.stat().st_size:
        raise DownloadError("The site answered, but sent no video.", False)
    beside = [path for path in sorted(media.parent.glob(f"{STEM}.*")) if path.suffix[1:].lower() in PICTURES]
    info = media.parent / f"{STEM}.info.json"
    subtitles = sorted(path for path in media.parent.glob(f"{STEM}.*.vtt") if path.stat().st_size)
    return Fetched(media, beside[0] if beside else None, info if info.is_file() else None, subtitles)


def _explained(error: BaseException) -> DownloadError | OSError:
    """Turn yt-dlp's error into words that say what to do, with its own message beneath; a full disk stays one."""
    if error_messages.DISK_FULL.search(str(error)):
        return OSError(errno.ENOSPC, str(error))
    status = next((cause.status for cause in _causes(error) if isinstance(cause, HTTPError)), None)
    words, permanent = error_messages.explain(str(error), status)
    return DownloadError(words, permanent)


def _causes(error: BaseException | None) -> Iterable[BaseException]:
    """Walk an error and what caused it, also where yt-dlp keeps that in fields of its own."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        info = getattr(error, "exc_info", None)
        within = info[1] if info else None
        error = (within if within is not error else None) or getattr(error, "cause", None) or error.__cause__
