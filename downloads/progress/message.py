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

from downloads.progress.keys import CHANNEL_PREFIX, VIDEO_ID_PATTERN

MAX_MESSAGE_BYTES = 16 * 1024
# The largest integer that JavaScript holds exactly (Number.MAX_SAFE_INTEGER).
MAX_SAFE_INTEGER = 2**53 - 1
STATUSES = ("queued", "downloading", "processing", "complete", "failed", "cancelled")
ACTIVE_STATUSES = ("downloading", "processing")
TERMINAL_STATUSES = ("complete", "failed", "cancelled")


class InvalidMessage(ValueError):
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

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that are set, in the order above."""
        return {name: value for name in FIELD_PARSERS if (value := getattr(self, name)) is not UNSET}

    def to_json(self) -> str:
        """Return the JSON text for any hop."""
        return encode_json(self.to_dict())

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a message from Redis; raise BadMessage if nothing in it can be used.

        A field of a wrong type is left out, a number out of range is clamped, unknown fields are dropped.
        """
        if len(data) > MAX_MESSAGE_BYTES:
            raise InvalidMessage("too_long")
        try:
            found = json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise InvalidMessage("no_json") from error
        if not isinstance(found, dict):
            raise InvalidMessage("no_object")
        valid = {
            name: value
            for name, read in FIELD_PARSERS.items()
            if name in found and (value := read(found[name])) is not UNSET
        }
        if not valid:
            raise InvalidMessage("no_field")
        return cls(**valid)


def _number_parser(maximum: float) -> Callable[[Any], Any]:
    def read(value: Any) -> float | Unset | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return UNSET
        if isinstance(value, float) and not math.isfinite(value):
            return UNSET
        # + 0.0 turns -0.0 into 0.0
        return min(max(value, 0), maximum) + 0.0

    return read


def _integer_parser(minimum: int, nullable: bool) -> Callable[[Any], Any]:
    def read(value: Any) -> int | Unset | None:
        if value is None and nullable:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return UNSET
        return min(max(value, minimum), MAX_SAFE_INTEGER)

    return read


def _text_parser(max_length: int) -> Callable[[Any], Any]:
    def read(value: Any) -> str | Unset:
        if not isinstance(value, str):
            return UNSET
        # A lone surrogate passes json.loads, but no encoder after it.
        return value[:max_length].encode("utf-8", "replace").decode("utf-8")

    return read


# How each field of a message is read; the keys are Progress' own.
FIELD_PARSERS: dict[str, Callable[[Any], Any]] = {
    "status": lambda value: value if isinstance(value, str) and value in STATUSES else UNSET,
    "attempt": _integer_parser(1, nullable=False),
    "percent": _number_parser(100.0),
    "downloaded_bytes": _integer_parser(0, nullable=True),
    "total_bytes": _integer_parser(0, nullable=True),
    "speed": _number_parser(float(MAX_SAFE_INTEGER)),
    "eta": _number_parser(float(MAX_SAFE_INTEGER)),
    "phase": _text_parser(64),
    "error": _text_parser(500),
    "changed": lambda value: True if value is True else UNSET,
}


def encode_json(value: object) -> str:
    """Return compact JSON that every browser can parse (no NaN, no Infinity)."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"), ensure_ascii=False)


def parse_video_id(channel_name: str) -> str:
    """Return the video id in a channel's name; raise BadMessage if it is none."""
    video_id = channel_name.removeprefix(CHANNEL_PREFIX)
    if not VIDEO_ID_PATTERN.fullmatch(video_id):
        raise InvalidMessage("bad_id")
    return video_id


# Publishing --------------------------------------------------------------------------------------
