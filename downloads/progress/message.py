"""The wire: names of channels, keys and group, and the one small state that travels on them.

Progress is a state, not a log: each message is all that is known of one video, the newest wins, and
any one of them may be lost. Nothing here knows the database or Channels.
"""

import dataclasses
import enum
import json
import math
from collections.abc import Callable
from typing import Any, Self

from downloads.progress.keys import CHANNEL_PREFIX, VIDEO_ID

MAX_MESSAGE_BYTES = 16 * 1024
# The largest integer that JavaScript holds exactly (Number.MAX_SAFE_INTEGER).
MAX_INTEGER = 2**53 - 1
STATUSES = ("queued", "downloading", "processing", "complete", "failed", "cancelled")
ACTIVE_STATUSES = ("downloading", "processing")
TERMINAL_STATUSES = ("complete", "failed", "cancelled")


class BadMessage(ValueError):
    """A message that cannot be used; `reason` is one short word for the counters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unset(enum.Enum):
    """The type of UNSET: a field that a message leaves out, where null says "unknown"."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """What is known of one download; its JSON is the format on every hop.

    `percent` 0 to 100 of the whole download, `downloaded_bytes` and `total_bytes` of the whole
    download, `speed` in bytes per second, `eta` in seconds. None means unknown, UNSET left out.
    """

    status: str | Unset = UNSET
    attempt: int | Unset = UNSET
    percent: float | Unset | None = UNSET
    downloaded_bytes: int | Unset | None = UNSET
    total_bytes: int | Unset | None = UNSET
    speed: float | Unset | None = UNSET
    eta: float | Unset | None = UNSET
    phase: str | Unset = UNSET
    error: str | Unset = UNSET
    changed: bool | Unset = UNSET

    def fields(self) -> dict[str, Any]:
        """Return the fields that are set, in the order above."""
        return {name: value for name in FIELDS if (value := getattr(self, name)) is not UNSET}

    def to_json(self) -> str:
        """Return the JSON text for any hop."""
        return dumps(self.fields())

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a message from Redis; raise BadMessage if nothing in it can be used.

        A field of a wrong type is left out, a number out of range is clamped, unknown fields are dropped.
        """
        if len(data) > MAX_MESSAGE_BYTES:
            raise BadMessage("too_long")
        try:
            found = json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise BadMessage("no_json") from error
        if not isinstance(found, dict):
            raise BadMessage("no_object")
        valid = {
            name: value for name, read in FIELDS.items() if name in found and (value := read(found[name])) is not UNSET
        }
        if not valid:
            raise BadMessage("no_field")
        return cls(**valid)


def _number(high: float) -> Callable[[Any], Any]:
    def read(value: Any) -> float | Unset | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return UNSET
        if isinstance(value, float) and not math.isfinite(value):
            return UNSET
        # + 0.0 turns -0.0 into 0.0
        return min(max(value, 0), high) + 0.0

    return read


def _whole(low: int, nullable: bool) -> Callable[[Any], Any]:
    def read(value: Any) -> int | Unset | None:
        if value is None and nullable:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return UNSET
        return min(max(value, low), MAX_INTEGER)

    return read


def _text(longest: int) -> Callable[[Any], Any]:
    def read(value: Any) -> str | Unset:
        if not isinstance(value, str):
            return UNSET
        # A lone surrogate passes json.loads, but no encoder after it.
        return value[:longest].encode("utf-8", "replace").decode("utf-8")

    return read


# How each field of a message is read; the keys are Progress' own.
FIELDS: dict[str, Callable[[Any], Any]] = {
    "status": lambda value: value if isinstance(value, str) and value in STATUSES else UNSET,
    "attempt": _whole(1, nullable=False),
    "percent": _number(100.0),
    "downloaded_bytes": _whole(0, nullable=True),
    "total_bytes": _whole(0, nullable=True),
    "speed": _number(float(MAX_INTEGER)),
    "eta": _number(float(MAX_INTEGER)),
    "phase": _text(64),
    "error": _text(500),
    "changed": lambda value: True if value is True else UNSET,
}


def dumps(value: object) -> str:
    """Return compact JSON that every browser can parse (no NaN, no Infinity)."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)


def video_id_of(name: str) -> str:
    """Return the video id in a channel's name; raise BadMessage if it is none."""
    video_id = name.removeprefix(CHANNEL_PREFIX)
    if not VIDEO_ID.fullmatch(video_id):
        raise BadMessage("bad_id")
    return video_id


# Publishing --------------------------------------------------------------------------------------
