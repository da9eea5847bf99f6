"""Text extraction from WebVTT files."""

from downloads.subtitles import webvtt
from downloads.tests.support.subtitles import SAMPLE_WEBVTT


def test_it_reads_each_line_of_subtitles_once(tmp_path):
    (tmp_path / "a.vtt").write_text(SAMPLE_WEBVTT)
    assert list(webvtt.iter_caption_lines([tmp_path / "a.vtt", tmp_path / "gone.vtt"])) == [
        "Hello zebra & friends",
        "of the savanna",
    ]
