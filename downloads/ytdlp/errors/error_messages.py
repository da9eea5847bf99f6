"""Error messages for people: what happened and what to do, followed by yt-dlp's own message."""

import re
import ssl
from collections.abc import Iterator
from http.client import HTTPException

from downloads.ytdlp.results import DRM_MESSAGE, MAX_ERROR_CHARACTERS
from downloads.ytdlp.smuggled_data import remove_smuggled

# An error of the egress proxy itself, repeated by yt-dlp; see network.proxy.PROXY_ERROR_PREFIX.
PROXY_ERROR_PATTERN = re.compile(r"(?:403 |502 |400 |: )ytarchive: ([^'\"()<>]+)")
MESSAGE_PREFIX_PATTERN = re.compile(r"^(ERROR: )?(\[[\w:.+-]+\] )?([\w-]{1,64}: (?=Unable|Failed|Video|This|Private))?")
ADVICE_PATTERN = re.compile(
    r" *\(caused by .*|" r"[;.]? *(please report this issue on|Use --|See {2}?https|You might want to use a VPN).*",
    re.S,
)
MAX_DETAIL_CHARACTERS = 400
FORBIDDEN_HOST_PATTERN = re.compile(r"(\S+) is (.+?), which downloads may not reach")  # as the egress proxy says it
UNKNOWN_HOST_PREFIX = "unknown host name"  # of the egress proxy

# Transient errors of sites and networks: they get all retries, however often they come.
TOO_MANY_REQUESTS = "Too many requests (429). Try again later."
SITE_PROBLEM = "The site has a problem"
MEMBERS_ONLY = "This video is for members of its channel only. ytarchive can’t sign in on the site."
BOT_DETECTED = "The site thinks this is a bot. Try again later."
FFMPEG_MISSING = "This video comes in parts, and ffmpeg, which joins them, is missing. Install it, then retry."
FFMPEG_STOPPED = "ffmpeg stopped before the video was finished. Retry."
NO_ANSWER_IN_TIME = "The site didn’t answer in time. Try again later."
CONNECTION_CUT = "The connection dropped before the download finished. Retry."
UNREACHABLE = "The site can’t be reached right now"
OUT_OF_MEMORY = "The server ran out of memory for this download. Retry when it’s less busy."
SYSTEM_REFUSED = "The server had nothing left for this download. Retry when it’s less busy."
YTDLP_BUG = "This is a bug in yt-dlp"  # may come from what a site sent this once
TRANSIENT_ERRORS = (
    TOO_MANY_REQUESTS,
    SITE_PROBLEM,
    BOT_DETECTED,
    FFMPEG_MISSING,
    FFMPEG_STOPPED,
    NO_ANSWER_IN_TIME,
    CONNECTION_CUT,
    UNREACHABLE,
    OUT_OF_MEMORY,
    SYSTEM_REFUSED,
    YTDLP_BUG,
)
# Errors by which a site asks to be left alone for a while.
PAUSE_ERRORS = (TOO_MANY_REQUESTS, BOT_DETECTED)
# URLs, numbers and ids, which may differ each time that an error is the same.
VARYING_PATTERN = re.compile(r"https?://\S+|\w*\d\w*")

NOT_HTTP_MESSAGE = (
    "The site points to a link that isn’t http or https, such as file:, ftp: or rtmp:, which can’t be downloaded. "
    "Look for another page with this video."
)

# HTTP status: (message for people, permanent)
HTTP_STATUS_MESSAGES = {
    400: ("The site doesn’t understand this link (400).", True),
    401: ("You need to sign in on the site to see this video. ytarchive can’t do that.", True),
    402: ("This video is paid content.", True),
    403: ("The site refused (403). The video may be private or members-only.", True),
    404: ("Not found (404). The video was removed, or the link is wrong.", True),
    410: ("Removed (410). This video is no longer available.", True),
    408: (NO_ANSWER_IN_TIME, False),
    425: (TOO_MANY_REQUESTS, False),
    429: (TOO_MANY_REQUESTS, False),
    451: ("Blocked for legal reasons (451).", True),
}

