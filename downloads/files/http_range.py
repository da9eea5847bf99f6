"""Byte ranges of HTTP requests (RFC 9110, section 14)."""

import dataclasses
import re

_RANGE_PATTERN = re.compile(r"bytes=\s*(\d{0,30})-(\d{0,30})\s*", re.ASCII | re.IGNORECASE)


class RangeNotSatisfiable(Exception):
    """The range begins after the end of the file: answer 416."""


@dataclasses.dataclass(frozen=True)
class ByteRange:
    """The bytes of a file from `first` to `last`, both inclusive."""

    first: int
    last: int

    @property
    def length(self) -> int:
        """Return the number of bytes."""
        return self.last - self.first + 1


def parse_range_header(header: str, size: int, max_open_bytes: int | None = None) -> ByteRange | None:
    """Parse a Range header for a file of `size` bytes; None if it is to be ignored (malformed, or several ranges).

    An open-ended range reaches to the end of the file, or gets `max_open_bytes` at most. Raise RangeNotSatisfiable
    after the end of the file.
    """
    match = _RANGE_PATTERN.fullmatch(header)
    if match is None or match.group(1) == match.group(2) == "":
        return None
    first, last = match.groups()
    if not first:
        if not int(last) or not size:
            raise RangeNotSatisfiable
        return ByteRange(max(0, size - int(last)), size - 1)
    if last and int(last) < int(first):
        return None
    if int(first) >= size:
        raise RangeNotSatisfiable
    requested_last = int(last) if last else int(first) + (max_open_bytes or size) - 1
    return ByteRange(int(first), min(requested_last, size - 1))
