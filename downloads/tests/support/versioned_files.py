"""Files of the media server that are replaced under their address, cut off, and counted by the byte."""

from collections import defaultdict
from email.utils import formatdate
from typing import Any

from downloads.tests.support import media_server

STEP = 16 * 1024


class Shelf:
    """What /version/<name> is now, how it is told from others, and what was served of it."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.validators: tuple[str, ...] = ("etag", "modified")
        self.has_ranges = True
        self.rate = 0  # bytes per second of each answer; 0: at once
        # Of each name: the answers that end early, each after so many bytes of the file.
        self.cuts: dict[str, list[int]] = defaultdict(list)
        # Each answer as [name, first byte, bytes sent].
        self.served: list[list[Any]] = []

    def of(self, name: str) -> list[tuple[int, int]]:
        """Return (first byte, bytes sent) of each answer for a name that sent any."""
        return [(first, sent) for found, first, sent in self.served if found == name and sent]

    def bytes_of(self, name: str) -> int:
        return sum(sent for _, sent in self.of(name))


SHELF = Shelf()


def serve(handler: media_server.Handler) -> None:
    """Serve the newest version of a file, up to where its answer is cut off."""
    name = handler.way.rpartition("/")[2]
    data = SHELF.data.get(name) or handler.server.clip
    validators = _validators(data)
    condition = handler.headers.get("If-Range")
    ranged = bool(handler.headers.get("Range")) and SHELF.has_ranges
    if condition and condition not in validators.values():
        ranged = False
    first, last = handler.wanted(len(data)) if ranged else (0, len(data) - 1)
    if first >= len(data):
        handler.fail(416)
        return
    handler.send_response(206 if ranged else 200)
    handler.send_header("Content-Type", "video/mp4")
    handler.send_header("Content-Length", str(last + 1 - first))
    for header, value in validators.items():
        handler.send_header(header, value)
    if ranged:
        handler.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
    handler.end_headers()
    # The look-up reads the beginning only, and hangs up.
    is_look_up = (handler.headers.get("Range") or "").startswith("bytes=0-")
    stop = SHELF.cuts[name].pop(0) if SHELF.cuts[name] and not is_look_up else last + 1
    _send(handler, name, data, first, min(stop, last + 1))


def _validators(data: bytes) -> dict[str, str]:
    number = sum(data[-4096:]) + len(data)
    found = {"etag": ("ETag", f'"{number}"'), "modified": ("Last-Modified", formatdate(number * 60, usegmt=True))}
    return dict(found[name] for name in SHELF.validators)


def _send(handler: media_server.Handler, name: str, data: bytes, first: int, stop: int) -> None:
    # Noted when it begins: who hangs up is noticed late.
    answer = [name, first, 0]
    SHELF.served.append(answer)
    for start in range(first, stop, STEP):
        handler.wfile.write(data[start : min(start + STEP, stop)])
        answer[2] = min(start + STEP, stop) - first
        if SHELF.rate:
            handler.wfile.flush()
            handler.server.let_go.wait(STEP / SHELF.rate)


media_server.WAYS["/version/"] = serve
