"""Prefetching: requests for the next fragments of a stream, over connections of their own, before yt-dlp asks for them.

A site that is far away, or slow to answer, would otherwise leave the line idle before each fragment. Only the responses
come early: yt-dlp still asks for one fragment after the other, writes it, and counts its own retries, and the resume
information knows nothing of this. What is not asked for is dropped with the attempt.
"""

import collections
import dataclasses
import io
import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from downloads.ytdlp.selected_ytdlp import FragmentFD, HTTPError, RequestError, Response

logger = logging.getLogger(__name__)

MAX_AHEAD = 3  # with the fragment that is read, four connections
# So much is fetched ahead as arrives in this time: on a slow line the fragments would only share it, and the percent
# would stand still and then jump.
AHEAD_SECONDS = 1.5
MEASURED_FRAGMENTS = 4
MAX_FAILURES = 3  # of fetches ahead, after which a stream is fetched one fragment at a time
MAX_BUFFER_BYTES = 16 * 2**20  # of each fragment, until it is read
MIN_READ_BYTES, MAX_READ_BYTES = 64 * 1024, 2**20  # more at once while they arrive fast
FAST_READ_SECONDS = 0.05
DROP_TIMEOUT_SECONDS = 1.0

_original_download = getattr(FragmentFD, "download_and_append_fragments", None)


def _download_fragments(self: Any, ctx: Any, fragments: Any, info_dict: dict[str, Any], **kwargs: Any) -> Any:
    is_live = ctx.get("live") or info_dict.get("is_live")
    is_listed = isinstance(fragments, list) or isinstance(info_dict.get("fragments"), list)
    plan_fragments = getattr(self.ydl, "plan_fragments", None)
    if plan_fragments and is_listed and not is_live:
        fragments = list(fragments)
        plan_fragments([fragment["url"] for fragment in fragments])
    return _original_download(self, ctx, fragments, info_dict, **kwargs)  # type: ignore[misc]


def install() -> None:
    """Have yt-dlp say which fragments it is about to ask for; a version without this method fetches one at a time."""
    if _original_download is not None:
        FragmentFD.download_and_append_fragments = _download_fragments


class _FragmentBuffer(io.RawIOBase):
    """The body of a response, filled by the thread that receives it; `read` waits for as many bytes as it is to return.

    Each side is woken only when it can go on: a switch of threads costs as much as the bytes.
    """

    def __init__(self) -> None:
        self._chunks: collections.deque[bytes] = collections.deque()
        self._offset = 0  # of what was read from the first of them
        self._size = self._wanted = 0
        self._is_complete = False
        self._error: Exception | None = None
        self._lock = threading.Lock()
        self._has_enough = threading.Condition(self._lock)
        self._has_room = threading.Condition(self._lock)

    def readable(self) -> bool:
        return True

    def put(self, data: bytes) -> bool:
        """Add bytes, as soon as there is room; False if nobody reads them any more."""
        with self._lock:
            self._has_room.wait_for(lambda: self.closed or self._size < MAX_BUFFER_BYTES)
            self._chunks.append(data)
            self._size += len(data)
            if self._size >= self._wanted:
                self._has_enough.notify()
            return not self.closed

    def finish(self, error: Exception | None = None) -> None:
        """Note the end of the bytes, or the error in its place."""
        with self._lock:
            self._is_complete, self._error = True, error
            self._has_enough.notify()

    def read(self, amount: int | None = -1) -> bytes:
        """Return `amount` bytes, fewer at the end; raise the error of the response at its place."""
        if amount is None or amount < 0:
            return b"".join(iter(lambda: self.read(MAX_READ_BYTES), b""))
        with self._lock:
            self._wanted = min(amount, MAX_BUFFER_BYTES)
            self._has_enough.wait_for(lambda: self._is_complete or self._size >= self._wanted)
            if self._error and not self._size:
                raise self._error
            data = b"".join(self._take_chunks(amount))
            self._size -= len(data)
            self._has_room.notify()
        return data

    def _take_chunks(self, amount: int) -> Iterator[bytes]:
        while amount and self._chunks:
            chunk = self._chunks[0][self._offset : self._offset + amount]
            self._offset += len(chunk)
            if self._offset == len(self._chunks[0]):
                self._chunks.popleft()
                self._offset = 0
            amount -= len(chunk)
            yield chunk

    def close(self) -> None:
        with self._lock:
            super().close()
            self._has_room.notify()


