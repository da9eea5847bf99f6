"""WebSocket frames on the wire."""

from downloads.fanout import frames
from downloads.fanout.frames import Frames


async def test_its_frames_are_those_of_rfc_6455():
    for size, header in [
        (5, b"\x81\x05"),
        (125, b"\x81\x7d"),
        (126, b"\x81\x7e\x00\x7e"),
        (65536, b"\x81\x7f" + bytes(5) + b"\x01\0\0"),
    ]:
        assert Frames(["x" * size]).wire_bytes == header + b"x" * size
    assert Frames(["é", "b"]).wire_bytes == b"\x81\x02\xc3\xa9\x81\x01b"
    assert frames.merge_batches([]) == []
