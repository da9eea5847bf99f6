"""Subtitles of a site: chosen, downloaded and converted by the real yt-dlp, or left out with a reason."""

import gzip

import pytest

from downloads.files import ffmpeg
from downloads.network.proxy import EgressProxy
from downloads.tests.support.media_server import Answer
from downloads.ytdlp import downloader, options, subtitle_client

SRT = "1\n00:00:00,500 --> 00:00:02,000\nGrüße aus Köln\n\n2\n00:00:03,000 --> 00:00:04,000\nEnde\n"
HTML = b"<!doctype html><html><body>Sign in</body></html>"
PAGE = '<!doctype html><title>x</title><video src="/named/x.mp4">{tracks}</video>'
NO_ENDING_OF_SUBTITLES = ["/subs.php?id=1", "/subs", "/a%20b.SRT", "/subs.mp4", "/subs.exe"]


@pytest.fixture
def page(media_server):
    """Return a function that serves a page with tracks, {language: path}, and returns its address."""

    def make(tracks):
        markup = "".join(f'<track kind="subtitles" srclang="{name}" src="{path}">' for name, path in tracks.items())
        media_server.answers["/film"] = Answer(PAGE.format(tracks=markup).encode(), "text/html")
        return media_server.url("/film")

    return make


@pytest.fixture
def fetch(tmp_path, private_hosts_allowed, monkeypatch):
    """Return a function that downloads a page, and returns {language: text} and what was left out."""

    monkeypatch.setenv("PATH", ffmpeg.build_search_path())
    monkeypatch.setattr(options, "_retry_delay", lambda n: 0.0)

    def run(url, languages):
        with EgressProxy() as proxy:
            probe = downloader.probe_url(url, tmp_path, proxy_url=proxy.url, subtitle_languages=languages)
            files = downloader.download_files(probe, lambda update: None, lambda: None)
        texts = {path.stem.partition(".")[2]: path.read_text("utf-8") for path in files.subtitle_files}
        return texts, files.subtitle_omissions

    return run


def test_a_web_page_in_the_place_of_subtitles_is_left_out_and_the_others_are_kept(page, fetch, media_server):
    media_server.answers["/de.srt"] = Answer(HTML, "application/x-subrip")
    media_server.answers["/en.srt"] = Answer(SRT.encode(), "application/x-subrip")
    texts, omissions = fetch(page({"de": "/de.srt", "en": "/en.srt"}), "de,en")
    assert omissions == ["Subtitles in German were left out: the site sent a web page instead."]
    assert "Grüße aus Köln" in texts["en"]
    assert list(texts) == ["en"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "text/plain; charset=windows-1252", "text/plain; charset=utf-8"]
)
def test_srt_in_windows_1252_loses_no_cue(page, fetch, media_server, content_type):
    media_server.answers["/de.srt"] = Answer(SRT.encode("windows-1252"), content_type)
    texts, omissions = fetch(page({"de": "/de.srt"}), "de")
    assert omissions == []
    assert texts["de"].count("-->") == 2
    assert "Grüße aus Köln" in texts["de"]


@pytest.mark.parametrize("name", ["en_US", "eng", "English", "EN", "en-GB", "en-orig"])
def test_tracks_are_matched_whatever_the_site_calls_the_language(page, fetch, media_server, name):
    media_server.answers["/a.srt"] = Answer(SRT.encode())
    texts, omissions = fetch(page({"xx": "/x.srt", "live_chat": "/x.srt", name: "/a.srt"}), "en")
    assert (len(texts), omissions) == (1, [])
    assert next(iter(texts)) in ("en", "en-US", "en-GB")


def test_the_best_match_is_taken_and_the_next_one_where_it_cannot_be_used(page, fetch, media_server):
    media_server.answers["/pt.srt"] = Answer(SRT.encode())
    media_server.answers["/br.srt"] = Answer(SRT.replace("Ende", "Fim").encode())
    url = page({"pt": "/pt.srt", "pt-BR": "/br.srt"})
    assert "Fim" in fetch(url, "pt-BR")[0]["pt-BR"]
    media_server.answers["/br.srt"] = Answer(HTML)
    texts, omissions = fetch(url, "pt-BR")
    assert "Ende" in texts["pt"]
    assert omissions == []


def test_two_tracks_of_one_language_do_not_overwrite_each_other(page, fetch, media_server):
    media_server.answers["/1.srt"] = Answer(SRT.encode())
    media_server.answers["/2.srt"] = Answer(SRT.replace("Ende", "End").encode())
    texts, omissions = fetch(page({"en": "/1.srt", "English": "/2.srt"}), "en,en-US")
    assert list(texts) == ["en"]
    assert "Ende" in texts["en"]
    assert omissions == []


