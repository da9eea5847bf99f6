"""Options of yt-dlp, for the probe and the download."""

import logging
from pathlib import Path
from typing import Any

from django.conf import settings

from downloads.ytdlp.results import MAX_ERROR_CHARACTERS
from downloads.ytdlp.smuggled_data import remove_smuggled

logger = logging.getLogger(__name__)
# File name stem in the workspace; the attempt names the files after the title when it stores them.
OUTPUT_STEM = "media"
# yt-dlp formats a line for each block, also with "noprogress": a fifth of the CPU of a stream in fragments.
PROGRESS_LINE_SECONDS = 86_400
# Protocols that go through the egress proxy; rtmp, rtsp, mms and WebSocket would bypass it.
PROTOCOL_PATTERN = r"^(https?|m3u8(_native)?|http_dash_segments(_generator)?|ism)$"
PROTOCOL_FILTER = f"[protocol~='{PROTOCOL_PATTERN}']"
FORMAT_BY_QUALITY = {"audio": f"ba{PROTOCOL_FILTER}/b{PROTOCOL_FILTER}"}
DEFAULT_FORMAT = f"bv*{PROTOCOL_FILTER}+ba{PROTOCOL_FILTER}/b{PROTOCOL_FILTER}"
HEIGHT_BY_QUALITY = {"1080p": "1080", "720p": "720", "480p": "480"}


class _YtdlpLogger:
    """Logs all messages of yt-dlp at debug level; whoever catches an error logs it."""

    def debug(self, message: str) -> None:
        logger.debug("%s", remove_smuggled(message[:MAX_ERROR_CHARACTERS]))

    info = warning = error = debug


def build_options(folder: Path, proxy_url: str, quality: str, playlist_limit: int | None = None) -> dict[str, Any]:
    """Return the options for a download to `folder`; `quality` is a value of models.Quality.

    Of a playlist, `playlist_limit` entries are listed, PLAYLIST_LIMIT for None.
    """
    return {
        "proxy": proxy_url,
        "format": FORMAT_BY_QUALITY.get(quality, DEFAULT_FORMAT),
        "format_sort": [f"res:{HEIGHT_BY_QUALITY[quality]}"] if quality in HEIGHT_BY_QUALITY else [],
        "paths": {"home": str(folder)},
        "outtmpl": {"default": f"{OUTPUT_STEM}.%(ext)s"},
        "cachedir": str(settings.CACHE_ROOT / "yt-dlp"),
        "writethumbnail": True,
        "writeinfojson": True,
        "clean_infojson": True,
        "allow_playlist_files": False,
        "noplaylist": True,
        "extract_flat": "in_playlist",
        # One more than the limit, to detect that there are more.
        "playlist_items": f"1:{(playlist_limit or settings.PLAYLIST_LIMIT) + 1}",
        "continuedl": True,
        # Keep the streams after merging: an attempt that is interrupted there does not download them again.
        "keepvideo": True,
        "overwrites": True,
        "updatetime": False,
        "hls_prefer_native": True,
        "external_downloader": {"default": "native"},
        "js_runtimes": {"deno": {}, "node": {}},
        "socket_timeout": min(20, settings.STALL_SECONDS),
        "retries": 3,
        "fragment_retries": 3,
        "skip_unavailable_fragments": False,
        "extractor_retries": 1,
        "file_access_retries": 1,
        "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor"), _retry_delay),
        # A downloaded file that is a playlist must not make ffmpeg open other files or URLs.
        "postprocessor_args": {"ffmpeg_i": ["-protocol_whitelist", "file,crypto,data"]},
        "logger": _YtdlpLogger(),
        "noprogress": True,
        "progress_delta": PROGRESS_LINE_SECONDS,
        "color": "never",
    }


def read_playlist_limit(options: dict[str, Any]) -> int:
    """Return how many entries of a playlist the options of `build_options` ask for."""
    return int(options["playlist_items"].partition(":")[2]) - 1


def build_subtitle_options(languages: str) -> dict[str, Any]:
    """Return the options for subtitles; `languages` is a comma-separated list of BCP 47 tags, empty for none.

    `SubtitleClient` matches the languages, downloads and converts.
    """
    return {"writesubtitles": True, "subtitleslangs": languages.split(",")} if languages else {}


def _retry_delay(n: int) -> float:  # the parameter's name is yt-dlp's
    return min(8.0, 0.5 * 2**n)
