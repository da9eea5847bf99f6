"""Options passed to yt-dlp."""

import logging
import re
from pathlib import Path
from typing import Any

from django.conf import settings

logger = logging.getLogger(__name__)
# Everything in the work folder is called so; names for people are made when a video is filed away.
OUTPUT_STEM = "media"
# Those that go through the proxy: no rtmp, no rtsp, no mms, no websocket.
PROTOCOL_PATTERN = r"^(https?|m3u8(_native)?|http_dash_segments(_generator)?|ism)$"
PROTOCOL_FILTER = f"[protocol~='{PROTOCOL_PATTERN}']"
FORMAT_BY_QUALITY = {"audio": f"ba{PROTOCOL_FILTER}/b{PROTOCOL_FILTER}"}
DEFAULT_FORMAT = f"bv*{PROTOCOL_FILTER}+ba{PROTOCOL_FILTER}/b{PROTOCOL_FILTER}"
HEIGHT_BY_QUALITY = {"1080p": "1080", "720p": "720", "480p": "480"}


class _YtdlpLogger:
    """What yt-dlp says goes to the log's depths: an error is told by whoever catches it."""

    def debug(self, message: str) -> None:
        logger.debug("%s", message)

    info = warning = error = debug


def build_options(folder: Path, proxy_url: str, quality: str) -> dict[str, Any]:
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
        "noplaylist": True,
        "extract_flat": "in_playlist",
        # One more than is taken, to know whether there are more.
        "playlist_items": f"1:{settings.PLAYLIST_LIMIT + 1}",
        "continuedl": True,
        # The streams of a video stay until it is filed away: joining them may be cut short.
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
        # A file that claims to be a playlist must not make ffmpeg read others, here or elsewhere.
        "postprocessor_args": {"ffmpeg_i": ["-protocol_whitelist", "file,crypto,data"]},
        "logger": _YtdlpLogger(),
        "noprogress": True,
        "color": "never",
    }


def build_subtitle_options(languages: str) -> dict[str, Any]:
    """Return the options for subtitles in these languages, kept as WebVTT; a track that fails fails no video."""
    if not languages:
        return {}
    return {
        "writesubtitles": True,
        # yt-dlp reads these as patterns: "en" also means en-GB.
        "subtitleslangs": [rf"{re.escape(language)}(-.*)?" for language in languages.split(",")],
        "subtitlesformat": "vtt/best",
        "postprocessors": [{"key": "FFmpegSubtitlesConvertor", "format": "vtt", "when": "before_dl"}],
    }


def _retry_delay(n: int) -> float:
    return min(8.0, 0.5 * 2**n)
