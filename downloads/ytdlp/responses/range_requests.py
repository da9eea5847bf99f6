"""Range requests (RFC 9110, 14) of a resumed download, with an overlap that is compared with the partial file."""

import re
from typing import Any

from downloads.files.partial_file import PartialFile, ResumeInfo
from downloads.ytdlp.selected_ytdlp import Response


def requested_range(request: Any) -> tuple[int | None, int | None]:
    """Return the first and last byte of a request's Range header; None where it, or the last byte, is absent."""
    match = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range") or "")
    return (int(match[1]), int(match[2]) if match[2] else None) if match else (None, None)


def without_range(request: Any) -> Any:
    request = request.copy()
    request.headers.pop("Range", None)
    return request


def with_range(request: Any, start: int, end: int | None, resume_info: ResumeInfo) -> Any:
    """Return a copy of the request with Range and If-Range: a server with another file sends it whole."""
    request = request.copy()
    request.headers["Range"] = f"bytes={start}-{'' if end is None else end}"
    # If-Range takes no weak ETag (RFC 9110, 13.1.5).
    strong_etag = resume_info.etag if not resume_info.etag.startswith("W/") else ""
    if validator := strong_etag or resume_info.last_modified:
        request.headers["If-Range"] = validator
    return request


def response_resume_info(response: Response, format_id: str) -> ResumeInfo:
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


def is_continuation(response: Response, partial_file: PartialFile, start: int, overlap: int) -> bool:
    """Return True if the response continues the partial file, after `overlap` bytes that repeat its end."""
    content_range = re.match(r"bytes (\d+)-", response.headers.get("Content-Range") or "")
    if response.status != 206 or content_range is None or int(content_range[1]) != start:
        return False
    current = response_resume_info(response, partial_file.resume_info.format_id)
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


def trim_overlap(response: Response, start: int, overlap: int) -> Response:
    """Correct the headers of a response whose overlap has been read, so that it begins at `start`."""
    _, _, end_and_size = response.headers["Content-Range"].partition("-")
    length = response.headers.get("Content-Length")
    del response.headers["Content-Range"], response.headers["Content-Length"]
    response.headers["Content-Range"] = f"bytes {start}-{end_and_size}"
    if length and length.isdigit():
        response.headers["Content-Length"] = str(int(length) - overlap)
    return response
