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

from downloads.files.partial_file import OVERLAP_BYTES, SourceChanged, ResumeInfo, PartialFile

os.environ["YTDLP_NO_PLUGINS"] = "1"  # read when yt_dlp is imported: only what is pinned may run

import yt_dlp
from yt_dlp.networking import Request, Response
from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import YoutubeDLError

__all__ = ["HTTPError", "YoutubeDLError", "Ytdl"]


CHUNK = 1024 * 1024
PAGE_BYTES = 64 * 1024 * 1024  # of one page or list that a look-up reads
PICTURE_BYTES = 10_000_000
PICTURE_SECONDS = 60.0


class Ytdl(yt_dlp.YoutubeDL):
    """`YoutubeDL` with parts that survive the process."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._part: PartialFile | None = None
        self._asked: dict[str, int] = {}
        self._is_picture = False
        super().__init__(params)
        self.add_progress_hook(self._count)

    def dl(self, name: str, info: dict[str, Any], subtitle: bool = False, test: bool = False) -> Any:
        """Fetch one file, from where its part ends; from the start where that is no part of it any more."""
        if subtitle or test:
            return super().dl(name, info, subtitle, test)
        in_fragments = info.get("protocol") not in ("http", "https")
        with PartialFile(Path(name), str(info.get("format_id")), is_fragmented=in_fragments) as part:
            self._part, self._asked = part, {}
            try:
                return self._fetch(part, name, info)
            finally:
                self._part = None

    def _fetch(self, part: PartialFile, name: str, info: dict[str, Any]) -> Any:
        try:
            done = super().dl(name, info)
            part.record_last_fragment()
        except SourceChanged:
            part.final_path.unlink(missing_ok=True)
            part.start_over(ResumeInfo(part.resume_info.format_id))
            self._asked = {}
            done = super().dl(name, info)
            part.record_last_fragment()
        return done

    def _count(self, news: dict[str, Any]) -> None:
        if self._part:
            self._part.check_fragment_count(news.get("fragment_count"))

    def urlopen(self, req: Any) -> Any:
        """Open a request; while a file is fetched, see to it that it goes on with the same one."""
        if self._part is None:
            most, seconds = (PICTURE_BYTES, PICTURE_SECONDS) if self._is_picture else (PAGE_BYTES, math.inf)
            return _bounded(super().urlopen(req), most, seconds)
        request = Request(req) if isinstance(req, str) else req
        return self._open_fragment(request) if self._part.is_fragmented else self._open(self._part, request)

    def _write_thumbnails(self, *args: Any, **kwargs: Any) -> Any:
        """Fetch the picture; one that is endless is done without."""
        self._is_picture = True
        try:
            return super()._write_thumbnails(*args, **kwargs)
        finally:
            self._is_picture = False

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
        if self._part:
            self._part.record_fragments()
        start, _ = _range(request)
        first = self._asked.setdefault(request.url, start or 0)
        if (start or 0) > first:
            if first:
                raise TransportError("a piece of a file was cut off")
            request = _without_range(request)
        return super().urlopen(request)

    # Files ----------------------------------------------------------------------------------------------

    def _open(self, part: PartialFile, request: Any) -> Any:
        start, end = _range(request)
        if not start:
            return self._begin(part, request)
        overlap = min(start, OVERLAP_BYTES)
        try:
            answer = super().urlopen(_asking(request, start - overlap, end, part.resume_info))
        except HTTPError as error:
            if error.status != 416:
                raise
            error.close()
            return self._begin(part, _without_range(request))
        if _goes_on(answer, part, start - overlap, overlap):
            return _shortened(answer, start, overlap)
        answer.close()
        return self._begin(part, _without_range(request))

    def _begin(self, part: PartialFile, request: Any) -> Any:
        answer = super().urlopen(request)
        part.start_over(_identity(answer, part.resume_info.format_id))
        return answer


def _bounded(answer: Response, most: int, seconds: float) -> Response:
    """Return an answer that breaks off when there is more of it, or it takes longer, than is good."""
    read, left, until = answer.read, most, time.monotonic() + seconds

    def some(amount: int) -> bytes:
        nonlocal left
        found: bytes = read(min(amount, CHUNK))
        left -= len(found)
        if left < 0 or time.monotonic() > until:
            raise TransportError("more arrived than a page or a picture has")
        return found

    # Also where all is asked for at once: what grows when it is unpacked is counted as it does.
    answer.read = lambda amount=None: some(amount) if amount else b"".join(iter(lambda: some(CHUNK), b""))
    return answer


def _range(request: Any) -> tuple[int | None, int | None]:
    found = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range") or "")
    return (int(found[1]), int(found[2]) if found[2] else None) if found else (None, None)


def _without_range(request: Any) -> Any:
    bare = request.copy()
    bare.headers.pop("Range", None)
    return bare


def _asking(request: Any, start: int, end: int | None, mark: ResumeInfo) -> Any:
    """Return the request from an earlier byte on, which a server that has another file now answers whole."""
    asking = request.copy()
    asking.headers["Range"] = f"bytes={start}-{'' if end is None else end}"
    strong = mark.etag if not mark.etag.startswith("W/") else ""
    if condition := strong or mark.last_modified:
        asking.headers["If-Range"] = condition
    return asking


def _identity(answer: Response, format_id: str) -> ResumeInfo:
    whole = re.fullmatch(r"bytes \d+-\d+/(\d+)", answer.headers.get("Content-Range") or "")
    length = whole[1] if whole else answer.headers.get("Content-Length") if answer.status == 200 else None
    return ResumeInfo(
        format_id,
        size=int(length) if length and length.isdigit() else None,
        etag=answer.headers.get("ETag") or "",
        last_modified=answer.headers.get("Last-Modified") or "",
        # The bytes of a compressed answer are not those of the file.
        resumable=(answer.headers.get("Content-Encoding") or "identity") == "identity",
    )


def _goes_on(answer: Response, part: PartialFile, start: int, overlap: int) -> bool:
    """Tell whether the answer is the rest of the part, beginning with `overlap` bytes that are here already."""
    here = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range") or "")
    if answer.status != 206 or here is None or int(here[1]) != start:
        return False
    now = _identity(answer, part.resume_info.format_id)
    return _is_same(part.resume_info, now) and _read(answer, overlap) == part.read_tail(overlap)


def _is_same(then: ResumeInfo, now: ResumeInfo) -> bool:
    if not (then.resumable and now.resumable) or (then.size is not None and then.size != now.size):
        return False
    if then.etag and now.etag:
        return then.etag == now.etag
    return not (then.last_modified and now.last_modified) or then.last_modified == now.last_modified


def _read(answer: Response, length: int) -> bytes:
    found = b""
    while len(found) < length and (more := answer.read(length - len(found))):
        found += more
    return found


def _shortened(answer: Response, start: int, overlap: int) -> Response:
    """Return the answer as if it began at `start`: its first bytes have been read."""
    _, _, rest = answer.headers["Content-Range"].partition("-")
    length = answer.headers.get("Content-Length")
    del answer.headers["Content-Range"], answer.headers["Content-Length"]
    answer.headers["Content-Range"] = f"bytes {start}-{rest}"
    if length and length.isdigit():
        answer.headers["Content-Length"] = str(int(length) - overlap)
    return answer
