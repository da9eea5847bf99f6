"""Regular expressions of people: what is refused in words, and that none takes long."""

import time

import pytest

from downloads.subscriptions.patterns import InvalidPattern, check_pattern, is_match
from downloads.tests.support.cases import each_case


@each_case(
    ("pattern", "words"),
    [
        ("(", "isn’t a regular expression"),
        ("[z-a]", "isn’t a regular expression"),
        ("*", "isn’t a regular expression"),
        (r"(a)\1", "not supported"),
        ("(?=a)b", "not supported"),
        ("(?<!a)b", "not supported"),
        ("a" * 201, "too long"),
        ("a\x00b", "characters that no title has"),
        ("\ud800", "characters that no title has"),
        ("((a{100}){100}){100}", "too much at once"),
        (r"((\pL{9}){9}\pN{9}){9}", "too much at once"),
    ],
)
def test_it_refuses_what_is_none_with_a_sentence(pattern, words):
    with pytest.raises(InvalidPattern, match=words):
        check_pattern(pattern)
    with pytest.raises(InvalidPattern):
        is_match(pattern, "title")


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|aa)*b", r".*.*.*.*.*.*=", r"(.*a){20}="])
def test_it_matches_in_time_linear_in_the_title(pattern):
    started = time.process_time()
    assert not is_match(pattern, "a" * 499 + "é!" + "b" * 10_000)
    assert time.process_time() - started < 0.5  # Python's own re would need years


@each_case(
    ("pattern", "title", "matches"),
    [
        ("live", "Ada LIVE in Paris", True),
        ("ÜBER", "über alles", True),
        (r"#\d+", "Episode #12", True),
        ("^ada", "Ada", True),
        (r"\bada\b", "Adagio", False),
        ("", "anything", True),
        ("x", "\ud800x", True),
    ],
)
def test_it_searches_in_capitals_or_not(pattern, title, matches):
    assert is_match(pattern, title) is matches
