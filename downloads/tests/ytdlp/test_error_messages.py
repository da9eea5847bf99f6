"""Messages made of yt-dlp's errors."""

import time

import pytest

from downloads.tests.support.cases import each_case
from downloads.ytdlp import results
from downloads.ytdlp.errors import error_messages


@each_case(
    ("message", "expected_text", "permanent"),
    [
        ("ERROR: [x] y: This video is DRM protected", "copy-protected", True),
        ("The uploader has not made this video available in your country", "in your country", True),
        ("ERROR: [youtube] a: Private video. Sign in if you've been granted access", "This video is private", True),
        ("ERROR: [youtube] a: Video unavailable", "no longer available", True),
        ("Requested format is not available. Use --list-formats for a list", "No downloadable format", True),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "certificate", True),
        ("('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))", "connection dropped", False),
        ("ERROR: [youtube] a: Sign in to confirm you're not a bot", "this is a bot", False),
        ("ERROR: [youtube] a: This live event will begin in 3 hours.", "a premiere", True),
        ("something nobody has seen before", "couldn’t download", False),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", "secure connection (TLS)", False),
        ("ERROR: Postprocessing: Error opening output files: Invalid data found", "The file is damaged", False),
        ("ERROR: Postprocessing: frame=  100 fps=0.0", "ffmpeg stopped", False),
        ("[download] Got error: Downloaded 5 bytes, expected 9 bytes", "connection dropped", False),
        (
            "Unable to download webpage: No connection adapters were found for 'file:///etc/passwd'",
            "isn’t http or https",
            True,
        ),
        ("file:// URLs are disabled by default in yt-dlp for security reasons", "isn’t http or https", True),
        ('Unable to handle request: Unsupported url scheme: "rtmp" (requests, urllib)', "isn’t http or https", True),
        ("HTTP Error 400: ytarchive: this is no request for an http or https address", "isn’t http or https", True),
        ("ERROR: Did not get any data blocks", "sent nothing", False),
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
    assert text == "yt-dlp couldn’t download this video.\nUnable to download webpage: HTTP Error 418: Teapot"


def test_it_leaves_out_the_exception():
    cause = "HTTPConnectionPool(host='a.example', port=80): Read timed out. (read timeout=20.0)"
    text, _ = error_messages.explain_error(
        f'ERROR: Unable to download webpage: {cause} (caused by TransportError("x"))'
    )
    assert text.endswith(f"Unable to download webpage: {cause}")


def test_it_says_that_a_site_has_changed():
    text, permanent = error_messages.explain_error(
        "ERROR: [Vimeo] 1: Unable to extract config; please report this issue on x", extractor="extractor “Vimeo”"
    )
    assert text == (
        "yt-dlp can’t read this page: the site has changed, or yt-dlp’s extractor “Vimeo” has a bug. Update yt-dlp, "
        "then retry.\nUnable to extract config"
    )
    assert not permanent


@each_case(
    ("message", "is_transient"),
    [
        ("HTTP Error 503: Busy", True),
        ("HTTP Error 429: Too many", True),
        ("The read operation timed out", True),
        ("[Errno 111] Connection refused", True),
        ("502 ytarchive: example.org cannot be reached", True),
        ("502 ytarchive: unknown host name a.example", False),
        ("502 ytarchive: the host name a.example cannot be looked up now", True),
        ("HTTP Error 418: Teapot", False),
        ("Conversion failed!", False),
        ("[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] sslv3 alert handshake failure", False),
    ],
)
def test_it_knows_which_errors_are_transient(message, is_transient):
    text, permanent = error_messages.explain_error(message)
    assert not permanent
    assert error_messages.is_transient(text) == is_transient


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Unable to fetch https://a.example/x?token=1", "Unable to fetch https://a.example/x?token=2", True),
        ("Bytes 0-99 of a file", "Bytes 100-199 of a file", True),
        ("No video", "No audio", False),
        ("No video", "", False),
    ],
)
def test_it_compares_errors_without_what_varies(one, other, same):
    assert error_messages.is_same_error(one, other) == same


@each_case("text", ["x ", " ", "a", "1", "ERROR: ", "[a] ", "(caused by ", "; ", "ytarchive: ", "\x1b[", "n't "])
def test_a_site_may_say_megabytes(text):
    started_at = time.process_time()
    message, _ = error_messages.explain_error("Unable to fetch: " + text * (10_000_000 // len(text)))
    assert error_messages.is_same_error(message, message)
    assert time.process_time() - started_at < 0.3
    assert len(message) < 1000


def test_no_error_is_longer_than_a_row_shows():
    assert len(str(results.DownloadError("x" * 10_000_000, True))) == results.MAX_ERROR_CHARACTERS
