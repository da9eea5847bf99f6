"""Client of yt-dlp that resumes a partial file only if the server still has the same file.

yt-dlp resumes any partial file that it finds, also between its own retries, and so joins two versions of a
file that was replaced on the server. Here each response to a range request is checked: size, ETag or
Last-Modified, and the last 64 KiB of the partial file, which are requested again. If any of these differ, yt-dlp
gets the whole file instead, takes the server for one that cannot resume, and starts over.
"""

import math
import re
import time
from pathlib import Path
from typing import Any

from downloads.files.partial_file import OVERLAP_BYTES, PartialFile, ResumeInfo, SourceChanged
from downloads.ytdlp.library import HTTPError, Request, Response, TransportError, YoutubeDL, YoutubeDLError

__all__ = ["HTTPError", "ResumingYoutubeDL", "YoutubeDLError"]


READ_CHUNK_BYTES = 1024 * 1024
MAX_PAGE_BYTES = 64 * 1024 * 1024  # for each response of a probe
THUMBNAIL_EXTENSION = "image"
MAX_THUMBNAIL_DOWNLOAD_BYTES = 10_000_000
THUMBNAIL_TIMEOUT_SECONDS = 60.0


class ResumingYoutubeDL(YoutubeDL):
    """`YoutubeDL` whose partial files are resumed safely, also by a later process.

    `dl`, `urlopen`, `_write_thumbnails` and `_write_subtitles` override methods of yt-dlp.
    """

    def __init__(self, params: dict[str, Any]) -> None:
        self._partial_file: PartialFile | None = None
        self._first_offsets: dict[str, int] = {}
        self._is_fetching_thumbnail = False
        super().__init__(params)
        self.add_progress_hook(self._check_fragment_count)

    def dl(self, name: str, info: dict[str, Any], subtitle: bool = False, test: bool = False) -> Any:
        """Download one file; resume its partial file if the server still has the same file."""
        if subtitle or test:
            return super().dl(name, info, subtitle, test)
        is_fragmented = info.get("protocol") not in ("http", "https")
        with PartialFile(Path(name), str(info.get("format_id")), is_fragmented=is_fragmented) as partial_file:
            self._partial_file, self._first_offsets = partial_file, {}
            try:
                return self._download_with_resume(partial_file, name, info)
            finally:
                self._partial_file = None

    def _download_with_resume(self, partial_file: PartialFile, name: str, info: dict[str, Any]) -> Any:
        try:
            result = super().dl(name, info)
            partial_file.record_last_fragment()
        except SourceChanged:
            partial_file.final_path.unlink(missing_ok=True)
            partial_file.start_over(ResumeInfo(partial_file.resume_info.format_id))
            self._first_offsets = {}
            result = super().dl(name, info)
            partial_file.record_last_fragment()
        return result

    def _check_fragment_count(self, event: dict[str, Any]) -> None:
        if self._partial_file:
            self._partial_file.check_fragment_count(event.get("fragment_count"))

    def urlopen(self, req: Any) -> Any:
        """Send a request; limit the response of a probe, and check that of a resumed download."""
        if self._partial_file is None and self._is_fetching_thumbnail:
            return _limit_response(super().urlopen(req), MAX_THUMBNAIL_DOWNLOAD_BYTES, THUMBNAIL_TIMEOUT_SECONDS)
        if self._partial_file is None:
            return _limit_response(super().urlopen(req), MAX_PAGE_BYTES, math.inf)
        request = Request(req) if isinstance(req, str) else req
        if self._partial_file.is_fragmented:
            return self._open_fragment(self._partial_file, request)
        return self._open_with_resume(self._partial_file, request)

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

    def _write_subtitles(self, info_dict: dict[str, Any], filename: str) -> Any:
        """Download the subtitles; a failure does not fail the video."""
        try:
            return super()._write_subtitles(info_dict, filename)
        except (YoutubeDLError, TransportError) as error:
            self.write_debug(f"No subtitles: {error}")
            return []

    # Fragments ------------------------------------------------------------------------------------------

    def _open_fragment(self, partial_file: PartialFile, request: Any) -> Any:
        """Request a fragment or a manifest; a fragment that was interrupted is downloaded from its start."""
        partial_file.record_fragments()
        start_or_none, _ = _parse_range(request)
        start = start_or_none or 0
        first_start = self._first_offsets.setdefault(request.url, start)
        if start > first_start:
            # A later start in the same URL is yt-dlp's resumption of an interrupted fragment.
            if first_start:
                raise TransportError("a piece of a file was cut off")
            request = _without_range(request)
        return super().urlopen(request)

    # Single files ---------------------------------------------------------------------------------------

    def _open_with_resume(self, partial_file: PartialFile, request: Any) -> Any:
        start, end = _parse_range(request)
        if not start:
            return self._open_from_start(partial_file, request)
        overlap = min(start, OVERLAP_BYTES)
        try:
            response = super().urlopen(_with_range(request, start - overlap, end, partial_file.resume_info))
        except HTTPError as error:
            if error.status != 416:  # Range Not Satisfiable
                raise
            error.close()
            return self._open_from_start(partial_file, _without_range(request))
        if _is_continuation(response, partial_file, start - overlap, overlap):
            return _trim_overlap(response, start, overlap)
        response.close()
        return self._open_from_start(partial_file, _without_range(request))

    def _open_from_start(self, partial_file: PartialFile, request: Any) -> Any:
        response = super().urlopen(request)
        partial_file.start_over(_response_resume_info(response, partial_file.resume_info.format_id))
        return response


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


