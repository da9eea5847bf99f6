"""Sizes that media files declare for themselves, to notice one that ends early although it plays."""

from pathlib import Path
from typing import BinaryIO

MAX_BOXES = 100_000
# At the top level of a file (ISO/IEC 14496-12, QuickTime); something else behind the last box is none of it.
TOP_LEVEL_BOXES = frozenset(
    b"ftyp styp moov moof mdat imda mfra sidx ssix free skip wide uuid meta udta pdin emsg prft pnot".split()
)
MIN_UNKNOWN_RIFF_SIZE = 0x7FFFF000  # what programs write for an unknown size, into a pipe


def read_declared_size(file: Path) -> int | None:
    """Return how many bytes a file has by its own account; None where its container does not say.

    MP4 and QuickTime (sizes of boxes), AVI and WAV (RIFF), Matroska and WebM (size of the segment).
    """
    with file.open("rb") as stream:
        header = stream.read(12)
        if header[:4] == b"RIFF":
            size = int.from_bytes(header[4:8], "little")
            return None if size == 0 or size >= MIN_UNKNOWN_RIFF_SIZE else size + 8
        if header[:4] == b"\x1a\x45\xdf\xa3":
            return _read_matroska_size(stream)
        if header[4:8] == b"ftyp":
            return _read_boxes_size(stream, file.stat().st_size)
    return None


def _read_boxes_size(stream: BinaryIO, file_size: int) -> int | None:
    """Return where the last box of an MP4 ends (ISO/IEC 14496-12, 4.2)."""
    position = 0
    for _ in range(MAX_BOXES):
        stream.seek(position)
        header = stream.read(16)
        if len(header) < 8 or header[4:8] not in TOP_LEVEL_BOXES:
            break
        size = int.from_bytes(header[:4], "big")
        if size == 1:  # a size of 64 bits follows
            size = int.from_bytes(header[8:16], "big")
        if size == 0:  # up to the end of the file
            return None
        if size < 8:
            return None
        position += size
        if position >= file_size:
            break
    return position


def _read_matroska_size(stream: BinaryIO) -> int | None:
    """Return where the segment ends (RFC 8794, 4.4 and 5; RFC 9559)."""
    stream.seek(4)
    header_size = _read_vint(stream)
    if header_size is None:
        return None
    stream.seek(header_size, 1)
    if stream.read(4) != b"\x18\x53\x80\x67":
        return None
    size = _read_vint(stream)
    return None if size is None else stream.tell() + size


def _read_vint(stream: BinaryIO) -> int | None:
    """Read a number of variable length; None for an unknown size, or at the end of the file."""
    first = stream.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    data = bytes([first[0] & (0xFF >> length)]) + stream.read(length - 1)
    value = int.from_bytes(data, "big")
    return None if value == (1 << (7 * length)) - 1 else value
