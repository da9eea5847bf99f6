"""Rendering of video descriptions on pages."""

import re
import time

import pytest

from downloads.templatetags import description

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.mark.parametrize("text", ["short", "a line\n" * 12, "x" * 960])
def test_it_folds_no_short_description(text):
    assert description.fold_class(text) != "folded"


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("0:00 Intro\n1:23 Middle (12:04)", [("0", "0:00"), ("83", "1:23"), ("724", "12:04")]),
        ("at 01:02:03", []),
        ("12:05 is behind the end, 1:99 and 1:2 are none, nor 1:23:4 nor a1:23", []),
        ("http://example.org/1:23", []),
        ("\u0661:23", []),
    ],
)
def test_it_leads_to_the_times_of_a_film_that_it_names(text, links):
    assert re.findall(r'<a href="\?t=(\d+)">(.*?)</a>', description.linkify_description(text, 724.0)) == links
    assert "?t=" not in description.linkify_description(text)


@pytest.mark.parametrize("piece", ["0:00 ", "a@", "((((", "http://", "1:", "www.a.com)", "&lt", "\n"])
def test_any_description_is_parsed_in_bounded_time(piece):
    began = time.process_time()
    description.fold_class(piece * 20_000)
    description.linkify_description(piece * 20_000, 10.0)
    assert time.process_time() - began < 3
