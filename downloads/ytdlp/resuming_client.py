"""yt-dlp as it is used here: it goes on with a part only where the server still has the same file.

yt-dlp resumes whatever it finds, also between its own retries, and so joins two versions of a file that
was replaced meanwhile. Here each request that goes on is judged by its answer: the size, the ETag or
Last-Modified, and the last 64 KiB before, which are fetched again. Where these differ it gets the whole
file instead, which yt-dlp takes for a server that cannot resume: it begins again.
"""

import math
import os
import re
import time
from pathlib import Path
from typing import Any

from downloads.files.partial_file import OVERLAP_BYTES, PartialFile, ResumeInfo, SourceChanged

os.environ["YTDLP_NO_PLUGINS"] = "1"  # read when yt_dlp is imported: only what is pinned may run

import yt_dlp
from yt_dlp.networking import Request, Response
from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import YoutubeDLError

__all__ = ["HTTPError", "ResumingYoutubeDL", "YoutubeDLError"]


READ_CHUNK_BYTES = 1024 * 1024
MAX_PAGE_BYTES = 64 * 1024 * 1024  # of one page or list that a look-up reads
MAX_THUMBNAIL_DOWNLOAD_BYTES = 10_000_000
THUMBNAIL_TIMEOUT_SECONDS = 60.0


