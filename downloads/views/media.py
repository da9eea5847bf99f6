"""Media files, in pieces: one range at a time (RFC 9110), read from disk in a thread.

Django's FileResponse reads a whole file into memory under ASGI and knows no ranges, and Daphne
buffers what a slow client does not take: so an open-ended range gets a few MiB, and a player asks
for the next ones as it plays.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, BinaryIO

from asgiref.sync import sync_to_async
from django.db import connection
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseForbidden,
    HttpResponseNotAllowed,
    StreamingHttpResponse,
)
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header, http_date, parse_http_date_safe

from downloads.accounts import permissions
from downloads.files import media_folder, subtitles
from downloads.files.http_range import ByteRange, RangeNotSatisfiable, parse_range_header
from downloads.files.media_types import CONTENT_TYPES, get_content_type
from downloads.models import Video

STREAM_CHUNK_BYTES = 256 * 1024
REVALIDATE_CACHE_CONTROL = "private, no-cache"
_UNSAFE_NAME_PATTERN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


async def serve_video(request: HttpRequest, video_id: str) -> HttpResponseBase:
    """Answer a video's file, or the range of it that is asked for; `?download=1` to save it."""
    return await _serve_file(request, video_id, lambda row: row["media_file"], REVALIDATE_CACHE_CONTROL)


async def serve_thumbnail(request: HttpRequest, video_id: str) -> HttpResponseBase:
    """Answer a video's picture."""
    return await _serve_file(request, video_id, lambda row: row["thumbnail"], "private, max-age=600")


async def serve_subtitles(request: HttpRequest, video_id: str, language: str) -> HttpResponseBase:
    """Answer a video's subtitles in one language."""
    return await _serve_file(
        request,
        video_id,
        lambda row: subtitles.file_names_by_language(row["tracks"]).get(language, ""),
        REVALIDATE_CACHE_CONTROL,
    )


async def _serve_file(
    request: HttpRequest, video_id: str, get_file_name: Callable[[Any], str], cache_control: str
) -> HttpResponseBase:
    """Answer the file whose name `pick` takes from the video's row."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if not permissions.can_view(await request.auser()):
        return HttpResponseForbidden("Sign in to see this archive.", content_type="text/plain; charset=utf-8")
    row = await Video.objects.filter(video_id=video_id).values("media_file", "thumbnail", "tracks", "title").afirst()
    await sync_to_async(_release_connection)()
    path = await asyncio.to_thread(media_folder.find_file, get_file_name(row)) if row else None
    if row is None or path is None:
        raise Http404("No such file is in the archive.")
    response = await _file_response(request, path)
    response["Cache-Control"] = cache_control
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox"
    saved = "download" in request.GET or path.suffix.lower() not in CONTENT_TYPES
    response["Content-Disposition"] = content_disposition_header(saved, _download_name(row["title"], path)) or "inline"
    return response


def _release_connection() -> None:
    """Let others have the connection: to send a file may take long."""
    if not connection.in_atomic_block:
        connection.close()


async def _file_response(request: HttpRequest, path: Path) -> HttpResponseBase:
    """Answer the whole file, a piece of it, or why not."""
    status = await asyncio.to_thread(path.stat)
    size, etag = status.st_size, f'"{status.st_mtime_ns:x}-{status.st_size:x}"'
    modified = int(status.st_mtime)
    headers = {"ETag": etag, "Last-Modified": http_date(modified), "Accept-Ranges": "bytes"}
    unchanged = get_conditional_response(request, etag, modified)
    if unchanged is not None:
        for name, value in headers.items():
            unchanged[name] = value
        return unchanged
    try:
        piece = _requested_range(request, size, etag, modified)
    except RangeNotSatisfiable:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    if piece is not None:
        headers["Content-Range"] = f"bytes {piece.first}-{piece.last}/{size}"
    whole = piece or ByteRange(0, size - 1)
    headers |= {"Content-Length": str(whole.length), "Content-Type": get_content_type(path)}
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    file = await asyncio.to_thread(path.open, "rb")
    response = StreamingHttpResponse(_iter_chunks(file, whole), status=206 if piece else 200, headers=headers)
    # Closed as well when the client leaves before the first chunk is read.
    response._resource_closers.append(file.close)  # type: ignore[attr-defined]
    return response


def _requested_range(request: HttpRequest, size: int, etag: str, modified: int) -> ByteRange | None:
    """Return the piece that the request wants, None for the whole file."""
    header = request.headers.get("Range")
    if (
        request.method != "GET"
        or header is None
        or not _if_range_matches(request.headers.get("If-Range"), etag, modified)
    ):
        return None
    return parse_range_header(header, size)


def _if_range_matches(condition: str | None, etag: str, modified: int) -> bool:
    """Tell whether If-Range names the file as it is now (a strong comparison)."""
    if condition is None or condition.strip() == etag:
        return True
    return parse_http_date_safe(condition) == modified


async def _iter_chunks(file: BinaryIO, byte_range: ByteRange) -> AsyncIterator[bytes]:
    left = byte_range.length
    try:
        await asyncio.to_thread(file.seek, byte_range.first)
        while left > 0 and (chunk := await asyncio.to_thread(file.read, min(STREAM_CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk
    finally:
        file.close()


def _download_name(title: str, path: Path) -> str:
    """Return the name under which a browser saves the file."""
    stem = " ".join(_UNSAFE_NAME_PATTERN.sub(" ", title).split()).strip(" .")[:120] or path.stem
    return stem + path.suffix
