"""Sizes that files declare: those of whole files are right, and a cut one has less."""

import pytest

from downloads.files.declared_size import read_declared_size
from downloads.tests.support.clips import unique_clip
from downloads.tests.support.containers import make_audio, make_video


@pytest.mark.parametrize("muxer", ["mp4", "mov", "matroska", "webm", "avi", "ismv", "f4v"])
def test_a_whole_file_has_what_it_declares(tmp_path, muxer):
    path = make_video(tmp_path / "x", muxer)
    assert read_declared_size(path) in (path.stat().st_size, None)
    assert read_declared_size(path) or muxer == "mov"  # QuickTime may have no brand
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    assert (read_declared_size(path) or len(data)) > len(data) // 2


@pytest.mark.parametrize("muxer", ["wav", "ipod"])
def test_a_whole_file_of_sound_has_what_it_declares(tmp_path, muxer):
    path = make_audio(tmp_path / "x", muxer)
    assert read_declared_size(path) == path.stat().st_size


def test_a_box_at_the_end_counts(session_media_server, tmp_path):
    (tmp_path / "x").write_bytes(unique_clip(session_media_server.clip, 1))
    assert read_declared_size(tmp_path / "x") == (tmp_path / "x").stat().st_size


@pytest.mark.parametrize("rest", [b"<html>Error</html>" * 99, b"\0\0", bytes(99)])
def test_what_stands_behind_the_last_box_is_no_box(session_media_server, tmp_path, rest):
    (tmp_path / "x").write_bytes(session_media_server.clip + rest)
    assert (read_declared_size(tmp_path / "x") or 0) <= len(session_media_server.clip + rest)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"RIFF\xff\xff\xff\x7fWAVE",
        b"OggS",
        b"RIFF\xff\xff\xff\xffWAVE",
        b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\0mdat" + bytes(50),
        b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + bytes(50),
        b"\x1a\x45\xdf\xa3",
        b"\x1a\x45\xdf\xa3\0",
        b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\1mdat\0\0\0\0\0\0\0\2",
    ],
)
def test_a_file_that_does_not_say_it_has_none(tmp_path, data):
    (tmp_path / "x").write_bytes(data)
    assert read_declared_size(tmp_path / "x") is None
