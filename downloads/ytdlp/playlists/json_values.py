"""Values of an info dict as JSON that a database takes: bounded, without NUL, lone surrogates and NaN."""

import math
from collections.abc import Iterable
from typing import Any

MAX_DEPTH = 12
MAX_ITEMS = 2000  # of one list or object
MAX_STRING_CHARACTERS = 1024 * 1024
MAX_INTEGER = 2**63


class NotStorable(ValueError):
    """The value has no form in JSON that yt-dlp could use again, or it is too large."""


def clean_text(text: str) -> str:
    """Return a text without NUL and lone surrogates, which databases refuse."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def clean_value(value: Any, depth: int = 0) -> Any:
    """Return a value as JSON; raise NotStorable for an object that JSON cannot hold."""
    if depth > MAX_DEPTH:
        raise NotStorable("nested too deeply")
    if isinstance(value, str):
        return _clean_string(value)
    if value is None or isinstance(value, bool | int | float):
        return _clean_number(value)
    if isinstance(value, dict):
        return _clean_object(value, depth)
    if isinstance(value, list | tuple):
        return _clean_list(value, depth)
    raise NotStorable(f"a {type(value).__name__}")


def _clean_string(text: str) -> str:
    if len(text) > MAX_STRING_CHARACTERS:
        raise NotStorable("a long text")
    return clean_text(text)


def _clean_number(value: float | None) -> float | None:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return None if isinstance(value, int) and abs(value) >= MAX_INTEGER else value


def _clean_list(items: Iterable[Any], depth: int) -> list[Any]:
    values = list(items)
    if len(values) > MAX_ITEMS:
        raise NotStorable("a long list")
    return [clean_value(item, depth + 1) for item in values]


def _clean_object(value: dict[Any, Any], depth: int) -> dict[str, Any]:
    if len(value) > MAX_ITEMS:
        raise NotStorable("a large object")
    cleaned: dict[str, Any] = {}
    for key, item in value.items():
        try:
            cleaned[clean_text(str(key))] = clean_value(item, depth + 1)
        except NotStorable:
            # Private fields are notes of yt-dlp for this process, such as functions that fetch comments.
            if not str(key).startswith("__"):
                raise
    return cleaned
