"""Results and errors of a probe and a download."""

import dataclasses
import datetime as dt
import enum
from pathlib import Path
from typing import Any

from downloads.network.url_secrets import hide_secrets
from downloads.ytdlp.streams import Stream

MAX_ERROR_CHARACTERS = 2000
DRM_MESSAGE = "This video is copy-protected (DRM) and can’t be downloaded. Another site may have it without protection."


class DownloadError(Exception):
    """The site, the network or a limit prevents the download; `permanent` if a retry cannot help.

    The message is for people, and is kept on the row.
    """

    def __init__(self, message: str, permanent: bool) -> None:
        # A site's own words in it may have any length, and its URLs tokens.
        super().__init__(hide_secrets(message[:MAX_ERROR_CHARACTERS]))
        self.permanent = permanent


class UnforeseenError(DownloadError):
    """An exception that yt-dlp did not handle, or the kill of a program: its traceback belongs in the log."""

    def __init__(self, message: str) -> None:
        super().__init__(message, False)


class SiteError(DownloadError):
    """An error of the site or the network, not of a limit of ours: other data for the request may avoid it.

    `status` is the HTTP status that caused it, None for none. `asks_for_pause` is True where the site wants to be asked
    less, `retry_after` how long it says.
    """

    def __init__(
        self,
        message: str,
        permanent: bool,
        *,
        status: int | None = None,
        asks_for_pause: bool = False,
        retry_after: dt.timedelta | None = None,
    ) -> None:
        super().__init__(message, permanent)
        self.status = status
        self.asks_for_pause = asks_for_pause
        self.retry_after = retry_after


class Stage(enum.StrEnum):
    """Stage of a video before its recording is up."""

    ANNOUNCED = "announced"
    OFFLINE = "offline"  # the page of a channel that is not live
    LIVE = "live"
    PROCESSING = "processing"  # it was live, and the site prepares the recording


STAGE_MESSAGES = {
    Stage.ANNOUNCED: "This video hasn’t started. Try again when it has.",
    Stage.OFFLINE: "Nothing is live at this link. Try again when a recording is up.",
    Stage.LIVE: "This is a live stream. Try again when it has ended and its recording is up.",
    Stage.PROCESSING: "This was a live stream. Try again when its recording is up.",
}


class NotYetAvailable(DownloadError):
    """The video cannot be fetched yet.

    `starts_at` is the announced start, None where the site does not tell one. `info` is yt-dlp's info dict, empty
    where there is none.
    """

    def __init__(
        self,
        stage: Stage,
        *,
        starts_at: dt.datetime | None = None,
        is_premiere: bool = False,
        info: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(STAGE_MESSAGES[stage], True)
        self.stage = stage
        self.starts_at = starts_at
        self.is_premiere = is_premiere
        self.info = info or {}


@dataclasses.dataclass(frozen=True)
class ProbeResult:
    """A single video: yt-dlp's info dict, the streams that will be downloaded, and the client to download them."""

    info: dict[str, Any]
    streams: list[Stream]
    ydl: Any = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class LookUpResult:
    """Title of a video: yt-dlp's info dict and its picture, or the title of a playlist, without an info dict."""

    info: dict[str, Any] | None = None
    picture: Path | None = None
    playlist_title: str = ""


@dataclasses.dataclass(frozen=True)
class PlaylistEntry:
    """A video of a playlist: its URL, its metadata from the playlist, and what yt-dlp needs to fetch it.

    `url` is for people: without data for yt-dlp, "" for an entry without an address of its own. `key` identifies an
    entry whose URL does not; "" where the URL says all. `is_url_unique` is False where other videos have the same URL.
    `info` (JSON), `cookies` (JSON) and `raw_info` are for yt-dlp only: they may hold secrets.
    """

    url: str
    extractor: str = ""
    source_id: str = ""
    title: str = ""
    key: str = ""
    is_url_unique: bool = True
    index: int = 0
    stage: Stage | None = None
    starts_at: dt.datetime | None = None
    restriction: str = ""  # "members", "subscribers" or "private"; "" for a video that anyone may see
    info: dict[str, Any] | None = dataclasses.field(default=None, repr=False)
    cookies: list[dict[str, Any]] = dataclasses.field(default_factory=list, repr=False)
    raw_info: dict[str, Any] | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def has_request(self) -> bool:
        """Return True if the URL alone does not fetch this entry."""
        return self.raw_info is not None


@dataclasses.dataclass(frozen=True)
class Playlist:
    """A URL with many videos: the first PLAYLIST_LIMIT entries, and if there are more."""

    title: str
    entries: list[PlaylistEntry]
    has_more: bool


@dataclasses.dataclass(frozen=True)
class ListingEntry:
    """A video in a flat listing: what the list says of it, without a look-up of its own.

    `extractor` is the key of the extractor that would fetch it ("Youtube"); `is_date_rough` for dates such as "2 weeks
    ago". `availability` and `live_status` are yt-dlp's own words, "" where the list says nothing.
    """

    url: str
    extractor: str = ""
    source_id: str = ""
    title: str = ""
    duration: float | None = None
    published: dt.datetime | None = None
    is_date_rough: bool = False
    availability: str = ""
    live_status: str = ""
    release_at: dt.datetime | None = None
    position: int = 0  # in the list, from 1
    tab: str = ""
    # What yt-dlp needs beside the URL, if anything: data between extractors, headers, cookies.
    request: PlaylistEntry | None = dataclasses.field(default=None, repr=False, compare=False)


@dataclasses.dataclass(frozen=True)
class Listing:
    """A range of a flat listing; `total` is the length of the list where the site tells it.

    `is_missing` is true of a tab that the channel does not have.

    `extractor` and `source_id` are those of the list itself; for the tab of a channel, the id of the channel.
    """

    entries: list[ListingEntry]
    title: str = ""
    extractor: str = ""
    source_id: str = ""
    is_channel: bool = False
    total: int | None = None
    is_missing: bool = False


@dataclasses.dataclass(frozen=True)
class DownloadedFiles:
    """Downloaded files, in the workspace."""

    media: Path
    thumbnail: Path | None
    info_json: Path | None
    subtitle_files: list[Path] = dataclasses.field(default_factory=list)
    # A sentence for each language whose subtitles could not be kept.
    subtitle_omissions: list[str] = dataclasses.field(default_factory=list)
