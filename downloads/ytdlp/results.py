"""Results and errors of a probe and a download."""

import dataclasses
from pathlib import Path
from typing import Any

from downloads.ytdlp.streams import Stream


class DownloadError(Exception):
    """The site, the network or a limit prevents the download; `permanent` if a retry cannot help.

    The message is for people, and is kept on the row.
    """

    def __init__(self, message: str, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclasses.dataclass(frozen=True)
class ProbeResult:
    """A single video: yt-dlp's info dict, the streams that will be downloaded, and the client to download them."""

    info: dict[str, Any]
    streams: list[Stream]
    ydl: Any = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class PlaylistEntry:
    """A video of a playlist: its URL, and its metadata from the playlist."""

    url: str
    extractor: str = ""
    source_id: str = ""
    title: str = ""


@dataclasses.dataclass(frozen=True)
class Playlist:
    """A URL with many videos: the first PLAYLIST_LIMIT entries, and if there are more."""

    title: str
    entries: list[PlaylistEntry]
    has_more: bool


@dataclasses.dataclass(frozen=True)
class DownloadedFiles:
    """Downloaded files, in the workspace."""

    media: Path
    thumbnail: Path | None
    info_json: Path | None
    subtitle_files: list[Path] = dataclasses.field(default_factory=list)
    # A sentence for each language whose subtitles could not be kept.
    subtitle_omissions: list[str] = dataclasses.field(default_factory=list)
