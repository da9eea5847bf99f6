"""Client of yt-dlp that resumes a partial file only if the server still has the same file.

yt-dlp resumes any partial file that it finds, also between its own retries, and so joins two versions of a
file that was replaced on the server. Here each response to a range request is checked: size, ETag or
Last-Modified, and the last 64 KiB of the partial file, which are requested again. If any of these differ, yt-dlp
gets the whole file instead, takes the server for one that cannot resume, and starts over.
"""

import io
import math
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from downloads.files.partial_file import OVERLAP_BYTES, PartialFile, ResumeInfo, SourceChanged
from downloads.ytdlp.adaptive_streaming import dash_manifest, hls_playlist, prefetching
from downloads.ytdlp.adaptive_streaming.completeness import CompletenessCheck, PromisedDuration
from downloads.ytdlp.adaptive_streaming.fragments import FragmentClient
from downloads.ytdlp.options import OUTPUT_STEM
from downloads.ytdlp.responses import interim
from downloads.ytdlp.responses.range_requests import (
    is_continuation,
    requested_range,
    response_resume_info,
    trim_overlap,
    with_range,
    without_range,
)
from downloads.ytdlp.results import DownloadError
from downloads.ytdlp.selected_ytdlp import (
    HTTPError,
    Request,
    Response,
    TransportError,
    UnsafeExtensionError,
    YoutubeDL,
    YoutubeDLError,
)
from downloads.ytdlp.smuggled_data import remove_secrets
from downloads.ytdlp.subtitle_client import SubtitleClient

__all__ = ["HTTPError", "ResumingYoutubeDL", "YoutubeDLError", "is_safe_extension"]


READ_CHUNK_BYTES = 1024 * 1024
MAX_PAGE_BYTES = 64 * 1024 * 1024  # for each response of a probe
THUMBNAIL_EXTENSION = "image"
MAX_THUMBNAIL_DOWNLOAD_BYTES = 10_000_000
THUMBNAIL_TIMEOUT_SECONDS = 60.0
PLAYLIST_FIELDS = ("extractor", "extractor_key")
VIDEO_FIELDS = (*PLAYLIST_FIELDS, "webpage_url", "webpage_url_basename", "webpage_url_domain")


dash_manifest.install()
prefetching.install()
interim.install()


