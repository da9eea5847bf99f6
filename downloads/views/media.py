"""Views that stream media files, one byte range per response (RFC 9110), read from disk in a thread.

Django's FileResponse reads a whole file into memory under ASGI and does not support ranges.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from asgiref.sync import sync_to_async
from django.db import connection
from django.db.models import F
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
from downloads.files import media_folder
from downloads.files.http_range import ByteRange, RangeNotSatisfiable, parse_range_header
from downloads.files.media_types import CONTENT_TYPES, get_content_type
from downloads.files.thumbnails import stored
from downloads.models import Video
from downloads.progress import recent_plays
from downloads.subtitles import collection

logger = logging.getLogger(__name__)

STREAM_CHUNK_BYTES = 128 * 1024
# A browser's player stops reading when it has enough. Until it has read a response to its end, that keeps one of the
# six connections that a browser opens to a host, and six paused or playing tabs would leave none for pages. So players
# get pieces that fit into the buffer between the browser's network and its player (512 KiB in Chromium), and request
# the next one as they play. RFC 9110, 15.3.7: a 206 response may hold a part of the range. Browsers keep no copy of
# the pieces, since a cache joins them to responses of any length.
MAX_PLAYER_RANGE_BYTES = 512 * 1024
PLAYER_ACCEPT_ENCODINGS = ("identity", "identity;q=1, *;q=0")  # of Chromium, and of its older versions
REVALIDATE_CACHE_CONTROL = "private, no-cache"
VERSIONED_CACHE_CONTROL = "private, max-age=31536000, immutable"  # of an URL that changes with the file
# Thumbnails of older videos are drawn one at a time, in processes of their own, for which this thread waits.
_drawing_executor = ThreadPoolExecutor(1, "thumbnails")
_UNSAFE_NAME_PATTERN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]+')


async def serve_video(request: HttpRequest, video_id: str) -> HttpResponseBase:
    """Return a video's media file, or the requested range of it; as an attachment with `?download=1`."""
    return await _serve_played(request, video_id, lambda row: _find_file(row.media_file))


async def serve_copy(request: HttpRequest, video_id: str) -> HttpResponseBase:
    """Return the playable copy of a video, as `serve_video` does the original."""
    return await _serve_played(request, video_id, lambda row: _find_file(row.copy_file or ""))


async def _serve_played(
    request: HttpRequest, video_id: str, find_path: Callable[[Any], Awaitable[Path | None]]
) -> HttpResponseBase:
    """Return a file that a player plays; retention leaves its video alone meanwhile."""
    response = await _serve_file(request, video_id, find_path)
    if response.status_code in (200, 206) and recent_plays.is_due(video_id):
        await asyncio.to_thread(recent_plays.record_play, video_id)
    return response


async def serve_thumbnail(request: HttpRequest, video_id: str) -> HttpResponseBase:
    """Return a video's thumbnail; with `?size=small` the size of cards. With `?v=…` browsers may keep it."""
    is_small = request.GET.get("size") == "small"
    cache_control = VERSIONED_CACHE_CONTROL if request.GET.get("v") else REVALIDATE_CACHE_CONTROL
    try:
        return await _serve_file(
            request, video_id, lambda row: _find_thumbnail(video_id, row.thumbnail, is_small), cache_control
        )
    except OSError as error:
        logger.warning("No thumbnail of %s can be kept: %s", video_id, error)
        raise Http404("No such file is in the archive.") from error


async def serve_subtitles(request: HttpRequest, video_id: str, language: str) -> HttpResponseBase:
    """Return a video's subtitles in one language, as WebVTT."""
    return await _serve_file(
        request,
        video_id,
        lambda row: _find_file(collection.file_names_by_language(row.subtitle_files).get(language, "")),
    )


async def _find_file(name: str) -> Path | None:
    return await asyncio.to_thread(media_folder.find_file, name)


async def _find_thumbnail(video_id: str, name: str, is_small: bool) -> Path | None:
    """Return the thumbnail of this size, which is drawn now if it never was; raise OSError if it cannot be kept."""
    try:
        path = await asyncio.to_thread(stored.find_thumbnail, video_id, name, is_small=is_small)
        if path is None:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(_drawing_executor, stored.draw_stored_thumbnail, video_id, name)
            path = await asyncio.to_thread(stored.find_thumbnail, video_id, name, is_small=is_small)
    except FileNotFoundError:
        return None
    return path


