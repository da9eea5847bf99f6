"""Media types of files."""

import pytest

from downloads.files import media_types


@pytest.mark.parametrize("kind", ["html", "svg", "js", "xml", "mhtml", "swf", "exe", "m3u8", ""])
def test_it_takes_no_file_that_a_browser_would_run(tmp_path, kind):
    assert media_types.media_extension(tmp_path / f"media.{kind}") is None


def test_it_knows_media_by_their_ending(tmp_path):
    assert media_types.media_extension(tmp_path / "media.MP4") == "mp4"


@pytest.mark.parametrize(
    ("start", "kind"),
    [
        (b"\xff\xd8\xff\xe0 jpeg", "jpg"),
        (b"\x89PNG\r\n\x1a\n rest", "png"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", None),
        (b"<html><script>", None),
        (b"", None),
    ],
)
def test_it_believes_a_picture_by_its_bytes(tmp_path, start, kind):
    (tmp_path / "media.jpg").write_bytes(start)
    assert media_types.thumbnail_extension(tmp_path / "media.jpg") == kind