# (pattern of yt-dlp's message, message for people, permanent). The first match wins: specific before general.
# A line of ffmpeg may hold any text, such as the title in a file's tags: only these are looked for in it.
FFMPEG_NOT_FOUND = (r"ffmpeg (is )?not (installed|found)", FFMPEG_MISSING, False)
POSTPROCESSING_MESSAGES: tuple[tuple[str, str, bool], ...] = (
    FFMPEG_NOT_FOUND,
    (
        r"conversion failed|invalid data|error (opening|parsing|while decoding)|moov atom|could not (write|find)",
        "The downloaded parts couldn’t be joined. The file is damaged.",
        False,
    ),
    (r"postprocessing", FFMPEG_STOPPED, False),
)
PATTERN_MESSAGES: tuple[tuple[str, str, bool], ...] = (
    (r"\bdrm\b", DRM_MESSAGE, True),
    (
        r"no connection adapters were found for|unsupported url scheme|urls are disabled by default in yt-dlp"
        r"|unsupported protocol|rtmpdump|mplayer or mpv",
        NOT_HTTP_MESSAGE,
        True,
    ),
    (
        r"geo.?restrict|available (in|from) (your|this) (country|location|region|area)",
        "This video isn’t available in your country.",
        True,
    ),
    (
        r"no video formats found|requested format is not available",
        "No downloadable format was found. http and https work, HLS and DASH included; ftp:, rtmp:, mms: and others "
        "don’t.",
        True,
    ),
    (r"unsupported url", "No video found on this page. yt-dlp doesn’t support it.", True),
    (
        r"not a bot|captcha|cloudflare",
        BOT_DETECTED,
        False,
    ),
    (
        r"live event|(stream|broadcast) (has |is )?(ended|finished|over)|premieres? (in|will)"
        r"|not (currently|yet) (live|started)|has not started",
        "This is a live stream or a premiere. Try again when its recording is up.",
        True,
    ),
    (
        r"members?.only|access to members|channel'?s? members|members of this|(to|for) members|on level|patrons? only",
        MEMBERS_ONLY,
        True,
    ),
    (
        r"confirm your age|age.?(restrict|gate|verif|limit)|inappropriate for some",
        "This video is age-restricted. ytarchive can’t sign in on the site.",
        True,
    ),
    (
        r"requires? payment|\brent(al)?\b|purchas|must be bought|buy this|pay.?per.?view|paid (video|content)|ppv",
        "This video must be bought or rented on its site.",
        True,
    ),
    (
        r"premium|subscri(be|bed|ber|bers|ption|ptions)\b",
        "This video is for subscribers of the site only. ytarchive can’t sign in on the site.",
        True,
    ),
    (
        r"private video|(video|recording|stream|post|track) is (set to )?private|is a private",
        "This video is private. ytarchive can’t sign in on the site.",
        True,
    ),
    (
        r"log ?in|sign in|\baccount\b",
        "You need to sign in on the site to see this video. ytarchive can’t do that.",
        True,
    ),
    (r"been removed|no longer available|not exist|unavailable|was deleted", "This video is no longer available.", True),
    FFMPEG_NOT_FOUND,
    # EAGAIN, ENOMEM, ENFILE, EMFILE: processes, memory, open files.
    (r"\[errno (11|12|23|24)\]", SYSTEM_REFUSED, False),
    (r"timed out|timeout", NO_ANSWER_IN_TIME, False),
    (r"did not get any data blocks|downloaded file is empty", "The site answered but sent nothing.", False),
    (r"certificate", "The site’s certificate can’t be trusted.", True),
    (
        r"wrong.version.number|unsupported.protocol|handshake.failure|no.(protocols|shared.cipher)",
        "No secure connection (TLS) to the site is possible. Check the link.",
        False,
    ),
    (
        r"bytes read|too short|more expected|bytes, expected|incomplete|(reset|aborted|broken)\b|connection.*closed",
        CONNECTION_CUT,
        False,
    ),
    (
        r"unable to connect|connection refused|failed to establish|network is unreachable|\bssl\b",
        f"{UNREACHABLE}. Try again later.",
        False,
    ),
    (r"redirect", "The site keeps redirecting.", True),
    *POSTPROCESSING_MESSAGES,
)


def is_members_only(message: str) -> bool:
    """Tell whether an error for people says that only members of the channel can see the video."""
    return MEMBERS_ONLY in message


def is_transient(message: str) -> bool:
    """Return whether a message for people is about a transient error, even if it has come before."""
    return message.startswith(TRANSIENT_ERRORS)


def is_same_error(message: str, previous_message: str) -> bool:
    """Return whether two messages are about the same error, apart from what varies from one attempt to the next."""
    return VARYING_PATTERN.sub("", message) == VARYING_PATTERN.sub("", previous_message)


