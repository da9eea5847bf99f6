"""WebSocket frames of a client (RFC 6455, section 5.2), without the checks that cost CPU time."""

import re

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
STAMP_PATTERN = re.compile(rb'"downloaded_bytes": ?(\d+)')

Frame = tuple[int, bytes]


class InvalidFrame(ValueError):
    """A frame that is masked, fragmented, or uses reserved bits."""


def parse_frames(data: bytes) -> tuple[list[Frame], bytes]:
    """Return the complete frames in `data` as (opcode, payload), and the bytes of the incomplete one after them.

    Raises InvalidFrame for a masked or fragmented frame: no server of this benchmark sends either.
    """
    frames: list[Frame] = []
    position, size = 0, len(data)
    while size - position >= 2:
        first, length = data[position], data[position + 1]
        if first & 0xF0 != 0x80 or length & 0x80:
            raise InvalidFrame(f"the frame begins with {data[position : position + 2]!r}")
        begin = position + 2
        if length > 125:
            begin += 2 if length == 126 else 8
            if begin > size:
                break
            length = int.from_bytes(data[position + 2 : begin])
        if begin + length > size:
            break
        position = begin + length
        frames.append((first & 0x0F, data[begin:position]))
    return frames, data[position:]


def mask_frame(opcode: int, payload: bytes = b"") -> bytes:
    """Return a client's frame (payload up to 125 bytes); with a mask of zeros, the payload needs no XOR."""
    return bytes((0x80 | opcode, 0x80 | len(payload))) + bytes(4) + payload


def publish_times(payload: bytes) -> list[int]:
    """Return the publish times (µs, monotonic) of all updates in a frame."""
    return [int(digits) for digits in STAMP_PATTERN.findall(payload)]


def handshake_request(host: str, path: str, subprotocol: str | None) -> bytes:
    """Return the HTTP request of the opening handshake (RFC 6455, section 4.1)."""
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
