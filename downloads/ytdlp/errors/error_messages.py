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

# Errors of sites and networks that pass: they get all retries, however often they come.
TOO_MANY_REQUESTS = "The site says that it is asked too often (429): try again later."
OUT_OF_ORDER = "The site is out of order"
TAKEN_FOR_A_ROBOT = "The site takes the archive for a robot and does not answer it: try again later."
FFMPEG_MISSING = "ffmpeg is missing, and this video comes in parts that it has to join: install it, then retry."
FFMPEG_STOPPED = "ffmpeg stopped before it had put the video together: retry."
NO_ANSWER_IN_TIME = "The site did not answer in time: retry later."
CONNECTION_CUT = "The connection was cut before everything had arrived: retry."
UNREACHABLE = "The site cannot be reached now"
OUT_OF_MEMORY = "The machine had too little memory for this download: retry when less runs on it."
SYSTEM_REFUSED = "The machine did not give yt-dlp what it needs: retry when less runs on it."
BUG_OF_YTDLP = "This is a bug of yt-dlp"  # may come from what a site sent this once
PASSING_ERRORS = (
    TOO_MANY_REQUESTS,
    OUT_OF_ORDER,
    TAKEN_FOR_A_ROBOT,
    FFMPEG_MISSING,
    FFMPEG_STOPPED,
    NO_ANSWER_IN_TIME,
    CONNECTION_CUT,
    UNREACHABLE,
    OUT_OF_MEMORY,
    SYSTEM_REFUSED,
    BUG_OF_YTDLP,
)
# URLs, numbers and ids, which may differ each time that an error is the same.
VARYING_PATTERN = re.compile(r"https?://\S+|\w*\d\w*")

NOT_HTTP_MESSAGE = (
    "The site leads to an address that is not http or https, such as file:, ftp: or rtmp:, which downloads may not "
    "open. Look for another page with this video."
)

# HTTP status: (message for people, permanent)
HTTP_STATUS_MESSAGES = {
    400: ("The site does not understand this address.", True),
    401: ("The site wants a sign-in for this video, which the archive does not have.", True),
    402: ("The site wants to be paid for this video.", True),
    403: ("The site does not allow this video to be fetched: it may be private, or open to members only.", True),
    404: ("There is nothing at this address (404): the video was removed, or the address has a mistake.", True),
    410: ("This video was removed (410).", True),
    408: (NO_ANSWER_IN_TIME, False),
    425: (TOO_MANY_REQUESTS, False),
    429: (TOO_MANY_REQUESTS, False),
    451: ("The site may not show this video here for legal reasons (451).", True),
}

# (pattern of yt-dlp's message, message for people, permanent). The first match wins: specific before general.
# A line of ffmpeg may hold any text, such as the title in a file's tags: only these are looked for in it.
FFMPEG_NOT_FOUND = (r"ffmpeg (is )?not (installed|found)", FFMPEG_MISSING, False)
POSTPROCESSING_MESSAGES: tuple[tuple[str, str, bool], ...] = (
    FFMPEG_NOT_FOUND,
    (
        r"conversion failed|invalid data|error (opening|parsing|while decoding)|moov atom|could not (write|find)",
        "What was fetched could not be put together: the file is damaged.",
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
        "The site does not show this video in this country.",
        True,
    ),
    (
        r"no video formats found|requested format is not available",
        "There is no format of this video that can be fetched. What comes over http and https can be, HLS and DASH "
        "too; ftp:, rtmp:, mms: and others cannot.",
        True,
    ),
    (r"unsupported url", "No video was found on this page: yt-dlp does not know this kind of page.", True),
    (
        r"not a bot|captcha|cloudflare",
        TAKEN_FOR_A_ROBOT,
        False,
    ),
    (
        r"live event|(stream|broadcast) (has |is )?(ended|finished|over)|premieres? (in|will)"
        r"|not (currently|yet) (live|started)|has not started",
        "This is a live stream or a premiere: try again when its recording is up.",
        True,
    ),
    (
        r"members?.only|access to members|channel'?s? members|members of this|(to|for) members|on level|patrons? only",
        "Only paying members of its channel can see this video: the archive has no sign-in there.",
        True,
    ),
    (
        r"confirm your age|age.?(restrict|gate|verif|limit)|inappropriate for some",
        "The site wants to know the age of whoever sees this video (age-restricted): the archive has no sign-in there.",
        True,
    ),
    (
        r"requires? payment|\brent(al)?\b|purchas|must be bought|buy this|pay.?per.?view|paid (video|content)|ppv",
        "This video has to be bought or rented on its site.",
        True,
    ),
    (
        r"premium|subscri(be|bed|ber|bers|ption|ptions)\b",
        "Only subscribers of the site can see this video: the archive has no sign-in there.",
        True,
    ),
    (
        r"private video|(video|recording|stream|post|track) is (set to )?private|is a private",
        "This video is private: the site shows it to certain people only, and the archive has no sign-in there.",
        True,
    ),
    (
        r"log ?in|sign in|\baccount\b",
        "The site shows this video to certain people only, and the archive has no sign-in there.",
        True,
    ),
    (r"been removed|no longer available|not exist|unavailable|was deleted", "This video is no longer there.", True),
    FFMPEG_NOT_FOUND,
    # EAGAIN, ENOMEM, ENFILE, EMFILE: processes, memory, open files.
    (r"\[errno (11|12|23|24)\]", SYSTEM_REFUSED, False),
    (r"timed out|timeout", NO_ANSWER_IN_TIME, False),
    (r"did not get any data blocks|downloaded file is empty", "The site answered, but sent nothing.", False),
    (r"certificate", "The site's certificate cannot be trusted.", True),
    (
        r"wrong.version.number|unsupported.protocol|handshake.failure|no.(protocols|shared.cipher)",
        "The site's encryption (TLS) does not work with the archive's: check the address.",
        False,
    ),
    (
        r"bytes read|too short|more expected|bytes, expected|incomplete|(reset|aborted|broken)\b|connection.*closed",
        CONNECTION_CUT,
        False,
    ),
    (
        r"unable to connect|connection refused|failed to establish|network is unreachable|\bssl\b",
        f"{UNREACHABLE}: retry later.",
        False,
    ),
    (r"redirect", "The site sends the download round in circles.", True),
    *POSTPROCESSING_MESSAGES,
)


