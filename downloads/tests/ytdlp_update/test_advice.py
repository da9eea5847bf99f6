"""Advice to update: for errors of extractors, and only with an old yt-dlp."""

import pytest

from downloads.tests.support.cases import each_case
from downloads.ytdlp.errors.error_messages import explain_error
from downloads.ytdlp_update import advice, selection
from downloads.ytdlp_update.selection import Selection

MAY_HELP = [
    ("[youtube] x: Unable to extract player response; please report this issue on https://example.org", "Youtube"),
    ("[youtube] x: Sign in to confirm you’re not a bot", "Youtube"),
    ("No video formats found!", ""),
    ("Requested format is not available", ""),
    ("Unsupported URL: https://example.org/", ""),
    ("[site] x: An extractor error has occurred. (caused by KeyError('a'))", ""),
    ("unable to download video data: HTTP Error 403: Forbidden", "Youtube"),
]
CANNOT_HELP = [
    ("[generic] Unable to download webpage: HTTP Error 404: Not Found", "Generic"),
    ("Unable to download webpage: HTTP Error 503: Service Unavailable", "Youtube"),
    ("unable to download video data: HTTP Error 403: Forbidden", "Generic"),
    ("unable to download video data: HTTP Error 403: Forbidden", "HTML5MediaEmbed"),
    ("unable to download video data: HTTP Error 403: Forbidden", "html5"),
    ("HTTP Error 502: ytarchive: unknown host name a.example", ""),
    ("The read operation timed out", "Youtube"),
    ("This video is DRM protected", "Youtube"),
    ("Private video. Sign in if you've been granted access", "Youtube"),
]


@each_case(("message", "extractor"), CANNOT_HELP)
def test_it_is_silent_about_other_errors(message, extractor):
    assert not advice.may_need_update(explain_error(message)[0], extractor)


@each_case(("message", "extractor"), MAY_HELP)
def test_it_helps_with_errors_of_extractors(message, extractor):
    assert advice.may_need_update(explain_error(message)[0], extractor)


@pytest.mark.parametrize(("age", "text"), [(30, ""), (31, "yt-dlp is 31 days old: update it.")])
def test_it_depends_on_the_age(monkeypatch, age, text):
    monkeypatch.setattr(selection.Selection, "age_days", age)
    monkeypatch.setattr(selection, "select_version_cached", lambda: Selection("2026.1.1", "1.0"))

    assert advice.update_advice("yt-dlp couldn’t download this video.", "") == text
    assert advice.update_advice("Not found (404).", "") == ""