class _Fetch:
    """A request that a thread has sent, and its response."""

    def __init__(self, send: Callable[[Any], Any], request: Any, url: str) -> None:
        self.url = url
        self._buffer = _FragmentBuffer()
        self._response: Any = None
        self._error: Exception | None = None
        self._answered = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(send, request), name="prefetch", daemon=True)
        self._thread.start()

    def _run(self, send: Callable[[Any], Any], request: Any) -> None:
        try:
            response = send(request)
        except Exception as error:  # raised where the fragment is asked for
            self._error = error
            self._answered.set()
            return
        self._response = response
        self._answered.set()
        try:
            self._receive(response)
        except Exception as error:
            self._buffer.finish(error)
        else:
            self._buffer.finish()
        finally:
            response.close()  # by this thread alone: no other may close what it reads

    def _receive(self, response: Any) -> None:
        amount, started_at = MIN_READ_BYTES, time.monotonic()
        while (data := response.read(amount)) and self._buffer.put(data):
            now = time.monotonic()
            amount = min(2 * amount, MAX_READ_BYTES) if now - started_at < FAST_READ_SECONDS else MIN_READ_BYTES
            started_at = now

    def wait(self) -> Any:
        """Return the response; raise what the request has raised."""
        self._answered.wait()
        if self._error:
            raise self._error
        response = self._response
        return Response(self._buffer, response.url, response.headers, response.status, response.reason)

    def drop(self) -> None:
        """Have the thread end after the bytes that it waits for."""
        self._buffer.close()

    def wait_for_end(self, timeout: float) -> None:
        """Wait for the end of the thread, and so of its connection."""
        self._thread.join(timeout)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()


@dataclasses.dataclass
class _Plan:
    """The URLs of a stream's fragments, in order; `position` is that of the newest one that was asked for."""

    urls: Sequence[str]
    position: int = -1

    def is_next(self, url: str) -> bool:
        return self.position + 1 < len(self.urls) and self.urls[self.position + 1] == url


class Prefetcher:
    """Answers requests for planned fragments; `prepare` makes the request for a URL from that for another fragment.

    A refusal, or several failures, of requests ahead end the prefetching for all streams of this client: a site may
    allow one connection only. For one thread.
    """

    def __init__(self, send: Callable[[Any], Any], prepare: Callable[[Any, str], Any]) -> None:
        self._send = send
        self._prepare = prepare
        self._plan = _Plan(())
        self._ahead: collections.deque[_Fetch] = collections.deque()
        self._dropped: list[_Fetch] = []
        self._asked_at: collections.deque[float] = collections.deque(maxlen=MEASURED_FRAGMENTS + 1)
        self._failures = 0
        self._is_allowed = True

    def plan(self, urls: Sequence[str]) -> None:
        """Set the URLs that will be asked for, in order."""
        self.drop_all()
        self._plan = _Plan(urls)

    def stop(self) -> None:
        """Fetch one fragment at a time from now on."""
        self._is_allowed = False
        self.drop_all()

    def drop_all(self) -> None:
        """Drop what nobody has asked for yet, and measure anew."""
        for fetch in self._ahead:
            fetch.drop()
        self._dropped = [fetch for fetch in (*self._dropped, *self._ahead) if fetch.is_running]
        self._ahead.clear()
        self._asked_at.clear()

    def open(self, url: str, request: Any) -> Any:
        """Return the response to a request for a URL of the plan, or for another one, such as that of a key."""
        if not self._plan.is_next(url):
            return self._send_alone_if_refused(request)
        self._plan.position += 1
        self._asked_at.append(time.monotonic())
        if self._ahead:
            fetch = self._ahead.popleft()
            self._fetch_ahead(request)
            return self._take(fetch)
        response = self._send_alone_if_refused(request)
        self._fetch_ahead(request)
        return response

    def _take(self, fetch: _Fetch) -> Any:
        try:
            return fetch.wait()
        except Exception as error:  # yt-dlp counts it as a failure of its own request
            self._failures += 1
            if isinstance(error, HTTPError) or self._failures >= MAX_FAILURES:
                logger.debug("The fragments are fetched one at a time: %r", error)
                self._is_allowed = False
            self._end_all()
            raise

    def _send_alone_if_refused(self, request: Any) -> Any:
        """Send a request; once more, alone, if it failed beside others, which may be the reason."""
        try:
            return self._send(request.copy())
        except RequestError:
            if not (self._ahead or any(fetch.is_running for fetch in self._dropped)):
                raise
        self._is_allowed = False
        self._end_all()
        return self._send(request)

    def _end_all(self) -> None:
        """Drop what was fetched ahead, and wait a while for its connections to end: the next request is to be alone."""
        self.drop_all()
        deadline = time.monotonic() + DROP_TIMEOUT_SECONDS
        for fetch in self._dropped:
            fetch.wait_for_end(max(0.0, deadline - time.monotonic()))

    def _fetch_ahead(self, request: Any) -> None:
        """Request so many of the next fragments as the pace of the last ones allows."""
        count = self._count_ahead(request) if self._is_allowed and request.data is None else 0
        first = self._plan.position + 1 + len(self._ahead)
        for url in self._plan.urls[first : self._plan.position + 1 + count]:
            self._ahead.append(_Fetch(self._send, self._prepare(request, url), url))

    def _count_ahead(self, request: Any) -> int:
        measured = len(self._asked_at) - 1
        if measured < 1:
            return 0 if "Range" in request.headers else 1  # a server without ranges sends the whole file
        seconds = (self._asked_at[-1] - self._asked_at[0]) / measured
        return min(MAX_AHEAD, 1 + measured, int(AHEAD_SECONDS / max(seconds, 0.001)))