class ResumingYoutubeDL(SubtitleClient, YoutubeDL):
    """`YoutubeDL` whose partial files are resumed safely, also by a later process.

    `process_info`, `dl`, `urlopen`, `process_ie_result`, `sanitize_info` and `_write_thumbnails` override methods of
    yt-dlp; for subtitles see `SubtitleClient`.
    """

    def __init__(self, params: dict[str, Any]) -> None:
        self._partial_file: PartialFile | None = None
        self._playlist_url: str | None = None
        self._format_index: int | None = None
        self._promised_duration: PromisedDuration | None = None
        self._completeness = CompletenessCheck(1)
        self._fragment_client = FragmentClient(super().urlopen)
        self._is_fetching_thumbnail = False
        self._look_up_responses: list[Response] = []
        self.has_live_manifest = False  # of ISM
        self._stream_count = 0
        self.stream_index: int | None = None  # of the stream that is being downloaded, in the order of the formats
        super().__init__(params)
        self.add_progress_hook(self._check_fragment_count)

    def process_info(self, info_dict: dict[str, Any]) -> Any:
        """Download the formats of a video, and check that together they are whole."""
        self._completeness = CompletenessCheck(len(info_dict.get("requested_formats") or [info_dict]))
        return super().process_info(info_dict)

    def dl(self, name: str, info: dict[str, Any], subtitle: bool = False, test: bool = False) -> Any:
        """Download one file; resume its partial file if the server still has the same file."""
        if subtitle or test:
            return super().dl(name, info, subtitle, test)
        protocol = str(info.get("protocol"))
        is_fragmented = protocol not in ("http", "https")
        self._playlist_url = Request(info["url"]).url if protocol.startswith("m3u8") else None
        self._format_index = info.get("format_index")
        self._promised_duration = dash_manifest.promised_duration(info)
        if text := info.get("hls_media_playlist_data"):
            info = {**info, "hls_media_playlist_data": self._rewrite_playlist(text)}
        with PartialFile(Path(name), str(info.get("format_id")), is_fragmented=is_fragmented) as partial_file:
            self._partial_file = partial_file
            self.stream_index, self._stream_count = self._stream_count, self._stream_count + 1
            try:
                return self._download_with_resume(partial_file, name, info)
            finally:
                self._partial_file = self.stream_index = None
                self._fragment_client.close()

    def _download_with_resume(self, partial_file: PartialFile, name: str, info: dict[str, Any]) -> Any:
        try:
            return self._download_whole_file(partial_file, name, info)
        except SourceChanged:
            self._start_over(partial_file)
        try:
            return self._download_whole_file(partial_file, name, info)
        except SourceChanged as error:
            self._start_over(partial_file)
            raise DownloadError("The video keeps changing on the site. Try again later.", False) from error

    def _download_whole_file(self, partial_file: PartialFile, name: str, info: dict[str, Any]) -> Any:
        result = super().dl(name, info)
        partial_file.record_last_fragment()
        if partial_file.final_path.is_file():
            try:
                presentation = dash_manifest.promised_presentation(info)
                self._completeness.require_complete(partial_file.final_path, self._promised_duration, presentation)
            except DownloadError:
                self._start_over(partial_file)  # resuming it would keep what is wrong
                raise
        return result

    def _start_over(self, partial_file: PartialFile) -> None:
        partial_file.final_path.unlink(missing_ok=True)
        partial_file.start_over(ResumeInfo(partial_file.resume_info.format_id))
        self._fragment_client.close()

    def _check_fragment_count(self, event: dict[str, Any]) -> None:
        if self._partial_file:
            self._partial_file.check_fragment_count(event.get("fragment_count"))

    def urlopen(self, req: Any) -> Any:
        """Send a request; limit the response of a probe, and check that of a resumed download."""
        if self._partial_file is None and self._is_fetching_thumbnail:
            return _limit_response(super().urlopen(req), MAX_THUMBNAIL_DOWNLOAD_BYTES, THUMBNAIL_TIMEOUT_SECONDS)
        if self._partial_file is None:
            response = _limit_response(super().urlopen(req), MAX_PAGE_BYTES, math.inf)
            self._look_up_responses.append(response)
            return response
        request = Request(req) if isinstance(req, str) else req
        if self._partial_file.is_fragmented:
            return self._open_fragment(self._partial_file, request)
        return self._open_with_resume(self._partial_file, request)

    def close_look_up_responses(self) -> None:
        """Close what a look-up has left unread.

        Extractors read the beginning of a file and leave its response open; it would arrive whole, beside the download.
        """
        for response in self._look_up_responses:
            response.close()
        self._look_up_responses.clear()

    def process_ie_result(self, ie_result: Any, download: bool = True, extra_info: Any = None) -> Any:
        """Resolve a result of an extractor, but leave an entry of a playlist as the extractor gave it."""
        if ie_result.get("direct"):
            # The extractor saw that it is a file: its ending is not to make it a playlist ("/film.m3u8").
            for format_info in ie_result.get("formats") or [ie_result]:
                format_info.setdefault("protocol", urlsplit(format_info.get("url") or "").scheme or None)
        if not extra_info or "playlist" not in extra_info:
            return super().process_ie_result(ie_result, download, extra_info)
        # What these lack, they have from the playlist; a pointer has it from the page that it points to.
        inherited_fields = {"playlist": PLAYLIST_FIELDS, "multi_video": PLAYLIST_FIELDS, "video": VIDEO_FIELDS}
        for name in inherited_fields.get(ie_result.get("_type", "video"), ()):
            ie_result.setdefault(name, extra_info.get(name))
        return ie_result

    @staticmethod
    def sanitize_info(info_dict: Any, remove_private_keys: bool = False) -> Any:
        """Prepare the info dict for its JSON file, without data for yt-dlp's own requests."""
        return remove_secrets(YoutubeDL.sanitize_info(info_dict, remove_private_keys))

    def _write_thumbnails(self, label: str, info_dict: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Download the thumbnail, up to its limits of size and time; a failure does not fail the video.

        The file has the same extension for every URL: yt-dlp takes it from the URL, and refuses those such as "php".
        """
        thumbnails = [{**thumbnail, "ext": THUMBNAIL_EXTENSION} for thumbnail in info_dict.get("thumbnails") or []]
        self._is_fetching_thumbnail = True
        try:
            return super()._write_thumbnails(label, {**info_dict, "thumbnails": thumbnails}, *args, **kwargs)
        except (YoutubeDLError, TransportError, ValueError) as error:
            self.write_debug(f"No thumbnail: {error}")
            return []
        finally:
            self._is_fetching_thumbnail = False

    def fetch_thumbnail(self, info: dict[str, Any], folder: Path) -> Path | None:
        """Download the thumbnail alone; return its path, None if there is none."""
        path = folder / f"{OUTPUT_STEM}.{THUMBNAIL_EXTENSION}"
        self._write_thumbnails("video", info, str(folder / OUTPUT_STEM))
        return path if path.is_file() else None

    # Fragments ------------------------------------------------------------------------------------------

    def _open_fragment(self, partial_file: PartialFile, request: Any) -> Any:
        """Request a fragment or a playlist; a fragment that was interrupted is downloaded from its start."""
        partial_file.record_fragments()
        if request.url != self._playlist_url:
            return self._fragment_client.open(request)
        response = _limit_response(super().urlopen(request), MAX_PAGE_BYTES, math.inf)
        text = self._rewrite_playlist(response.read().decode("utf-8", "ignore"))
        return Response(io.BytesIO(text.encode()), response.url, {}, response.status)

    def plan_fragments(self, urls: list[str]) -> None:
        """Take the URLs of the fragments that yt-dlp is about to ask for, except those of subtitles."""
        if self._partial_file is not None:
            self._fragment_client.prefetcher.plan([Request(url).url for url in urls])

    def _rewrite_playlist(self, text: str) -> str:
        playlist = hls_playlist.rewrite_playlist(text, self._format_index)
        self._promised_duration = playlist.promised_duration
        return playlist.text

    # Single files ---------------------------------------------------------------------------------------

    def _open_with_resume(self, partial_file: PartialFile, request: Any) -> Any:
        start, end = requested_range(request)
        if not start:
            return self._open_from_start(partial_file, request)
        overlap = min(start, OVERLAP_BYTES)
        try:
            response = super().urlopen(with_range(request, start - overlap, end, partial_file.resume_info))
        except HTTPError as error:
            if error.status != 416:  # Range Not Satisfiable
                raise
            error.close()
            return self._open_from_start(partial_file, without_range(request))
        if is_continuation(response, partial_file, start - overlap, overlap):
            return trim_overlap(response, start, overlap)
        response.close()
        return self._open_from_start(partial_file, without_range(request))

    def _open_from_start(self, partial_file: PartialFile, request: Any) -> Any:
        response = super().urlopen(request)
        partial_file.start_over(response_resume_info(response, partial_file.resume_info.format_id))
        return response


def is_safe_extension(extension: str | None) -> bool:
    """Return whether yt-dlp writes files with this extension, as it is."""
    try:
        return UnsafeExtensionError.sanitize_extension(extension) == extension
    except UnsafeExtensionError:
        return False


def _limit_response(response: Response, max_bytes: int, timeout_seconds: float) -> Response:
    """Make the response raise TransportError after `max_bytes` (decompressed) or `timeout_seconds`."""
    read, remaining_bytes, deadline = response.read, max_bytes, time.monotonic() + timeout_seconds

    def read_chunk(amount: int) -> bytes:
        nonlocal remaining_bytes
        data: bytes = read(min(amount, READ_CHUNK_BYTES))
        remaining_bytes -= len(data)
        if remaining_bytes < 0 or time.monotonic() > deadline:
            raise TransportError("more arrived than a page or a picture has")
        return data

    def read_limited(amount: int | None = None) -> bytes:
        # read() without an amount is made of chunks as well: a small compressed response can be huge when decompressed.
        return read_chunk(amount) if amount else b"".join(iter(lambda: read_chunk(READ_CHUNK_BYTES), b""))

    response.read = read_limited
    return response
