"""Answers to requests that are not read: a status, a sentence, and a line in the log at a limited rate."""

import collections

from downloads.outage_log import LogLimiter
from ytarchive.server.response_headers import policies

MAX_HEADER_BYTES = 16 * 1024  # request line and all header fields; also the most of one line
MAX_HEADERS = 200
RETRY_AFTER_SECONDS = 10
PAGE = """<!DOCTYPE html>
<html lang="en">
  <head><meta charset="utf-8" /><title>{status} {phrase} · ytarchive</title></head>
  <body>
    <p>{status}</p>
    <h1>{heading}</h1>
    <p>{text}</p>
  </body>
</html>
"""
PHRASES = {
    400: "Bad Request",
    403: "Forbidden",
    405: "Method Not Allowed",
    408: "Request Timeout",
    413: "Content Too Large",
    414: "URI Too Long",
    426: "Upgrade Required",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
    505: "HTTP Version Not Supported",
    1008: "Policy Violation",  # a WebSocket's close code
}
TEXTS = {
    400: ("Bad request", "The browser or a proxy sent something that isn’t valid HTTP."),
    403: ("Not allowed", "This page may not open a live connection here."),
    405: ("Not allowed", "A live connection begins with GET."),
    408: ("This took too long", "The request did not arrive within its time. Try again."),
    413: ("This is too much at once", "Nothing of it was taken; send a part of it."),
    414: (
        "This address is too long",
        f"It has more than {MAX_HEADER_BYTES // 1024} kB. Shorten it, or add very long lists in parts.",
    ),
    426: ("Not understood", "A live connection needs version 13 of the WebSocket protocol."),
    429: ("Too many connections", "There are too many open connections from your address. Close some, and try again."),
    431: (
        "The browser sent too many cookies",
        f"Cookies and other headers of a request may have {MAX_HEADER_BYTES // 1024} kB and {MAX_HEADERS} lines "
        "together. Delete the cookies of this host, also those of other programs on it, and reload the page.",
    ),
    500: ("Something went wrong", "Try again."),
    503: ("Too busy", "The archive has as many connections as it can serve. Try again in a moment."),
    505: ("Not understood", "This archive speaks HTTP/1.1."),
    1008: ("Closed", "A WebSocket sent more frames than any page does."),
}
EXTRA_HEADERS = {
    426: "Sec-WebSocket-Version: 13\r\n",
    429: f"Retry-After: {RETRY_AFTER_SECONDS}\r\n",
    503: f"Retry-After: {RETRY_AFTER_SECONDS}\r\n",
}
SECURITY_HEADERS = policies.head_lines(policies.COMMON_HEADERS)
unreadable_requests = LogLimiter(__name__)
# By status, since the process began; `/metrics` has the sums of all processes.
refusal_counts: collections.Counter[str] = collections.Counter()


def build_answer(status: int, *, with_body: bool = True) -> bytes:
    """Return the whole response; the connection ends with it."""
    heading, text = TEXTS[status]
    body = PAGE.format(status=status, phrase=PHRASES[status], heading=heading, text=text).encode()
    head = (
        f"HTTP/1.1 {status} {PHRASES[status]}\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\n{EXTRA_HEADERS.get(status, '')}{SECURITY_HEADERS}Connection: close\r\n\r\n"
    )
    return head.encode() + (body if with_body else b"")


def count_refusal(status: int, client: str) -> None:
    """Count a refusal, and log it unless that was done lately."""
    refusal_counts[str(status)] += 1
    unreadable_requests.warning(
        (status, client),
        "Refused a request of %s (%s %s): %s", client, status, PHRASES[status], TEXTS[status][1],
    )  # fmt: skip