@pytest.mark.parametrize("path", NO_ENDING_OF_SUBTITLES)
def test_the_ending_of_subtitles_does_not_matter(page, fetch, media_server, path):
    media_server.answers[path.partition("?")[0].replace("%20", " ")] = Answer(SRT.encode("utf-16"), "text/html")
    texts, omissions = fetch(page({"de": path}), "de")
    assert omissions == []
    assert "Grüße aus Köln" in texts["de"]


@pytest.mark.parametrize("headers", [{"Content-Encoding": "gzip"}, {}])
def test_compressed_subtitles_are_unpacked(page, fetch, media_server, headers):
    media_server.answers["/de.srt"] = Answer(gzip.compress(SRT.encode()), headers=headers)
    assert "Grüße aus Köln" in fetch(page({"de": "/de.srt"}), "de")[0]["de"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, "not found (404)"),
        (403, "the site refused (403)"),
        (500, "the site answered with an error (500)"),
    ],
)
def test_an_error_of_the_site_is_told(page, fetch, media_server, status, reason):
    media_server.answers["/fr.vtt"] = Answer(b"", status=status)
    media_server.answers["/de.srt"] = Answer(SRT.encode())
    texts, omissions = fetch(page({"fr": "/fr.vtt", "de": "/de.srt"}), "fr,de")
    assert omissions == [f"Subtitles in French were left out: {reason}."]
    assert list(texts) == ["de"]


def test_subtitles_that_are_cut_off_are_told(page, fetch, media_server):
    media_server.answers["/de.srt"] = Answer(SRT.encode(), headers={"Content-Length": "5000"})
    assert fetch(page({"de": "/de.srt"}), "de") == (
        {},
        ["Subtitles in German were left out: the connection was cut."],
    )


def test_a_site_that_does_not_answer_is_asked_a_few_times_only(page, fetch, media_server, monkeypatch):
    monkeypatch.setattr(subtitle_client, "TIMEOUT_SECONDS", 0.3)
    url = page({name: f"/mute/{name}" for name in ("de", "en", "fr", "es", "it")})
    texts, omissions = fetch(url, "de,en,fr,es,it")
    assert texts == {}
    assert len(omissions) == 5
    assert {omission.partition(": ")[2] for omission in omissions} == {"the site did not answer in time."}
    media_server.wait_for_requests("/mute/", subtitle_client.MAX_TRANSPORT_ERRORS)
    assert media_server.count_requests("/mute/") == subtitle_client.MAX_TRANSPORT_ERRORS
    media_server.released.set()


def test_an_address_that_may_not_be_reached_is_told(page, fetch, media_server):
    texts, omissions = fetch(page({"de": "http://169.254.169.254/de.srt"}), "de")
    assert texts == {}
    reason = "169.254.169.254 is the metadata address of a cloud, which downloads may not reach."
    assert omissions == [f"Subtitles in German were left out: {reason}"]


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252", "utf-16"])
def test_segments_of_hls_keep_their_words(fetch, media_server, charset):
    segment = "WEBVTT\n\n00:00:0{0}.000 --> 00:00:0{0}.500\nGrüße {0}\n"
    for number in range(3):
        media_server.answers[f"/s/{number}.vtt"] = Answer(segment.format(number).encode(charset), "text/vtt")
    texts, omissions = fetch(serve_hls(media_server, ["0.vtt", "1.vtt", "2.vtt"]), "de")
    assert omissions == []
    assert [f"Grüße {number}" in texts["de"] for number in range(3)] == [True] * 3


@pytest.mark.parametrize(
    "broken", [HTML, b"1\n00:00:01,000 --> 00:00:02,000\nHallo\n", b"WEBVTT\n\n0:1 --> 0:2\nHallo\n"]
)
def test_a_broken_segment_of_hls_fails_nothing(fetch, media_server, broken):
    media_server.answers["/s/0.vtt"] = Answer(b"WEBVTT\n\n00:00.000 --> 00:01.000\nEins\n")
    media_server.answers["/s/1.vtt"] = Answer(broken)
    texts, omissions = fetch(serve_hls(media_server, ["0.vtt", "1.vtt"]), "de")
    if broken == HTML:
        assert omissions == ["Subtitles in German were left out: the site sent a web page instead."]
    else:
        assert omissions == []
        assert "Eins" in texts["de"]
        assert "Hallo" in texts["de"]


def serve_hls(media_server, segments):
    """Serve a stream with subtitles in German in pieces, and return its address."""
    kind = "application/vnd.apple.mpegurl"
    track = '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="t",NAME="German",LANGUAGE="ger",URI="/s/de.m3u8"\n'
    stream = '#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=320x240,SUBTITLES="t"\n/hls/index.m3u8\n'
    pieces = "".join(f"#EXTINF:1,\n{segment}\n" for segment in segments)
    media_server.answers["/s/index.m3u8"] = Answer(f"#EXTM3U\n{track}{stream}".encode(), kind)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n{pieces}#EXT-X-ENDLIST\n"
    media_server.answers["/s/de.m3u8"] = Answer(playlist.encode(), kind)
    return media_server.url("/s/index.m3u8")
