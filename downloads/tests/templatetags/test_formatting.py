"""Formatting of numbers, durations, URLs and texts."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from downloads import formatting
from downloads.models import Video
from downloads.network import short_urls
from downloads.templatetags import video_format
from downloads.tests.support.cases import each_case

FORMAT_CASES = json.loads((Path(__file__).parents[1] / "support" / "formats.json").read_text())


def test_it_puts_spaces_for_what_a_terminal_would_obey():
    assert formatting.printable_text("Übung\x1b[31m\u202e\n") == "Übung [31m  "


@each_case(
    ("url", "short"),
    [
        ("https://www.example.org/", "example.org"),
        ("http://example.org/watch?v=1", "example.org/watch?v=1"),
        ("http://example.org/Big%20Buck.mp4", "example.org/Big Buck.mp4"),
        ("http://example.org/%00%E2%80%AE", "example.org/%00%E2%80%AE"),
        ("http://example.org/%ff", "example.org/%ff"),
        (f"http://example.org/{'x/' * 50}clip.mp4", f"example.org/…{'/x' * 20}/clip.mp4"),
        (f"http://example.org/{'x' * 50}/clip.mp4", "example.org/…/clip.mp4"),
        (f"http://example.org/{'x' * 30}-a-film-of-words.mp4?list=abc", "example.org/…a-film-of-words.mp4?list=abc"),
        (f"http://{'a.' * 60}org/{'b' * 80}", f"…{'.a' * 13}.org/…{'b' * 29}"),
    ],
)
def test_it_says_an_address_as_people_do(url, short):
    assert formatting.short_url(url) == short
    assert len(short) <= short_urls.MAX_SHORT_URL_LENGTH + 2


@each_case(
    ("seconds", "formatted"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (3599, "1 h"),
        (4320, "1 h 12 min"),
        (86400 * 2.5, "2 days"),
    ],
)
def test_it_says_how_long_something_took(seconds, formatted):
    assert formatting.format_timespan(seconds) == formatted


def test_it_writes_numbers_as_the_script_does():
    for count, text in FORMAT_CASES["size"]:
        assert formatting.format_bytes(count) == text
    for done, total, text in FORMAT_CASES["amount"]:
        assert formatting.format_downloaded(SimpleNamespace(downloaded_bytes=done, total_bytes=total)) == text
    for number, text in FORMAT_CASES["percent"]:
        assert video_format.format_percent(SimpleNamespace(percent=number)) == text


@pytest.mark.parametrize(("seconds", "text"), [(None, ""), (0, "0:00"), (724, "12:04"), (3729.4, "1:02:09")])
def test_it_writes_durations_as_players_do(seconds, text):
    assert formatting.format_duration(seconds) == text


def test_it_cuts_long_texts_only():
    assert [formatting.truncate_text(text, 4) for text in ("", "abcd", "abcde")] == ["", "abcd", "abc…"]


class TestMediaFacts:
    """What is in a file, in a few characters."""

    @each_case(
        ("width", "height", "label"),
        [
            (7680, 4320, "8K"),
            (3840, 2160, "4K"),
            (4096, 2160, "4K"),
            (3840, 1600, "4K"),
            (2160, 3840, "4K"),
            (2560, 1440, "1440p"),
            (1920, 1080, "1080p"),
            (1920, 800, "1080p"),
            (1080, 1920, "1080p"),
            (1904, 1072, "1080p"),
            (1440, 1080, "1080p"),
            (1280, 720, "720p"),
            (1024, 576, "576p"),
            (640, 480, "480p"),
            (320, 240, "240p"),
            (100, 50, "50p"),
            (1, 1, "1p"),
            (None, 1080, ""),
            (1920, None, ""),
            (None, None, ""),
        ],
    )
    def test_it_names_the_resolution(self, width, height, label):
        assert formatting.resolution_label(Video(width=width, height=height)) == label

    @pytest.mark.parametrize(
        ("video_codec", "audio_codec", "label"),
        [("h264", "aac", "h264/aac"), ("", "opus", "opus"), ("vp9", "", "vp9"), (None, None, "")],
    )
    def test_it_names_the_codecs(self, video_codec, audio_codec, label):
        assert formatting.codec_label(Video(video_codec=video_codec, audio_codec=audio_codec)) == label
