"""Results and errors of looking a URL up and fetching it."""

import dataclasses
from pathlib import Path
from typing import Any

from downloads.ytdlp.streams import Stream


class DownloadError(Exception):
    """The world is not as the download needs it; `permanent` where trying again will not help."""

    def __init__(self, message: str, permanent: bool) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclasses.dataclass(frozen=True)
class ProbeResult:
    """A video that was looked up: what the site says of it, and the streams that will be fetched."""

    info: dict[str, Any]
    streams: list[Stream]
    ydl: Any = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class PlaylistEntry:
    """A video in a list: its address, and what the list says that it is."""

    url: str
    extractor: str = ""
    source_id: str = ""
    title: str = ""


@dataclasses.dataclass(frozen=True)
class Playlist:
    """The address was not of one video but of many: the first of them, and whether there are more."""

    title: str
    entries: list[PlaylistEntry]
    has_more: bool


@dataclasses.dataclass(frozen=True)
class DownloadedFiles:
    """Files in the work folder."""

    media: Path
    thumbnail: Path | None
    info_json: Path | None
    subtitle_files: list[Path] = dataclasses.field(default_factory=list)
