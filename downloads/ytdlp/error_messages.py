"""Error messages for people: what happened and what to do, followed by yt-dlp's own message."""

import re
from collections.abc import Iterator

# An error of the egress proxy itself, repeated by yt-dlp; see network.proxy.PROXY_ERROR_PREFIX.
PROXY_ERROR_PATTERN = re.compile(r"(?:403 |502 |400 |: )ytarchive: ([^'\"()<>]+)")
MESSAGE_PREFIX_PATTERN = re.compile(r"^(ERROR: )?(\[[\w:.+-]+\] )?([\w-]{1,64}: (?=Unable|Failed|Video|This|Private))?")
ADVICE_PATTERN = re.compile(
    r" *\(caused by <.*|" r"[;.]? *(please report this issue on|Use --|See {2}?https|You might want to use a VPN).*",
    re.S,
)
DISK_FULL_PATTERN = re.compile(r"no space left|disk quota", re.I)
UNKNOWN_HOST_PREFIX = "There is an unknown host name"
MAX_DETAIL_CHARACTERS = 400

# HTTP status: (message for people, permanent)
HTTP_STATUS_MESSAGES = {
    400: ("The site does not understand this address.", True),
    401: ("The site wants a sign-in for this video, which the archive does not have.", True),
    402: ("The site wants to be paid for this video.", True),
    403: ("The site does not allow this video to be fetched: it may be private, or open to members only.", True),
    404: ("There is nothing at this address (404): the video was removed, or the address has a mistake.", True),
    410: ("This video was removed (410).", True),
    429: ("The site says that it is asked too often (429): try again later.", False),
    451: ("The site may not show this video here for legal reasons (451).", True),
}

# (pattern of yt-dlp's message, message for people, permanent). The first match wins: specific before general.
PATTERN_MESSAGES: tuple[tuple[str, str, bool], ...] = (
    (r"\bdrm\b", "This video is protected against copying (DRM): it cannot be archived.", True),
    (
        r"geo.?restrict|available (in|from) (your|this) (country|location|region)",
        "The site does not show this video in this country.",
        True,
    ),
    (
        r"no video formats found|requested format is not available",
        "There is no format of this video that can be fetched.",
        True,
    ),
    (r"unsupported url", "No video was found on this page: yt-dlp does not know this kind of page.", True),
    (
        r"not a bot|captcha|cloudflare",
        "The site takes the archive for a robot and does not answer it: try again later.",
        False,
    ),
    (
        r"live event|premieres? (in|will)|not (currently|yet) (live|started)|has not started",
        "This is a live stream or a premiere: try again when its recording is up.",
        True,
    ),
    (
        r"private video|video is private|members.only|log ?in|sign in|\baccount\b",
        "The site shows this video to certain people only, and the archive has no sign-in there.",
        True,
    ),
    (r"been removed|no longer available|not exist|unavailable|was deleted", "This video is no longer there.", True),
    (
        r"ffmpeg (is )?not (installed|found)",
        "ffmpeg is missing, and this video comes in parts that it has to join: install it, then retry.",
        False,
    ),
    (r"timed out|timeout", "The site did not answer in time: retry later.", False),
    (r"certificate", "The site's certificate cannot be trusted.", True),
    (
        r"bytes read|too short|more expected|incomplete|(reset|aborted|broken)\b|connection.*closed",
        "The connection was cut before everything had arrived: retry.",
        False,
    ),
    (
        r"unable to connect|connection refused|failed to establish|network is unreachable|\bssl\b",
        "The site cannot be reached now: retry later.",
        False,
    ),
    (r"redirect", "The site sends the download round in circles.", True),
    (
        r"postprocessing|conversion failed|invalid data found",
        "What was fetched could not be put together: the file is damaged.",
        False,
    ),
)


def explain_error(message: str, status: int | None = None) -> tuple[str, bool]:
    """Return (message for people, permanent) for a message of yt-dlp and the HTTP status that caused it, if any."""
    if proxy_error := PROXY_ERROR_PATTERN.search(message):
        return _proxy_error_message(proxy_error.group(1).strip())
    detail = _strip_noise(message)
    if status is None and (http_error := re.search(r"HTTP Error (\d{3})", message)):
        status = int(http_error.group(1))
    explanation, permanent = _match_message(message.lower(), status)
    return f"{explanation}\n{detail}" if detail else explanation, permanent


def walk_causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes, also those that yt-dlp keeps in `exc_info` and `cause` instead of `__cause__`."""
    visited_ids: set[int] = set()
    while error is not None and id(error) not in visited_ids:
        visited_ids.add(id(error))
        yield error
        exc_info = getattr(error, "exc_info", None)
        inner_error = exc_info[1] if exc_info else None
        error = (inner_error if inner_error is not error else None) or getattr(error, "cause", None) or error.__cause__


def _proxy_error_message(message: str) -> tuple[str, bool]:
    """Return (message for people, permanent) for an error of the proxy: only a forbidden address is permanent.

    An unknown host name is permanent too, after the one retry that worker.attempt allows it.
    """
    if "may not reach" in message:
        return f"Refused: {message}.", True
    if message.startswith("unknown host name"):
        return f"{UNKNOWN_HOST_PREFIX} {message.removeprefix('unknown host name').strip()}: check the address.", True
    return f"The site cannot be reached now: {message}. Retry later.", False


def _match_message(message: str, status: int | None) -> tuple[str, bool]:
    if status in HTTP_STATUS_MESSAGES:
        return HTTP_STATUS_MESSAGES[status]
    if status and status >= 500:
        return f"The site is out of order ({status}): retry later.", False
    for pattern, explanation, permanent in PATTERN_MESSAGES:
        if re.search(pattern, message):
            return explanation, permanent
    return "yt-dlp could not fetch this video.", False


def _strip_noise(message: str) -> str:
    """Return yt-dlp's message without its prefixes, its advice for command-line users, and its colors."""
    message = re.sub(r"\x1b\[[0-9;]*m", "", message)
    return ADVICE_PATTERN.sub("", MESSAGE_PREFIX_PATTERN.sub("", message)).strip()[:MAX_DETAIL_CHARACTERS]
