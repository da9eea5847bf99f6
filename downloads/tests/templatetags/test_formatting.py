"""Formatting of numbers, durations, URLs and texts."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from downloads import formatting
from downloads.templatetags import video_format

FORMAT_CASES = json.loads((Path(__file__).parents[1] / "support" / "formats.json").read_text())


@pytest.mark.parametrize(
    ("url", "short"),
    [
        ("https://www.example.org/", "example.org"),
        ("http://example.org/watch?v=1", "example.org/watch?v=1"),
        ("http://example.org/Big%20Buck.mp4", "example.org/Big Buck.mp4"),
        ("http://example.org/%00%E2%80%AE", "example.org/%00%E2%80%AE"),
        ("http://example.org/%ff", "example.org/%ff"),
        (f"http://example.org/{'x/' * 50}clip.mp4", f"example.org/…{'/x' * 20}/clip.mp4"),
        (f"http://example.org/{'x' * 50}/clip.mp4", "example.org/…/clip.mp4"),
        (f"http://{'a.' * 60}org/{'b' * 80}", f"…{'.a' * 13}.org/…{'b' * 29}"),
    ],
)
def test_it_says_an_address_as_people_do(url, short):
    assert formatting.short_url(url) == short
    assert len(short) <= formatting.MAX_SHORT_URL_LENGTH + 2


@pytest.mark.parametrize(
    ("seconds", "formatted"),
    [(-1, "0 s"), (0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min"), (3599, "1 h 0 min"), (86400 * 2.5, "2 days")],
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
