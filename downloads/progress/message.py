"""Progress message: the state of one video, as published to Redis.

Progress is a state, not a log: the newest message of a video wins, and any message may be lost.
Independent of the database and of Channels.
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
    """A message that cannot be used; `reason` is a short name for the counters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Unset(enum.Enum):
    """Type of UNSET, a field that a message leaves out; None (null) means unknown."""

    UNSET = "unset"


UNSET = Unset.UNSET


@dataclasses.dataclass(frozen=True, slots=True)
class Progress:
    """State of one download; its JSON is the format on every hop.

    `percent` 0 to 100 of the whole download, `downloaded_bytes` and `total_bytes` of the whole
    download, `speed` in bytes per second, `eta` in seconds. None means unknown, UNSET means left out.
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
        """Return the JSON text of the fields that are set."""
        return encode_json(self.to_dict())

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Parse a message from Redis; raise InvalidMessage if it has no valid field.

        A field of a wrong type is left out, a number out of range is clamped, an unknown field is dropped.
        """
        if len(data) > MAX_MESSAGE_BYTES:
            raise InvalidMessage("too_long")
        try:
            content = json.loads(data.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise InvalidMessage("no_json") from error
        if not isinstance(content, dict):
            raise InvalidMessage("no_object")
        valid = {
            name: value
            for name, parse in FIELD_PARSERS.items()
            if name in content and (value := parse(content[name])) is not UNSET
        }
        if not valid:
            raise InvalidMessage("no_field")
        return cls(**valid)


def _number_parser(maximum: float) -> Callable[[Any], Any]:
    def parse(value: Any) -> float | Unset | None:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            return UNSET
        if isinstance(value, float) and not math.isfinite(value):
            return UNSET
        # + 0.0 turns -0.0 into 0.0
        return min(max(value, 0), maximum) + 0.0

    return parse


def _integer_parser(minimum: int, nullable: bool) -> Callable[[Any], Any]:
    def parse(value: Any) -> int | Unset | None:
        if value is None and nullable:
            return None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            return UNSET
        return min(max(value, minimum), MAX_SAFE_INTEGER)

    return parse


def _text_parser(max_length: int) -> Callable[[Any], Any]:
    def parse(value: Any) -> str | Unset:
        if not isinstance(value, str):
            return UNSET
        # A lone surrogate passes json.loads, but no encoder after it.
        return value[:max_length].encode("utf-8", "replace").decode("utf-8")

    return parse


# The keys are the fields of Progress; a parser returns UNSET for an invalid value.
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
    """Return the video id in the name of a channel; raise InvalidMessage if it is not valid."""
    video_id = channel_name.removeprefix(CHANNEL_PREFIX)
    if not VIDEO_ID_PATTERN.fullmatch(video_id):
        raise InvalidMessage("bad_id")
    return video_id
