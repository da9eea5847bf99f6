"""The selected yt_dlp, imported once by this module: all other modules import its names from here."""

from pathlib import Path

from downloads.ytdlp import loading

loading.load_selected()

import yt_dlp  # noqa: E402 - only after the version is selected
import yt_dlp.version  # noqa: E402
from yt_dlp.downloader.fragment import FragmentFD  # noqa: E402
from yt_dlp.extractor.common import InfoExtractor  # noqa: E402
from yt_dlp.networking import Request, Response  # noqa: E402
from yt_dlp.networking.exceptions import HTTPError, RequestError, TransportError  # noqa: E402
from yt_dlp.utils import (  # noqa: E402
    ExtractorError,
    UserNotLive,
    YoutubeDLError,
    determine_ext,
    parse_duration,
    parse_m3u8_attributes,
    sanitize_url,
    unsmuggle_url,
)
from yt_dlp.utils._utils import _UnsafeExtensionError as UnsafeExtensionError  # noqa: E402

YoutubeDL = yt_dlp.YoutubeDL
VERSION: str = yt_dlp.version.__version__
FOLDER = Path(yt_dlp.__file__).parent

__all__ = [
    "FOLDER",
    "VERSION",
    "ExtractorError",
    "FragmentFD",
    "HTTPError",
    "InfoExtractor",
    "Request",
    "RequestError",
    "Response",
    "TransportError",
    "UnsafeExtensionError",
    "UserNotLive",
    "YoutubeDL",
    "YoutubeDLError",
    "determine_ext",
    "parse_duration",
    "parse_m3u8_attributes",
    "sanitize_url",
    "unsmuggle_url",
]
