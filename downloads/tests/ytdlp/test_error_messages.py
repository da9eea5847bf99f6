"""Messages made of yt-dlp's errors."""

import pytest

from downloads.ytdlp import error_messages


@pytest.mark.parametrize(
    ("message", "expected_text", "permanent"),
    [
        ("ERROR: [x] y: This video is DRM protected", "protected against copying", True),
        ("The uploader has not made this video available in your country", "in this country", True),
        ("ERROR: [youtube] a: Private video. Sign in if you've been granted access", "certain people", True),
        ("ERROR: [youtube] a: Video unavailable", "no longer there", True),
        ("Requested format is not available. Use --list-formats for a list", "no format", True),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "certificate", True),
        ("('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", "was cut", False),
        ("ERROR: [youtube] a: Sign in to confirm you're not a bot", "for a robot", False),
        ("ERROR: [youtube] a: This live event will begin in 3 hours.", "a premiere", True),
        ("something nobody has seen before", "could not fetch", False),
    ],
)
def test_it_has_words_for_what_sites_say(message, expected_text, permanent):
    explanation = error_messages.explain_error(message)
    assert expected_text in explanation[0]
    assert explanation[1] == permanent


def test_it_leaves_out_advice_for_the_command_line():
    text, _ = error_messages.explain_error(
        "ERROR: [generic] a: Unable to download webpage: HTTP Error 418: Teapot (caused by <HTTPError 418: Teapot>); "
        "please report this issue on https://example.org"
    )
    assert text == "yt-dlp could not fetch this video.\nUnable to download webpage: HTTP Error 418: Teapot"