def explain_unforeseen(part: str, error: BaseException) -> str:
    """Return the message for people for an exception that a part of yt-dlp did not handle; a retry may help."""
    detail = f"{type(error).__name__}: {error}"[:MAX_DETAIL_CHARACTERS]
    return f"{_explain_exception(part, error)}\n{detail}"


def _explain_exception(part: str, error: BaseException) -> str:
    if part.startswith("postprocessor") and isinstance(error, (IndexError, BrokenPipeError)):
        return FFMPEG_STOPPED  # yt-dlp looks for a message of ffmpeg, and there is none
    if isinstance(error, MemoryError):
        return OUT_OF_MEMORY
    if isinstance(error, TimeoutError):
        return NO_ANSWER_IN_TIME
    if isinstance(error, (ConnectionError, EOFError, HTTPException, ssl.SSLError)):
        return CONNECTION_CUT
    if isinstance(error, OSError):
        return SYSTEM_REFUSED
    return f"{YTDLP_BUG} ({part}). Update yt-dlp, then retry."


def explain_error(message: str, status: int | None = None, extractor: str = "") -> tuple[str, bool]:
    """Return (message for people, permanent) for a message of yt-dlp and the HTTP status that caused it, if any.

    `extractor` is the extractor that met what it did not expect, as 'extractor “youtube”'; "" for any other error.
    """
    message = message[:MAX_ERROR_CHARACTERS]  # a site's may have megabytes
    if proxy_error := PROXY_ERROR_PATTERN.search(message):
        return _proxy_error_message(proxy_error.group(1).strip()[:MAX_DETAIL_CHARACTERS])
    detail = _strip_noise(message)
    status = find_status(message) if status is None else status
    explanation, permanent = _match_message(message.lower(), status, extractor)
    return f"{explanation}\n{detail}" if detail else explanation, permanent


def find_status(message: str) -> int | None:
    """Return the HTTP status in a message of yt-dlp; None for none."""
    http_error = re.search(r"HTTP Error (\d{3})", message[:MAX_ERROR_CHARACTERS])
    return int(http_error.group(1)) if http_error else None


def is_of_proxy(message: str) -> bool:
    """Tell whether an error is the egress proxy's own: no site has answered."""
    return PROXY_ERROR_PATTERN.search(message[:MAX_ERROR_CHARACTERS]) is not None


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

    An unknown host name gets one retry, since it may be new.
    """
    if forbidden := FORBIDDEN_HOST_PATTERN.match(message):
        return _forbidden_host_message(*forbidden.groups()), True
    if "no request for an http or https address" in message:
        return NOT_HTTP_MESSAGE, True
    if message.startswith(UNKNOWN_HOST_PREFIX):
        host = message.removeprefix(UNKNOWN_HOST_PREFIX).strip()
        return f"There’s no site called {host}. Check the link.", False
    return f"{UNREACHABLE}: {message}. Try again later.", False


def _forbidden_host_message(host: str, reason: str) -> str:
    if reason == "a private address":
        return f"{host} is on a private network. Downloads from private networks are off."
    return f"{host} is {reason}. Downloads from such addresses are off."


def _match_message(message: str, status: int | None, extractor: str) -> tuple[str, bool]:
    if status in HTTP_STATUS_MESSAGES:
        return HTTP_STATUS_MESSAGES[status]
    if status and status >= 500:
        return f"{SITE_PROBLEM} ({status}). Try again later.", False
    for pattern, explanation, permanent in (
        POSTPROCESSING_MESSAGES if "postprocessing: " in message else PATTERN_MESSAGES
    ):
        if re.search(pattern, message):
            return explanation, permanent
    if extractor:
        reason = f"the site has changed, or yt-dlp’s {extractor} has a bug"
        return f"yt-dlp can’t read this page: {reason}. Update yt-dlp, then retry.", False
    return "yt-dlp couldn’t download this video.", False


def _strip_noise(message: str) -> str:
    """Return yt-dlp's message without its prefixes, its advice for command-line users, and its colors."""
    message = remove_smuggled(re.sub(r"\x1b\[[0-9;]*m", "", message))
    return ADVICE_PATTERN.sub("", MESSAGE_PREFIX_PATTERN.sub("", message)).strip()[:MAX_DETAIL_CHARACTERS]