def may_pass(message: str) -> bool:
    """Return whether a message for people is about an error that passes by itself, even if it has come before."""
    return message.startswith(PASSING_ERRORS)


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
    return f"{BUG_OF_YTDLP}, in its {part}: neither the link nor the archive is wrong. Update yt-dlp, then retry."


def explain_error(message: str, status: int | None = None, extractor: str = "") -> tuple[str, bool]:
    """Return (message for people, permanent) for a message of yt-dlp and the HTTP status that caused it, if any.

    `extractor` is the extractor that met what it did not expect, as 'extractor “youtube”'; "" for any other error.
    """
    message = message[:MAX_ERROR_CHARACTERS]  # a site's may have megabytes
    if proxy_error := PROXY_ERROR_PATTERN.search(message):
        return _proxy_error_message(proxy_error.group(1).strip()[:MAX_DETAIL_CHARACTERS])
    detail = _strip_noise(message)
    if status is None and (http_error := re.search(r"HTTP Error (\d{3})", message)):
        status = int(http_error.group(1))
    explanation, permanent = _match_message(message.lower(), status, extractor)
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

    An unknown host name gets one retry, since it may be new.
    """
    if "may not reach" in message:
        return f"Refused: {message}.", True
    if "no request for an http or https address" in message:
        return NOT_HTTP_MESSAGE, True
    if message.startswith("unknown host name"):
        return f"There is an {message}: check the address.", False
    return f"{UNREACHABLE}: {message}. Retry later.", False


def _match_message(message: str, status: int | None, extractor: str) -> tuple[str, bool]:
    if status in HTTP_STATUS_MESSAGES:
        return HTTP_STATUS_MESSAGES[status]
    if status and status >= 500:
        return f"{OUT_OF_ORDER} ({status}): retry later.", False
    for pattern, explanation, permanent in (
        POSTPROCESSING_MESSAGES if "postprocessing: " in message else PATTERN_MESSAGES
    ):
        if re.search(pattern, message):
            return explanation, permanent
    if extractor:
        reason = f"the site has changed, or yt-dlp's {extractor} has a bug"
        return f"yt-dlp cannot read this page: {reason}. Update yt-dlp, then retry.", False
    return "yt-dlp could not fetch this video.", False


def _strip_noise(message: str) -> str:
    """Return yt-dlp's message without its prefixes, its advice for command-line users, and its colors."""
    message = remove_smuggled(re.sub(r"\x1b\[[0-9;]*m", "", message))
    return ADVICE_PATTERN.sub("", MESSAGE_PREFIX_PATTERN.sub("", message)).strip()[:MAX_DETAIL_CHARACTERS]
