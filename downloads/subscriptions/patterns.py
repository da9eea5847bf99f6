"""Regular expressions that people type, matched by RE2 in time linear in the text: none can hang a worker or a page.

RE2 has no back references and no look-around (https://github.com/google/re2/wiki/Syntax).
"""

import functools
from typing import Any

import re2

from downloads.models.subscriptions.subscription import MAX_PATTERN_LENGTH

MAX_MATCHED_CHARACTERS = 500
MAX_PATTERN_BYTES = 1 << 20  # of a compiled pattern: "((a{100}){100}){100}" is short and would be huge
UNSUPPORTED_MARKERS = ("(?=", "(?!", "(?<=", "(?<!", "\\1", "\\2", "\\3")


class InvalidPattern(ValueError):
    """The text is no regular expression that can be used; the message tells the user why."""


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = MAX_PATTERN_BYTES
    return re2.compile(pattern, options)


def check_pattern(pattern: str) -> None:
    """Raise InvalidPattern unless this can be matched; "" can."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        raise InvalidPattern(f"This pattern is too long ({MAX_PATTERN_LENGTH} characters at most).")
    if "\x00" in pattern or not _is_encodable(pattern):
        raise InvalidPattern("This pattern contains characters that no title has.")
    try:
        _compile(pattern)
    except re2.error as error:
        raise InvalidPattern(_explain(pattern, error)) from error


def is_match(pattern: str, title: str) -> bool:
    """Tell whether a title contains what the pattern describes, in capitals or not; raise InvalidPattern."""
    # Of bytes, RE2 does not translate the places of the match: a third of the time.
    return _load(pattern).search(title[:MAX_MATCHED_CHARACTERS].encode("utf-8", "replace")) is not None


@functools.lru_cache(maxsize=256)
def _load(pattern: str) -> Any:
    """Return a checked pattern; what cannot be used is not cached."""
    check_pattern(pattern)
    return _compile(pattern)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _explain(pattern: str, error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    words = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
    if any(marker in pattern for marker in UNSUPPORTED_MARKERS):
        return "This pattern looks ahead, behind or back (such as (?=…) or \\1), which is not supported."
    if "too large" in words or "repetition size" in words:
        return "This pattern describes too much at once. Repeat less in it."
    return f"This pattern isn’t a regular expression ({words}). To look for a sign such as “(”, write “\\(”."
