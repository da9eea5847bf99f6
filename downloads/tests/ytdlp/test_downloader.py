"""Downloads by yt-dlp through the egress proxy: real yt-dlp, a real server, real clips."""

import contextlib
import json
import os
import threading

import pytest
from yt_dlp.postprocessor.ffmpeg import FFmpegPostProcessor

from downloads.files import ffmpeg
from downloads.network.proxy import EgressProxy
from downloads.tests.support import media_server as media_server_module
from downloads.ytdlp import downloader, results, resuming_client

pytestmark = pytest.mark.usefixtures("ytdlp_environment")

CLOUD_METADATA_URL = "http://169.254.169.254/latest/meta-data"


@pytest.fixture
def proxy_url():
    with EgressProxy() as proxy:
        yield proxy.url


@pytest.fixture
def probe_and_fetch(tmp_path, proxy_url):
    """Look a URL up and download it; return the look-up's result, the files, and the progress updates."""

    def run(url, **options):
        probed = downloader.probe_url(url, tmp_path, proxy_url=proxy_url, **options)
        updates = []
        return probed, downloader.download_files(probed, updates.append, lambda: updates.append("merging")), updates

    return run


@pytest.mark.parametrize("path", ["/slow/clip.mp4?rate=20000", "/page/Hello", "/missing.mp4"])
def test_a_look_up_leaves_no_response_open(tmp_path, proxy_url, media_server, monkeypatch, path):
    responses = []
    limit_response = resuming_client._limit_response
    monkeypatch.setattr(
        resuming_client, "_limit_response", lambda *args: responses.append(limit_response(*args)) or responses[-1]
    )
    with contextlib.suppress(results.DownloadError):
        downloader.probe_url(media_server.url(path), tmp_path, proxy_url=proxy_url)
    assert all(response.closed for response in responses)
    assert responses or path == "/missing.mp4"


@pytest.mark.parametrize("path", ["/clip.mp4", "/page/Hello", "/nolength.mp4", "/redirect?to=/clip.mp4"])
def test_it_keeps_a_single_file_byte_for_byte(probe_and_fetch, media_server, path):
    probed, fetched, updates = probe_and_fetch(media_server.url(path))
    assert fetched.media.read_bytes() == media_server.clip
    assert "merging" not in updates
    assert updates[-1].is_finished
    assert updates[-1].downloaded_bytes == len(media_server.clip)
    assert [stream.kind for stream in probed.streams] == ["video"]


def test_it_keeps_description_and_picture_beside(probe_and_fetch, media_server):
    probed, fetched, _ = probe_and_fetch(media_server.url("/page/Hello"))
    assert probed.info["title"].startswith("Hello")
    assert fetched.thumbnail.read_bytes() == (media_server.folder / "thumb.jpg").read_bytes()
    assert json.loads(fetched.info_json.read_text())["title"].startswith("Hello")


@pytest.mark.parametrize(
    ("prefix", "name"),
    [
        *(("/named/", "clip.exe"), ("/named/", "clip.x" * 30), ("/page/x?src=/named/", "clip.mp40")),
        *(
            pytest.param(prefix, name, marks=pytest.mark.soak)
            for prefix in ("/named/", "/page/x?src=/named/")
            for name in ("clip.mp40", "clip.exe", "clip.php", "clip.MP4", "clip.bin", "clip.x" * 30)
        ),
    ],
)
def test_an_address_may_end_in_any_way(probe_and_fetch, media_server, prefix, name):
    _, fetched, _ = probe_and_fetch(media_server.url(f"{prefix}{name}"))
    assert fetched.media.read_bytes() == media_server.clip
    assert fetched.media.suffix.lower() in (".mp4", ".unknown_video")


def test_the_address_of_a_picture_may_end_in_any_way(probe_and_fetch, media_server, monkeypatch):
    template = media_server_module.PAGE_TEMPLATE.replace("/thumb.jpg", "/redirect.php?to=/thumb.jpg")
    monkeypatch.setattr(media_server_module, "PAGE_TEMPLATE", template)
    _, fetched, _ = probe_and_fetch(media_server.url("/page/Hello"))
    assert fetched.media.read_bytes() == media_server.clip
    assert fetched.thumbnail.read_bytes() == (media_server.folder / "thumb.jpg").read_bytes()


def test_it_fetches_hls_by_itself_and_makes_it_playable(probe_and_fetch, media_server):
    _, fetched, updates = probe_and_fetch(media_server.url("/hls/index.m3u8"))
    segments = [path for _, path, _ in media_server.requests if path.endswith(".ts")]
    assert sorted(segments) == [f"/hls/index{n}.ts" for n in range(6)]
    assert fetched.media.read_bytes()[4:8] == b"ftyp"
    assert ffmpeg.validation_error(fetched.media) == ""
    assert {update.fragment_count for update in updates if update != "merging"} >= {6}
    assert updates[-1] == "merging"