class ResumingYoutubeDL(yt_dlp.YoutubeDL):
    """`YoutubeDL` with parts that survive the process."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._partial_file: PartialFile | None = None
        self._first_offsets: dict[str, int] = {}
        self._is_fetching_thumbnail = False
        super().__init__(params)
        self.add_progress_hook(self._check_fragment_count)

    def dl(self, name: str, info: dict[str, Any], subtitle: bool = False, test: bool = False) -> Any:
        """Fetch one file, from where its part ends; from the start where that is no part of it any more."""
        if subtitle or test:
            return super().dl(name, info, subtitle, test)
        in_fragments = info.get("protocol") not in ("http", "https")
        with PartialFile(Path(name), str(info.get("format_id")), is_fragmented=in_fragments) as part:
            self._partial_file, self._first_offsets = part, {}
            try:
                return self._download_with_resume(part, name, info)
            finally:
                self._partial_file = None

    def _download_with_resume(self, partial_file: PartialFile, name: str, info: dict[str, Any]) -> Any:
        try:
            done = super().dl(name, info)
            partial_file.record_last_fragment()
        except SourceChanged:
            partial_file.final_path.unlink(missing_ok=True)
            partial_file.start_over(ResumeInfo(partial_file.resume_info.format_id))
            self._first_offsets = {}
            done = super().dl(name, info)
            partial_file.record_last_fragment()
        return done

    def _check_fragment_count(self, event: dict[str, Any]) -> None:
        if self._partial_file:
            self._partial_file.check_fragment_count(event.get("fragment_count"))

    def urlopen(self, req: Any) -> Any:
        """Open a request; while a file is fetched, see to it that it goes on with the same one."""
        if self._partial_file is None:
            most, seconds = (
                (MAX_THUMBNAIL_DOWNLOAD_BYTES, THUMBNAIL_TIMEOUT_SECONDS)
                if self._is_fetching_thumbnail
                else (MAX_PAGE_BYTES, math.inf)
            )
            return _limit_response(super().urlopen(req), most, seconds)
        request = Request(req) if isinstance(req, str) else req
        return (
            self._open_fragment(request)
            if self._partial_file.is_fragmented
            else self._open_with_resume(self._partial_file, request)
        )

    def _write_thumbnails(self, *args: Any, **kwargs: Any) -> Any:
        """Fetch the picture; one that is endless is done without."""
        self._is_fetching_thumbnail = True
        try:
            return super()._write_thumbnails(*args, **kwargs)
        finally:
            self._is_fetching_thumbnail = False

    def _write_subtitles(self, info_dict: dict[str, Any], filename: str) -> Any:
        """Fetch the subtitles; what cannot be had is done without."""
        try:
            return super()._write_subtitles(info_dict, filename)
        except (YoutubeDLError, TransportError) as error:
            self.write_debug(f"No subtitles: {error}")
            return []

    # Fragments ------------------------------------------------------------------------------------------

    def _open_fragment(self, request: Any) -> Any:
        """Open a fragment, or a list of them; a fragment that was cut off is fetched anew."""
        if self._partial_file:
            self._partial_file.record_fragments()
        start, _ = _parse_range(request)
        first = self._first_offsets.setdefault(request.url, start or 0)
        if (start or 0) > first:
            if first:
                raise TransportError("a piece of a file was cut off")
            request = _without_range(request)
        return super().urlopen(request)

    # Files ----------------------------------------------------------------------------------------------

    def _open_with_resume(self, partial_file: PartialFile, request: Any) -> Any:
        start, end = _parse_range(request)
        if not start:
            return self._open_from_start(partial_file, request)
        overlap = min(start, OVERLAP_BYTES)
        try:
            answer = super().urlopen(_with_range(request, start - overlap, end, partial_file.resume_info))
        except HTTPError as error:
            if error.status != 416:
                raise
            error.close()
            return self._open_from_start(partial_file, _without_range(request))
        if _is_continuation(answer, partial_file, start - overlap, overlap):
            return _trim_overlap(answer, start, overlap)
        answer.close()
        return self._open_from_start(partial_file, _without_range(request))

    def _open_from_start(self, partial_file: PartialFile, request: Any) -> Any:
        answer = super().urlopen(request)
        partial_file.start_over(_response_resume_info(answer, partial_file.resume_info.format_id))
        return answer


def _limit_response(response: Response, max_bytes: int, timeout_seconds: float) -> Response:
    """Return an answer that breaks off when there is more of it, or it takes longer, than is good."""
    read, left, until = response.read, max_bytes, time.monotonic() + timeout_seconds

    def some(amount: int) -> bytes:
        nonlocal left
        found: bytes = read(min(amount, READ_CHUNK_BYTES))
        left -= len(found)
        if left < 0 or time.monotonic() > until:
            raise TransportError("more arrived than a page or a picture has")
        return found

    # Also where all is asked for at once: what grows when it is unpacked is counted as it does.
    response.read = lambda amount=None: some(amount) if amount else b"".join(iter(lambda: some(READ_CHUNK_BYTES), b""))
    return response


def _parse_range(request: Any) -> tuple[int | None, int | None]:
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range") or "")
    return (int(found[1]), int(found[2]) if found[2] else None) if found else (None, None)


def _without_range(request: Any) -> Any:
    bare = request.copy()
    bare.headers.pop("Range", None)
    return bare


def _with_range(request: Any, start: int, end: int | None, resume_info: ResumeInfo) -> Any:
    """Return the request from an earlier byte on, which a server that has another file now answers whole."""
    asking = request.copy()
    asking.headers["Range"] = f"bytes={start}-{'' if end is None else end}"
    strong = resume_info.etag if not resume_info.etag.startswith("W/") else ""
    if condition := strong or resume_info.last_modified:
        asking.headers["If-Range"] = condition
    return asking


def _response_resume_info(response: Response, format_id: str) -> ResumeInfo:
    whole = re.fullmatch(r"bytes \d+-\d+/(\d+)", response.headers.get("Content-Range") or "")
    length = whole[1] if whole else response.headers.get("Content-Length") if response.status == 200 else None
    return ResumeInfo(
        format_id,
        size=int(length) if length and length.isdigit() else None,
        etag=response.headers.get("ETag") or "",
        last_modified=response.headers.get("Last-Modified") or "",
        # The bytes of a compressed answer are not those of the file.
        resumable=(response.headers.get("Content-Encoding") or "identity") == "identity",
    )


def _is_continuation(response: Response, partial_file: PartialFile, start: int, overlap: int) -> bool:
    """Tell whether the answer is the rest of the part, beginning with `overlap` bytes that are here already."""
    here = re.match(r"bytes (\d+)-", response.headers.get("Content-Range") or "")
    if response.status != 206 or here is None or int(here[1]) != start:
        return False
    now = _response_resume_info(response, partial_file.resume_info.format_id)
    return _is_same_file(partial_file.resume_info, now) and _read_bytes(response, overlap) == partial_file.read_tail(
        overlap
    )


def _is_same_file(saved: ResumeInfo, current: ResumeInfo) -> bool:
    if not (saved.resumable and current.resumable) or (saved.size is not None and saved.size != current.size):
        return False
    if saved.etag and current.etag:
        return saved.etag == current.etag
    return not (saved.last_modified and current.last_modified) or saved.last_modified == current.last_modified


def _read_bytes(response: Response, length: int) -> bytes:
    found = b""
    while len(found) < length and (more := response.read(length - len(found))):
        found += more
    return found


def _trim_overlap(response: Response, start: int, overlap: int) -> Response:
    """Return the answer as if it began at `start`: its first bytes have been read."""
    _, _, rest = response.headers["Content-Range"].partition("-")
    length = response.headers.get("Content-Length")
    del response.headers["Content-Range"], response.headers["Content-Length"]
    response.headers["Content-Range"] = f"bytes {start}-{rest}"
    if length and length.isdigit():
        response.headers["Content-Length"] = str(int(length) - overlap)
    return response
