"""Requests for the fragments of a stream, which are identified by their URL and their byte range.

yt-dlp knows byte ranges in HLS only, and not which part of a file its own retry belongs to. So manifests are rewritten
(see `hls_playlist` and `dash_manifest`): the range stands in the fragment identifier of the URL, which no server sees,
and each request for such a URL gets exactly the bytes of its range.
"""

import dataclasses
import io
import re
from collections.abc import Callable
from typing import Any

from downloads.files.partial_file import SourceChanged
from downloads.ytdlp.adaptive_streaming.prefetching import Prefetcher
from downloads.ytdlp.results import DownloadError
from downloads.ytdlp.selected_ytdlp import HTTPError, Response, TransportError

RANGE_MARK = "#ytarchive-bytes="
RANGE_URL_PATTERN = re.compile(rf"(?P<url>.*){RANGE_MARK}(?P<start>\d+)-(?P<end>\d+)", re.S)
CONTENT_RANGE_PATTERN = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
# Sites give their media any type, so a page is known by its beginning too.
TEXT_TYPE_PATTERN = re.compile(r"text/|application/(.*\+)?(json|xml)\b")
TEXT_START_PATTERN = re.compile(rb"\s*[<{\[][\s!?/\w\"<{\[][\t\n\r\x20-\xff]*")
TEXT_START_BYTES = 256
SKIP_CHUNK_BYTES = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class FragmentRange:
    """A part of a file: its first byte, and the one after its last."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def __str__(self) -> str:
        return f"{self.start}-{self.end - 1}"


def mark_byte_range(url: str, byte_range: FragmentRange) -> str:
    """Return the URL of a part of a file, also for a relative or an empty URL."""
    return f"{url.partition('#')[0]}{RANGE_MARK}{byte_range.start}-{byte_range.end}"


def split_byte_range(url: str) -> tuple[str, FragmentRange | None]:
    """Return the URL of the file and the byte range that `mark_byte_range` put into it, None if there is none."""
    match = RANGE_URL_PATTERN.fullmatch(url)
    return (match["url"], FragmentRange(int(match["start"]), int(match["end"]))) if match else (url, None)


def _prepare_request(request: Any, marked_url: str) -> Any:
    """Return yt-dlp's request for a fragment as one from the fragment's start: its own Range resumes what broke off."""
    is_resumption = request.headers.get("Range", "").endswith("-")
    byte_range = split_byte_range(marked_url)[1]
    return _prepare_next_request(request, marked_url) if is_resumption or byte_range else request.copy()


def _prepare_next_request(request: Any, marked_url: str) -> Any:
    """Return a request for a fragment from its start, made from one for another fragment, whose Range it has not."""
    request = request.copy()
    request.url, byte_range = split_byte_range(marked_url)
    request.headers.pop("Range", None)
    if byte_range is not None:
        request.headers["Range"] = f"bytes={byte_range}"
    return request


class FragmentClient:
    """Opens fragments with `send`, a function from a request to a response; `close` drops the open response."""

    def __init__(self, send: Callable[[Any], Any]) -> None:
        self.prefetcher = Prefetcher(send, _prepare_next_request)
        self._source: _Source | None = None
        self._file_sizes: dict[str, int] = {}

    def close(self) -> None:
        """Close the response that is kept for the next fragment, and drop those that were fetched ahead."""
        self._close_source()
        self.prefetcher.drop_all()

    def _close_source(self) -> None:
        if self._source:
            self._source.response.close()
        self._source = None

    def open(self, request: Any) -> Any:
        """Request a fragment from its start, also in a retry by yt-dlp, which asks for the rest of it.

        yt-dlp writes a response without Content-Range over what it has. Raise DownloadError if the site sends
        other bytes than the manifest promises, and SourceChanged if the file has another size than before.
        """
        marked_url = request.url
        request, byte_range = _prepare_request(request, marked_url), split_byte_range(marked_url)[1]
        if byte_range is None:
            return _require_media(self.prefetcher.open(marked_url, request))
        return self._open_range(marked_url, request, byte_range)

    def _open_range(self, marked_url: str, request: Any, byte_range: FragmentRange) -> Any:
        source = self._source
        if source is None or not source.contains(request.url, byte_range):
            self._close_source()
            source = self._open_source(marked_url, request, byte_range)
        # A server without ranges sends the whole file: it is read once, and each fragment continues in it.
        self._source = source
        try:
            source.skip_to(byte_range.start)
        except TransportError:
            self._close_source()
            raise
        reader = _RangeReader(source, byte_range, self._close_source)
        return Response(reader, request.url, {"Content-Length": str(len(byte_range))})

    def _open_source(self, marked_url: str, request: Any, byte_range: FragmentRange) -> "_Source":
        try:
            response = self.prefetcher.open(marked_url, request)
        except HTTPError as error:
            if error.status != 416:  # Range Not Satisfiable
                raise
            raise DownloadError(
                f"The playlist names bytes {byte_range} of a file that ends before them.", False
            ) from error
        sent_range, file_size = _read_content_range(response, byte_range)
        try:
            self._require_same_size(request.url, file_size)
            _require_promised_bytes(byte_range, sent_range, file_size)
        except BaseException:
            response.close()  # also the one that a thread receives
            raise
        if sent_range.end > byte_range.end:  # the fragments after this one come with it
            self.prefetcher.stop()
        return _Source(request.url, response, sent_range.start, sent_range.end)

    def _require_same_size(self, url: str, file_size: int | None) -> None:
        if file_size is not None and self._file_sizes.setdefault(url, file_size) != file_size:
            self._file_sizes.clear()
            raise SourceChanged


@dataclasses.dataclass
class _Source:
    """An open response with the bytes from `position` up to `end` of a file."""

    url: str
    response: Any
    position: int
    end: int

    def contains(self, url: str, byte_range: FragmentRange) -> bool:
        return url == self.url and self.position <= byte_range.start and byte_range.end <= self.end

    def skip_to(self, position: int) -> None:
        while self.position < position:
            if not self.read(min(SKIP_CHUNK_BYTES, position - self.position)):
                raise TransportError("the connection was closed before the fragment began")

    def read(self, amount: int) -> bytes:
        data: bytes = self.response.read(amount)
        self.position += len(data)
        return data


class _RangeReader(io.RawIOBase):
    """The bytes of one range of a source; `on_error` is called when the source breaks off."""

    def __init__(self, source: _Source, byte_range: FragmentRange, on_error: Callable[[], None]) -> None:
        self._source = source
        self._end = byte_range.end
        self._on_error = on_error

    def readable(self) -> bool:
        return True

    def read(self, amount: int | None = -1) -> bytes:
        remaining = self._end - self._source.position
        wanted = remaining if amount is None or amount < 0 else min(amount, remaining)
        try:
            data = self._source.read(wanted) if wanted > 0 else b""
        except TransportError:
            self._on_error()
            raise
        if wanted > 0 and not data:
            self._on_error()
        return data


class _PrefixedReader(io.RawIOBase):
    """A response whose beginning has been read before."""

    def __init__(self, start: bytes, response: Any) -> None:
        self._start = start
        self._response = response

    def readable(self) -> bool:
        return True

    def read(self, amount: int | None = -1) -> bytes:
        if self._start:
            size = len(self._start) if amount is None or amount < 0 else amount
            data, self._start = self._start[:size], self._start[size:]
            return data if amount is not None and amount >= 0 else data + self._response.read()
        rest: bytes = self._response.read(amount if amount is None or amount >= 0 else None)
        return rest

    def close(self) -> None:
        self._response.close()
        super().close()


def _require_media(response: Any) -> Any:
    """Return a response with a fragment; raise DownloadError if it is a page or another text, such as an error."""
    content_type = (response.headers.get("Content-Type") or "").strip().lower()
    if not TEXT_TYPE_PATTERN.match(content_type):
        return response
    start = b""
    while len(start) < TEXT_START_BYTES and (data := response.read(TEXT_START_BYTES - len(start))):
        start += data
    if TEXT_START_PATTERN.fullmatch(start):
        response.close()
        kind = content_type.partition(";")[0]
        raise DownloadError(f"The site sent a page or a text ({kind}) instead of a part of the video.", False)
    return Response(_PrefixedReader(start, response), response.url, response.headers, response.status)


def _read_content_range(response: Any, requested: FragmentRange) -> tuple[FragmentRange, int | None]:
    """Return the range of a file that a response has, and the file's size if it is known."""
    length = response.headers.get("Content-Length") or ""
    is_encoded = (response.headers.get("Content-Encoding") or "identity") != "identity"
    if response.status == 206:
        match = CONTENT_RANGE_PATTERN.fullmatch((response.headers.get("Content-Range") or "").strip())
        if match and not is_encoded:
            return FragmentRange(int(match[1]), int(match[2]) + 1), int(match[3]) if match[3].isdigit() else None
        is_as_requested = length == str(len(requested)) and not match and not is_encoded
        return (requested if is_as_requested else FragmentRange(0, 0)), None
    if length.isdigit() and not is_encoded:
        return FragmentRange(0, int(length)), int(length)
    return FragmentRange(0, requested.end), None  # chunked: its end shows when it is reached


def _require_promised_bytes(requested: FragmentRange, sent: FragmentRange, file_size: int | None) -> None:
    """Raise DownloadError unless the requested bytes are among those that are sent."""
    if sent.start <= requested.start and requested.end <= sent.end:
        return
    if file_size is not None and file_size < requested.end:
        raise DownloadError(
            f"The playlist names bytes {requested} of a file, but the file has {file_size} bytes: a part of the video "
            "is missing at the site.",
            False,
        )
    answer = f"bytes {sent}" if len(sent) else "something else"
    raise DownloadError(f"The site sent {answer} instead of bytes {requested} of a file.", False)