async def _serve_file(
    request: HttpRequest,
    video_id: str,
    find_path: Callable[[Any], Awaitable[Path | None]],
    cache_control: str = REVALIDATE_CACHE_CONTROL,
) -> HttpResponseBase:
    """Return the file that `find_path` finds for the video's row; 403, 404 or 405 where that fails."""
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    if not permissions.can_view(await request.auser()):
        return HttpResponseForbidden("Sign in to see this archive.", content_type="text/plain; charset=utf-8")
    row = (
        await Video.objects.filter(video_id=video_id)
        .annotate(copy_file=F("playable_copy__file"))
        .only("media_file", "thumbnail", "subtitle_files", "title")
        .afirst()
    )
    await sync_to_async(_release_connection)()
    path = await find_path(row) if row else None
    if row is None or path is None:
        raise Http404("No such file is in the archive.")
    response = await _file_response(request, path)
    response["Cache-Control"] = (
        "no-store" if response.status_code == 206 and _is_from_player(request) else cache_control
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox"
    as_attachment = "download" in request.GET or path.suffix.lower() not in CONTENT_TYPES
    disposition = content_disposition_header(as_attachment, _download_name(row.title, path))
    response["Content-Disposition"] = disposition or "inline"
    return response


def _release_connection() -> None:
    """Close the database connection, since sending the file may take long."""
    if not connection.in_atomic_block:
        connection.close()


async def _file_response(request: HttpRequest, path: Path) -> HttpResponseBase:
    """Return the whole file (200), a range of it (206), 304 if the client has it, 412, or 416."""
    stat = await asyncio.to_thread(path.stat)
    size, etag = stat.st_size, f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    modified = int(stat.st_mtime)
    headers = {"ETag": etag, "Last-Modified": http_date(modified), "Accept-Ranges": "bytes"}
    conditional_response = get_conditional_response(request, etag, modified)
    if conditional_response is not None:
        for name, value in headers.items():
            conditional_response[name] = value
        return conditional_response
    try:
        requested_range = _requested_range(request, size, etag, modified)
    except RangeNotSatisfiable:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    if requested_range is not None:
        headers["Content-Range"] = f"bytes {requested_range.first}-{requested_range.last}/{size}"
    byte_range = requested_range or ByteRange(0, size - 1)
    headers |= {"Content-Length": str(byte_range.length), "Content-Type": get_content_type(path)}
    if request.method == "HEAD":
        return HttpResponse(headers=headers)
    file = await asyncio.to_thread(path.open, "rb")
    status = 206 if requested_range else 200
    response = StreamingHttpResponse(_iter_chunks(file, byte_range), status=status, headers=headers)
    # The generator closes the file only if it was started; a client may disconnect before that.
    response._resource_closers.append(file.close)  # type: ignore[attr-defined]
    return response


def _requested_range(request: HttpRequest, size: int, etag: str, modified: int) -> ByteRange | None:
    """Return the requested range, None for the whole file; raise RangeNotSatisfiable."""
    header = request.headers.get("Range")
    if (
        request.method != "GET"
        or header is None
        or not _if_range_matches(request.headers.get("If-Range"), etag, modified)
    ):
        return None
    return parse_range_header(header, size, MAX_PLAYER_RANGE_BYTES if _is_from_player(request) else None)


def _is_from_player(request: HttpRequest) -> bool:
    """Return whether the player of a page sends this request, and no program that reads a file to its end."""
    if destination := request.headers.get("Sec-Fetch-Dest"):
        return destination in ("video", "audio")
    # Over plain HTTP, browsers send it to localhost only. Their downloads resume with If-Range. Programs that save
    # files may name a page too (wget --referer), with the same Accept as Chromium's player.
    if "Referer" not in request.headers or "If-Range" in request.headers:
        return False
    is_browser = request.headers.get("User-Agent", "").startswith("Mozilla/")
    accept = request.headers.get("Accept", "")
    return accept.startswith(("video/", "audio/")) or (
        accept == "*/*" and is_browser and request.headers.get("Accept-Encoding") in PLAYER_ACCEPT_ENCODINGS
    )


def _if_range_matches(condition: str | None, etag: str, modified: int) -> bool:
    """Return True if there is no If-Range, or it names the present version of the file (strong comparison)."""
    if condition is None or condition.strip() == etag:
        return True
    return parse_http_date_safe(condition) == modified


async def _iter_chunks(file: BinaryIO, byte_range: ByteRange) -> AsyncIterator[bytes]:
    """Yield the range in chunks; fewer bytes if the file became shorter or cannot be read, which is logged.

    The server then cuts the connection, so that the client does not take them for the whole range.
    """
    remaining = byte_range.length
    try:
        await asyncio.to_thread(file.seek, byte_range.first)
        while remaining > 0 and (chunk := await asyncio.to_thread(file.read, min(STREAM_CHUNK_BYTES, remaining))):
            remaining -= len(chunk)
            yield chunk
        if remaining:
            logger.warning("%s became shorter while it was sent", file.name)
    except OSError as error:
        logger.warning("%s cannot be read: %s", file.name, error)
    finally:
        # In a thread: when the client disconnects, another thread may still be reading, and closing waits for it.
        await asyncio.to_thread(file.close)


def _download_name(title: str, path: Path) -> str:
    """Return the file name for saving, from the title without control and reserved characters, cut to 120."""
    stem = " ".join(_UNSAFE_NAME_PATTERN.sub(" ", title).split()).strip(" .")[:120] or path.stem
    return stem + path.suffix
