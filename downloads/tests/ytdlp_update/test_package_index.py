"""Downloads by pip: what may be asked for, and each of pip's failures as a sentence."""

import pytest

from downloads.tests.support.cases import each_case
from downloads.ytdlp_update import package_index
from downloads.ytdlp_update.package_index import NotInIndex


@pytest.mark.parametrize("requirement", [
    "", "django", "yt-dlp==1", "yt-dlp --index-url=http://a.example", "yt-dlp-ejs==1; print()", "-r x", "yt-dlp[x]",
    "yt-dlp\ndjango", "yt-dlp-ejs==1\n",
])  # fmt: skip
def test_it_downloads_nothing_else(tmp_path, requirement):
    with pytest.raises(ValueError, match="may not be downloaded"):
        package_index.download_wheel(requirement, tmp_path / "wheels")
    assert not list(tmp_path.iterdir())


@each_case(("output", "log", "message"), [
    ("/usr/bin/python3: No module named pip", "", "pip is not installed"),
    ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device\n", "", "disk is full"),
    ("", "Could not fetch URL https://a.example/: There was a problem confirming the ssl certificate", "PIP_CERT"),
    ("", "Could not fetch URL https://a.example/: 401 Client Error: Unauthorized", "wants a sign-in"),
    ("", "Could not fetch URL https://a.example/: 503 Server Error", "cannot be reached"),
    ("", "Could not fetch URL https://a.example/: connection error: x", "cannot be reached"),
    ("WARNING: x\nERROR: Hashes are required in --require-hashes mode\n", "", "Hashes are required"),
    ("", "", "pip failed without a word"),
])  # fmt: skip
def test_it_explains_a_failure(output, log, message):
    assert message in str(package_index._explain_failure("yt-dlp", output, log))


def test_it_tells_a_missing_version_from_the_rest():
    errors = "ERROR: Could not find a version that satisfies the requirement yt-dlp-ejs==9 (from versions: none)"

    failure = package_index._explain_failure(
        "yt-dlp-ejs==9", errors, "Could not fetch URL https://a.example: 404 Client"
    )

    assert isinstance(failure, NotInIndex)
