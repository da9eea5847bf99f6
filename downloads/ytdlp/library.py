"""The yt_dlp of this process, which the first import of this module loads: other modules import its names from here."""

from downloads.ytdlp import loading

loading.load_selected()

import yt_dlp  # noqa: E402 - only after the version is selected
import yt_dlp.version  # noqa: E402
from yt_dlp.networking import Request, Response  # noqa: E402
from yt_dlp.networking.exceptions import HTTPError, TransportError  # noqa: E402
from yt_dlp.utils import YoutubeDLError  # noqa: E402

YoutubeDL = yt_dlp.YoutubeDL
VERSION: str = yt_dlp.version.__version__

__all__ = [
    "VERSION",
    "HTTPError",
    "Request",
    "Response",
    "TransportError",
    "YoutubeDL",
    "YoutubeDLError",
]
