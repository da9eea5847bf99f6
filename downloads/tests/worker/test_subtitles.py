"""Subtitles of a real attempt: stored by language, and what is left out stands in the history."""

import pytest

from downloads.models import Status
from downloads.tests.support.media_server import Answer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("child_environment", "static_files"),
]

SRT = "1\n00:00:00,500 --> 00:00:02,000\nGrüße aus Köln\n"
TRACK = '<track kind="subtitles" srclang="{0}" src="/{0}.srt">'
HTML = b"<!doctype html><html><body>Sign in</body></html>"


@pytest.fixture
def page(media_server):
    tracks = "".join(map(TRACK.format, ("de", "en_US", "fr")))
    markup = f'<!doctype html><title>x</title><video src="/named/x.mp4">{tracks}</video>'
    media_server.answers["/film"] = Answer(markup.encode(), "text/html")
    media_server.answers["/de.srt"] = Answer(HTML, "application/x-subrip")
    media_server.answers["/en_US.srt"] = Answer(SRT.encode("windows-1252"), "application/x-subrip")
    return media_server.url("/film")


def test_a_web_page_for_an_srt_fails_no_video_and_is_told_on_its_page(download, page, client, settings):
    video = download(page, subtitle_languages="de,en,fr")
    assert (video.status, video.error, video.retry_count) == (Status.COMPLETE, "", 0)
    assert video.subtitle_files == [{"language": "en-US", "file": f"{video.video_id}/x (1).en-US.vtt"}]
    assert "Grüße aus Köln" in (settings.MEDIA_ROOT / video.subtitle_files[0]["file"]).read_text("utf-8")
    reasons = [event.reason for event in video.events.all()]
    german = "Subtitles in German were left out: the site sent a web page instead."
    french = "Subtitles in French were left out: not found (404)."
    assert reasons == ["Added", "Started", "Found", "Fetched", german, french, "Filed"]
    html = client.get(video.get_absolute_url()).content.decode()
    assert german in html
    assert f"/media/{video.video_id}/tracks/en-US.vtt" in html
    assert "English (en-US)" in html


def test_the_setting_of_an_archive_counts_where_a_video_has_none(download, page, settings):
    settings.SUBTITLES = "en"
    video = download(page)
    assert [entry["language"] for entry in video.subtitle_files] == ["en-US"]
    assert [event.reason for event in video.events.all()][-1] == "Filed"
