"""Files of the media server whose content changes, whose responses are cut off, and whose sent bytes are counted."""

import socket
from collections import defaultdict
from email.utils import formatdate
from typing import Any

from downloads.tests.support import media_server

CHUNK_BYTES = 16 * 1024


class VersionedFiles:
    """The current files at /version/<name>, the validators they are sent with, and the ranges that were sent."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.validators: tuple[str, ...] = ("etag", "modified")
        self.has_ranges = True
        self.rate = 0  # bytes per second of each answer; 0: at once
        # Of each name: the answers that end early, each after so many bytes of the file.
        self.cuts: dict[str, list[int]] = defaultdict(list)
        # Each answer as [name, first byte, bytes sent, whether it was for a look-up].
        self.served: list[list[Any]] = []

    def answers_for(self, name: str) -> list[tuple[int, int]]:
        """Return (first byte, bytes sent) of each answer for a name that sent any."""
        return [(first, sent) for served_name, first, sent, _ in self.served if served_name == name and sent]

    def downloads_of(self, name: str) -> list[tuple[int, int]]:
        """Return the answers without those of look-ups, which may be slow to disconnect."""
        return [
            (first, sent) for served, first, sent, look_up in self.served if served == name and sent and not look_up
        ]

    def bytes_of(self, name: str) -> int:
        return sum(sent for _, sent in self.answers_for(name))


FILES = VersionedFiles()


def serve_version(handler: media_server.MediaHandler) -> None:
    """Serve the newest version of a file, up to where its answer is cut off."""
    name = handler.decoded_path.rpartition("/")[2]
    data = FILES.data.get(name) or handler.server.clip
    validators = _validators(data)
    condition = handler.headers.get("If-Range")
    ranged = bool(handler.headers.get("Range")) and FILES.has_ranges
    if condition and condition not in validators.values():
        ranged = False
    first, last = handler.requested_range(len(data)) if ranged else (0, len(data) - 1)
    if first >= len(data):
        handler.send_error_status(416)
        return
    handler.send_response(206 if ranged else 200)
    handler.send_header("Content-Type", "video/mp4")
    handler.send_header("Content-Length", str(last + 1 - first))
    for header, value in validators.items():
        handler.send_header(header, value)
    if ranged:
        handler.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
    handler.end_headers()
    # The look-up reads the beginning only, and disconnects.
    is_look_up = (handler.headers.get("Range") or "").startswith("bytes=0-")
    stop = FILES.cuts[name].pop(0) if FILES.cuts[name] and not is_look_up else last + 1
    answer = [name, first, 0, is_look_up]
    FILES.served.append(answer)  # now: a client that disconnects is noticed late
    _send(handler, answer, data, min(stop, last + 1))


def _validators(data: bytes) -> dict[str, str]:
    number = sum(data[-4096:]) + len(data)
    headers = {"etag": ("ETag", f'"{number}"'), "modified": ("Last-Modified", formatdate(number * 60, usegmt=True))}
    return dict(headers[name] for name in FILES.validators)


def _send(handler: media_server.MediaHandler, answer: list[Any], data: bytes, stop: int) -> None:
    # What a client that is stopped does not read would pile up in the kernel, and be counted as sent.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, CHUNK_BYTES)
    first = answer[1]
    for start in range(first, stop, CHUNK_BYTES):
        handler.wfile.write(data[start : min(start + CHUNK_BYTES, stop)])
        answer[2] = min(start + CHUNK_BYTES, stop) - first
        if FILES.rate:
            handler.wfile.flush()
            handler.server.released.wait(CHUNK_BYTES / FILES.rate)


media_server.ROUTES["/version/"] = serve_version