def test_it_merges_picture_and_sound(probe_and_fetch, media_server):
    probed, fetched, updates = probe_and_fetch(media_server.url("/separate/index.m3u8"))
    assert [stream.kind for stream in probed.streams] == ["video", "audio"]
    assert {update.stream_index for update in updates if update != "merging"} == {0, 1}
    assert updates[-1] == "merging"
    assert ffmpeg.validation_error(fetched.media) == ""


def test_it_fetches_sound_alone(probe_and_fetch, media_server):
    probed, _, _ = probe_and_fetch(media_server.url("/separate/index.m3u8"), quality="audio")
    assert [stream.kind for stream in probed.streams] == ["audio"]


@pytest.mark.parametrize(
    "quality", ["720p", "audio", *(pytest.param(name, marks=pytest.mark.soak) for name in ("best", "1080p", "480p"))]
)
def test_it_knows_each_quality(probe_and_fetch, media_server, quality):
    assert probe_and_fetch(media_server.url("/clip.mp4"), quality=quality)[1].media.read_bytes() == media_server.clip


@pytest.mark.parametrize(
    ("path", "expected_text", "permanent"),
    [
        ("/missing.mp4", "Not found (404)", True),
        ("/private.mp4", "The site refused (403)", True),
        ("/error.mp4", "has a problem (500)", False),
        ("/busy.mp4", "Too many requests (429)", False),
        ("/cut/a.mp4", "The connection dropped", False),
        ("/hls/index0.txt", "Not found (404)", True),
        ("/page/x?src=/missing.mp4", "Not found (404)", True),
        ("/playlist?segment=/missing.ts", "Not found (404)", True),
        ("/playlist?live=1", "a live stream", True),
        ("/redirect?to=/redirect?to=/redirect", "", False),
    ],
)
def test_it_explains_what_went_wrong(probe_and_fetch, media_server, path, expected_text, permanent):
    with pytest.raises(results.DownloadError) as caught:
        probe_and_fetch(media_server.url(path))
    assert expected_text in str(caught.value)
    if expected_text:
        assert caught.value.permanent == permanent


def test_it_says_that_a_page_has_no_video(probe_and_fetch, media_server, monkeypatch):
    monkeypatch.setattr(
        "downloads.tests.support.media_server.PAGE_TEMPLATE", "<!doctype html><title>{title}</title>No {source}"
    )
    with pytest.raises(results.DownloadError, match="No video found on this page") as caught:
        probe_and_fetch(media_server.url("/page/empty"))
    assert caught.value.permanent


def test_it_gives_up_a_server_that_hangs(probe_and_fetch, media_server, monkeypatch):
    build_options = downloader.build_options
    short_timeouts = {"socket_timeout": 0.5, "retries": 0, "extractor_retries": 0}
    monkeypatch.setattr(downloader, "build_options", lambda *args: {**build_options(*args), **short_timeouts})
    with pytest.raises(results.DownloadError, match="didn’t answer in time"):
        probe_and_fetch(media_server.url("/hang/a.mp4"))


def test_it_says_that_a_name_is_unknown(probe_and_fetch):
    with pytest.raises(results.DownloadError, match=r"There’s no site called no.such.host.invalid"):
        probe_and_fetch("http://no.such.host.invalid/clip.mp4")


@pytest.mark.parametrize(
    "path",
    [
        f"/redirect?to={CLOUD_METADATA_URL}/a.mp4",
        f"/page/x?src={CLOUD_METADATA_URL}/a.mp4",
        f"/playlist?segment={CLOUD_METADATA_URL}/a.ts",
    ],
)
def test_it_is_led_to_no_forbidden_address(probe_and_fetch, media_server, path):
    with pytest.raises(results.DownloadError, match=r"^169.254.169.254 is the metadata address") as caught:
        probe_and_fetch(media_server.url(path))
    assert caught.value.permanent


@pytest.mark.parametrize("segment", ["file:///etc/passwd", "ftp://127.0.0.1/x.ts", "ws://127.0.0.1/x"])
def test_it_fetches_by_http_only(probe_and_fetch, media_server, segment):
    with pytest.raises(results.DownloadError):
        probe_and_fetch(media_server.url(f"/playlist?segment={segment}"))


