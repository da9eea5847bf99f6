"""WebSocket frames as the load clients need them: as little work as possible (RFC 6455, section 5.2)."""

import re

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
STAMP = re.compile(rb'"downloaded_bytes": ?(\d+)')

Frame = tuple[int, bytes]


class NoFrame(ValueError):
    """The bytes are no frame that a server may send."""


def parse(data: bytes) -> tuple[list[Frame], bytes]:
    """Return the whole frames in `data` as (opcode, payload), and what is left over.

    Raises NoFrame for a masked or fragmented one: no server here sends either.
    """
    found: list[Frame] = []
    at, size = 0, len(data)
    while size - at >= 2:
        first, length = data[at], data[at + 1]
        if first & 0xF0 != 0x80 or length & 0x80:
            raise NoFrame(f"the frame begins with {data[at : at + 2]!r}")
        begin = at + 2
        if length > 125:
            begin += 2 if length == 126 else 8
            if begin > size:
                break
            length = int.from_bytes(data[at + 2 : begin])
        if begin + length > size:
            break
        at = begin + length
        found.append((first & 0x0F, data[begin:at]))
    return found, data[at:]


def masked(opcode: int, payload: bytes = b"") -> bytes:
    """Return a client's frame (payload up to 125 bytes); its mask is zero, so that it costs nothing."""
    return bytes((0x80 | opcode, 0x80 | len(payload))) + bytes(4) + payload


def stamps(payload: bytes) -> list[int]:
    """Return the publish times (µs, monotonic) of all updates in a frame."""
    return [int(digits) for digits in STAMP.findall(payload)]


def handshake(host: str, path: str, subprotocol: str | None) -> bytes:
    """Return the request that opens a WebSocket."""
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: {host}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]
    if subprotocol:
        lines.append(f"Sec-WebSocket-Protocol: {subprotocol}")
    return "\r\n".join([*lines, "", ""]).encode()
