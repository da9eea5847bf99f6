"""Checks of a request's head that neither Twisted, Daphne nor autobahn make, or that they answer with 500."""

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from twisted.web._abnf import _istoken

MAX_SUBPROTOCOLS = 20
WEBSOCKET_VERSION = b"13"
MAX_PORT = 65535
HEALTH_PATH = b"/healthz"
# RFC 9110, 5.5: no control characters but the tab. Daphne and autobahn take some for the end of a line.
BAD_VALUE_BYTES = bytes({*range(32), 127, 0x85} - {9})


def is_health_check(target: bytes) -> bool:
    """Return True for the target of `/healthz`, at the root or under the path of YTARCHIVE_PATH."""
    return target.partition(b"?")[0] in (HEALTH_PATH, settings.URL_PREFIX.encode().rstrip(b"/") + HEALTH_PATH)


def find_head_problem(headers: Any, version: bytes) -> int:
    """Return the status with which a head is refused, 0 for none."""
    hosts = headers.getRawHeaders(b"host", [])
    # RFC 9112, 3.2: a server must refuse a request of HTTP/1.1 without a Host, and any with two.
    if len(hosts) > 1 or (version == b"HTTP/1.1" and not hosts):
        return 400
    port = re.search(rb":([0-9]+)$", hosts[0]) if hosts else None
    if port and (len(port[1]) > 5 or int(port[1]) > MAX_PORT):
        return 400
    if any(len(value.translate(None, BAD_VALUE_BYTES)) != len(value) for value in _all_values(headers)):
        return 400
    # RFC 9112, 6.1: HTTP/1.0 has no chunks.
    return 400 if version != b"HTTP/1.1" and headers.hasHeader(b"transfer-encoding") else 0


def _all_values(headers: Any) -> Iterator[bytes]:
    for _, values in headers.getAllRawHeaders():
        yield from values


def find_handshake_problem(method: bytes, version: bytes, has_body: bool, headers: Any) -> int:
    """Return the status with which a WebSocket's handshake is refused, 0 for none (RFC 6455, 4.2.1)."""
    if method != b"GET":
        return 405
    if version != b"HTTP/1.1":
        return 505
    if headers.getRawHeaders(b"sec-websocket-version", []) != [WEBSOCKET_VERSION]:
        return 426
    connection = b",".join(headers.getRawHeaders(b"connection", [])).lower()
    is_valid = (
        not has_body
        and b"upgrade" in [token.strip() for token in connection.split(b",")]
        and _is_key(headers.getRawHeaders(b"sec-websocket-key", []))
        and _are_subprotocols(headers.getRawHeaders(b"sec-websocket-protocol", []))
    )
    return 0 if is_valid else 400


def _is_key(values: list[bytes]) -> bool:
    try:
        return len(values) == 1 and len(values[0]) == 24 and len(base64.b64decode(values[0], validate=True)) == 16
    except binascii.Error:
        return False


def _are_subprotocols(values: list[bytes]) -> bool:
    names = [name.strip() for value in values for name in value.split(b",")]
    return len(names) <= MAX_SUBPROTOCOLS and len(set(names)) == len(names) and all(map(_is_name, names))


def _is_name(name: bytes) -> bool:
    # Daphne decodes percent signs, after which the name could hold anything.
    return bool(name) and _istoken(name) and b"%" not in name