@pytest.mark.parametrize("text", ["--exec=touch owned", "-v", "file:///etc/hosts", "ytsearch1:x", ":ythistory"])
def test_it_takes_no_option_for_an_address(probe_and_fetch, tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(results.DownloadError):
        probe_and_fetch(text)
    assert sorted(path.name for path in tmp_path.iterdir()) == []


def test_it_goes_through_the_proxy_whatever_the_environment_says(probe_and_fetch, media_server, monkeypatch, settings):
    settings.ALLOW_PRIVATE_HOSTS = False
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(results.DownloadError, match=r"127.0.0.1 is this machine itself"):
        probe_and_fetch(media_server.url("/clip.mp4"))
    assert media_server.requests == []


def test_it_says_that_ffmpeg_is_missing(probe_and_fetch, media_server, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    # Looked for once per process; a download has a process of its own.
    monkeypatch.setattr(FFmpegPostProcessor, "_version_cache", {"ffmpeg": False, "ffprobe": False})
    with pytest.raises(results.DownloadError, match="and ffmpeg, which joins them, is missing"):
        probe_and_fetch(media_server.url("/separate/index.m3u8"))


def test_it_reads_no_configuration_and_no_plugins(probe_and_fetch, media_server, monkeypatch, tmp_path):
    home = tmp_path / "home"
    (home / "yt-dlp").mkdir(parents=True)
    (home / "yt-dlp" / "config").write_text("--exec touch owned\n--skip-download\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    assert probe_and_fetch(media_server.url("/clip.mp4"))[1].media.exists()
    assert os.environ["YTDLP_NO_PLUGINS"]


def test_an_error_in_a_hook_is_raised_as_it_is(tmp_path, proxy_url, media_server):
    probed = downloader.probe_url(media_server.url("/clip.mp4"), tmp_path, proxy_url=proxy_url)
    with pytest.raises(ZeroDivisionError):
        downloader.download_files(probed, lambda update: 1 / 0, threading.Event().set)


HLS_HEAD = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
MASTER_PLAYLIST = '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1000,CODECS="avc1.4d401e"\n'
DASH_MANIFEST = """<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S"><Period>
<AdaptationSet mimeType="video/mp4"><ContentProtection schemeIdUri="urn:uuid:{}"/><Representation id="1" bandwidth="1">
<BaseURL>clip.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>"""
VIDEO_PAGE = '<title>x</title><video><source src="{}" type="video/mp4"></video>'
REFUSED_SOURCES = {
    "/sample.m3u8": (HLS_HEAD + '#EXT-X-KEY:METHOD=SAMPLE-AES,URI="k"\n#EXTINF:4,\na.ts\n#EXT-X-ENDLIST\n', "(DRM)"),
    "/master.m3u8": (MASTER_PLAYLIST + "sample.m3u8\n", "(DRM)"),
    "/widevine.mpd": (DASH_MANIFEST.format("edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"), "(DRM)"),
    "/playready.mpd": (DASH_MANIFEST.format("9a04f079-9840-4286-ab92-e65be0885f95"), "(DRM)"),
    "/key.m3u8": (
        HLS_HEAD + '#EXT-X-KEY:METHOD=AES-128,URI="file:///etc/passwd"\n#EXTINF:4,\nclip.mp4\n#EXT-X-ENDLIST\n',
        "file:",
    ),
    "/segment.m3u8": (HLS_HEAD + "#EXTINF:4,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n", "file:"),
    "/ftp_segment.m3u8": (HLS_HEAD + "#EXTINF:4,\nftp://127.0.0.1/a.ts\n#EXT-X-ENDLIST\n", "ftp:"),
    "/variant.m3u8": (MASTER_PLAYLIST + "file:///etc/passwd\n", "file:"),
    "/ftp_page": (VIDEO_PAGE.format("ftp://127.0.0.1/a.mp4"), "ftp:"),
    "/rtmp_page": (VIDEO_PAGE.format("rtmp://127.0.0.1/a.mp4"), "rtmp:"),
    "/file_page": (VIDEO_PAGE.format("file:///etc/passwd"), "ftp:"),
}


@pytest.mark.parametrize("path", REFUSED_SOURCES)
def test_it_refuses_at_once_what_it_never_can_fetch(probe_and_fetch, media_server, path):
    for name, (text, _) in REFUSED_SOURCES.items():
        kind = {"m3u8": "application/vnd.apple.mpegurl", "mpd": "application/dash+xml"}.get(name.partition(".")[2])
        media_server.answers[name] = media_server_module.Answer(text.encode(), kind or "text/html")
    with pytest.raises(results.DownloadError) as raised:
        probe_and_fetch(media_server.url(path))
    assert raised.value.permanent
    assert REFUSED_SOURCES[path][1] in str(raised.value)


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/a", "data:text/html,x", "ws://127.0.0.1/"])
def test_it_follows_no_redirect_to_another_scheme(probe_and_fetch, media_server, target):
    media_server.answers["/elsewhere"] = media_server_module.Answer(status=302, headers={"Location": target})
    with pytest.raises(results.DownloadError, match="isn’t http or https") as raised:
        probe_and_fetch(media_server.url("/elsewhere"))
    assert raised.value.permanent