def _parse_range(request: Any) -> tuple[int | None, int | None]:
    """Return the first and last byte of the Range header; None where the header or the last byte is absent."""
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range") or "")
    return (int(match[1]), int(match[2]) if match[2] else None) if match else (None, None)


def _without_range(request: Any) -> Any:
    request = request.copy()
    request.headers.pop("Range", None)
    return request


def _with_range(request: Any, start: int, end: int | None, resume_info: ResumeInfo) -> Any:
    """Return a copy of the request with Range and If-Range: a server with another file sends it whole."""
    request = request.copy()
    request.headers["Range"] = f"bytes={start}-{'' if end is None else end}"
    # If-Range takes no weak ETag (RFC 9110, 13.1.5).
    strong_etag = resume_info.etag if not resume_info.etag.startswith("W/") else ""
    if validator := strong_etag or resume_info.last_modified:
        request.headers["If-Range"] = validator
    return request


def _response_resume_info(response: Response, format_id: str) -> ResumeInfo:
    """Return the size and the validators of the file that a response is part of."""
    content_range = re.fullmatch(r"bytes \d+-\d+/(\d+)", response.headers.get("Content-Range") or "")
    if content_range:
        length = content_range[1]
    else:
        length = response.headers.get("Content-Length") if response.status == 200 else None
    return ResumeInfo(
        format_id,
        size=int(length) if length and length.isdigit() else None,
        etag=response.headers.get("ETag") or "",
        last_modified=response.headers.get("Last-Modified") or "",
        # Offsets in a compressed response are not offsets in the file.
        resumable=(response.headers.get("Content-Encoding") or "identity") == "identity",
    )


def _is_continuation(response: Response, partial_file: PartialFile, start: int, overlap: int) -> bool:
    """Return True if the response continues the partial file, after `overlap` bytes that repeat its end."""
    content_range = re.match(r"bytes (\d+)-", response.headers.get("Content-Range") or "")
    if response.status != 206 or content_range is None or int(content_range[1]) != start:
        return False
    current = _response_resume_info(response, partial_file.resume_info.format_id)
    if not _is_same_file(partial_file.resume_info, current):
        return False
    return _read_bytes(response, overlap) == partial_file.read_tail(overlap)


def _is_same_file(saved: ResumeInfo, current: ResumeInfo) -> bool:
    if not (saved.resumable and current.resumable) or (saved.size is not None and saved.size != current.size):
        return False
    if saved.etag and current.etag:
        return saved.etag == current.etag
    return not (saved.last_modified and current.last_modified) or saved.last_modified == current.last_modified


def _read_bytes(response: Response, length: int) -> bytes:
    """Read `length` bytes, fewer if the response ends before."""
    received = b""
    while len(received) < length and (data := response.read(length - len(received))):
        received += data
    return received


def _trim_overlap(response: Response, start: int, overlap: int) -> Response:
    """Correct the headers of a response whose overlap has been read, so that it begins at `start`."""
    _, _, end_and_size = response.headers["Content-Range"].partition("-")
    length = response.headers.get("Content-Length")
    del response.headers["Content-Range"], response.headers["Content-Length"]
    response.headers["Content-Range"] = f"bytes {start}-{end_and_size}"
    if length and length.isdigit():
        response.headers["Content-Length"] = str(int(length) - overlap)
    return response
