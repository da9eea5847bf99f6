"""HLS and DASH whose segments are byte ranges: real yt-dlp, real clips, and servers that answer ranges badly."""

import subprocess
import threading
from pathlib import Path

import imageio_ffmpeg
import pytest
import yt_dlp

from downloads.files import workspace
from downloads.network.proxy import EgressProxy
from downloads.tests.support import adaptive_clips
from downloads.tests.support import clips as clips_module
from downloads.ytdlp import downloader, results

pytestmark = pytest.mark.usefixtures("ytdlp_environment")
ODD_SERVERS = ("/norange/", "/widerange/", "/unsaidrange/", "/cutrange/")


@pytest.fixture(scope="module")
def clips(session_media_server):
    """The folder of the clips, served at /adaptive/."""
    folder = session_media_server.folder / "adaptive"
    return folder if folder.exists() else adaptive_clips.make_clips(folder)


class AttemptStopped(BaseException):
    """Ends an attempt at once, as a kill would."""


@pytest.fixture
def download(tmp_path, media_server, clips):
    """Run one attempt; it stops after so many `fragments`."""

    def run(path, fragments=None):
        def stop(update):
            if fragments is not None and (update.fragment_index or 0) >= fragments:
                raise AttemptStopped

        workspace.prepare_for_resume(tmp_path)
        with EgressProxy() as proxy:
            probed = downloader.probe_url(media_server.url(path), tmp_path, proxy_url=proxy.url)
            return downloader.download_files(probed, stop, threading.Event().set).media

    run.folder = tmp_path
    return run


@pytest.fixture
def variant(clips):
    """Write a changed copy of a playlist beside it, and return its path on the server."""
    written = []

    def write(path, change, prefix="/adaptive/"):
        source = clips / path
        copy = source.with_name(f"variant{len(written)}{source.suffix}")
        copy.write_text(change(source.read_text()))
        written.append(copy)
        return f"{prefix}{copy.relative_to(clips)}"

    yield write
    for path in written:
        path.unlink()


def frame_hashes(path):
    """Return a hash of each decoded picture of a file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", path, "-map", "0:v", "-f", "framemd5", "-"]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return [line.rpartition(",")[2] for line in lines if not line.startswith("#")]


@pytest.fixture(scope="module")
def source_hashes(clips):
    """The hashes of the clip that all playlists are made of."""
    return frame_hashes(clips / "clip.mp4")


def fragment_requests(media_server, suffix):
    return [(path, range_) for _, path, range_ in media_server.requests if path.endswith(suffix)]


@pytest.mark.parametrize("path", ["ts/index.m3u8", "fmp4/index.m3u8", "encrypted/index.m3u8", "numbered/index.m3u8"])
def test_each_byte_range_is_a_fragment_of_its_own(download, media_server, source_hashes, tmp_path_factory, path):
    plain = tmp_path_factory.mktemp("plain")
    with yt_dlp.YoutubeDL({"quiet": True, "noprogress": True, "outtmpl": f"{plain}/media.%(ext)s"}) as ydl:
        ydl.download([media_server.url(f"/adaptive/{path}")])
    media = download(f"/adaptive/{path}")
    assert frame_hashes(media) == source_hashes
    assert len(source_hashes) == adaptive_clips.FRAMES
    assert media.stat().st_size == next(plain.iterdir()).stat().st_size


def test_it_requests_each_range_once(download, media_server, clips):
    download("/adaptive/ts/index.m3u8")
    ranges = [range_ for _, range_ in fragment_requests(media_server, ".ts")]
    assert len(ranges) == len(set(ranges)) == 6
    assert ranges[0].startswith("bytes=0-")


@pytest.mark.parametrize("path", ["dash/index.mpd", "dash_files/index.mpd"])
def test_it_downloads_dash_of_single_files(download, media_server, source_hashes, path):
    """yt-dlp alone raises KeyError: the manifest has ranges in the place of addresses."""
    media = download(f"/adaptive/{path}")
    assert frame_hashes(media) == source_hashes


@pytest.mark.parametrize(
    "form", [adaptive_clips.as_segment_base, adaptive_clips.with_media_urls, adaptive_clips.in_periods]
)
def test_it_downloads_other_forms_of_single_files(download, source_hashes, variant, form):
    assert frame_hashes(download(variant("dash/index.mpd", form))) == source_hashes


def test_dash_streams_are_kept_byte_for_byte(download, clips, tmp_path):
    download("/adaptive/dash/index.mpd")
    streams = {path.read_bytes() for path in tmp_path.glob("media.f*")}
    assert streams >= {path.read_bytes() for path in (clips / "dash").glob("*.mp4")}


@pytest.mark.parametrize("container", ["ts", "fmp4", "numbered"])
def test_a_range_without_offset_continues_the_one_before(download, source_hashes, variant, container):
    path = variant(f"{container}/index.m3u8", adaptive_clips.without_offsets)
    assert frame_hashes(download(path)) == source_hashes


def test_a_segment_may_come_twice(download, clips, variant):
    """A range that is listed again is no retry of the first."""

    def repeat_last(text):
        head, _, last = text.partition("#EXT-X-ENDLIST")[0].rstrip().rpartition("#EXTINF")
        return f"{head}#EXTINF{last}\n#EXT-X-DISCONTINUITY\n#EXTINF{last}\n#EXT-X-ENDLIST\n"

    assert len(frame_hashes(download(variant("ts/index.m3u8", repeat_last)))) == adaptive_clips.FRAMES + 50


@pytest.mark.parametrize(
    ("prefix", "path"),
    [
        *((prefix, "ts/index.m3u8") for prefix in ODD_SERVERS),
        *(("/cutrange/", "fmp4/index.m3u8"), ("/norange/", "dash/index.mpd")),
        *(
            pytest.param(prefix, path, marks=pytest.mark.soak)
            for prefix in ODD_SERVERS
            for path in ("fmp4/index.m3u8", "dash/index.mpd")
        ),
    ],
)
def test_a_server_may_answer_ranges_in_its_own_way(download, media_server, source_hashes, prefix, path):
    media = download(prefix + path)
    assert frame_hashes(media) == source_hashes


def test_a_whole_file_is_read_once(download, media_server, clips):
    download("/norange/ts/index.m3u8")
    assert len(fragment_requests(media_server, ".ts")) == 1


def test_other_bytes_than_requested_are_refused(download):
    with pytest.raises(results.DownloadError, match=r"The site sent bytes 100-\d+ instead of bytes 0-\d+ of a file"):
        download("/otherrange/ts/index.m3u8")


def test_a_page_is_no_segment(download):
    """Its pictures would be missing in the middle, where neither the size nor the duration shows it."""
    with pytest.raises(
        results.DownloadError, match=r"The site sent a page or a text \(text/html\) instead of a part"
    ) as caught:
        download("/thirdpage/files/index.m3u8")
    assert not caught.value.permanent


def test_a_segment_may_be_hidden_as_a_page(download, source_hashes):
    assert frame_hashes(download("/hidden/files/index.m3u8")) == source_hashes


def test_ranges_of_two_versions_are_not_joined(download, media_server, source_hashes):
    assert frame_hashes(download("/replaced/ts/index.m3u8")) == source_hashes
    ranges = [range_ for _, range_ in fragment_requests(media_server, ".ts")]
    assert ranges.count(ranges[0]) == 2


@pytest.mark.parametrize("prefix", ["/adaptive/", "/norange/"])
def test_a_range_beyond_the_file_is_refused(download, clips, variant, prefix):
    def lengthen_last(text):
        head, tag, last = text.rpartition("#EXT-X-BYTERANGE:")
        return f"{head}{tag}9{last}"

    with pytest.raises(results.DownloadError, match=r"a part of the video is missing at the site"):
        download(variant("ts/index.m3u8", lengthen_last, prefix))


@pytest.mark.parametrize("value", ["abc", "0@0", "10@", "-5@3"])
def test_a_range_that_makes_no_sense_is_refused(download, variant, value):
    path = variant("ts/index.m3u8", lambda text: text.replace("#EXT-X-BYTERANGE:", f"#EXT-X-BYTERANGE:{value}x", 1))
    with pytest.raises(results.DownloadError, match="byte range that can't be read") as caught:
        download(path)
    assert caught.value.permanent


class TestResuming:
    """A later attempt, after a kill in the middle of a stream."""

    @pytest.mark.parametrize("change", [str, adaptive_clips.without_offsets])
    @pytest.mark.parametrize("path", ["ts/index.m3u8", "fmp4/index.m3u8", "numbered/index.m3u8"])
    def test_it_goes_on_after_the_last_whole_range(self, download, media_server, source_hashes, variant, path, change):
        """yt-dlp alone counts offsets, initialization sections and keys anew, and so begins with other bytes."""
        path = variant(path, change)
        with pytest.raises(AttemptStopped):
            download(path, fragments=4)
        media_server.requests.clear()
        assert frame_hashes(download(path)) == source_hashes
        ranges = [range_ for _, _, range_ in media_server.requests if range_]
        assert 3 <= len(set(ranges)) <= 5  # one of the attempt before may come late
        assert "bytes=0-" not in [range_.partition("-")[0] + "-" for range_ in ranges]

    def test_dash_goes_on_after_the_last_whole_range(self, download, media_server, source_hashes):
        with pytest.raises(AttemptStopped):
            download("/adaptive/dash/index.mpd", fragments=4)
        media_server.requests.clear()
        assert frame_hashes(download("/adaptive/dash/index.mpd")) == source_hashes
        # One of the attempt before may come late.
        assert 5 <= len({range_ for _, range_ in fragment_requests(media_server, "stream0.mp4")}) <= 6

    def test_smooth_streaming_gets_one_header(self, download, media_server, clips):
        """yt-dlp writes the header itself, before the first fragment, and again unless its state says otherwise."""
        if not any((clips / "ism").iterdir()):
            pytest.skip("this ffmpeg has no H.264")
        whole = download("/adaptive/ism/a/Manifest").read_bytes()
        for path in Path(download.folder).iterdir():
            path.unlink()
        with pytest.raises(AttemptStopped):
            download("/adaptive/ism/a/Manifest", fragments=4)
        media_server.requests.clear()
        resumed = download("/adaptive/ism/a/Manifest").read_bytes()
        assert resumed.count(b"ftyp") == whole.count(b"ftyp") == 1
        header_bytes = 1000  # with the time of its creation
        assert resumed[header_bytes:] == whole[header_bytes:]
        assert media_server.count_requests("/adaptive/ism/a/QualityLevels") == 4


class TestPromisedDuration:
    """What came is compared with what the playlist promises."""

    def test_too_little_is_no_video(self, download, variant, tmp_path):
        """The last two segments of the playlist have another's pictures, and are shorter."""

        def promise_more(text):
            return text.replace("#EXT-X-ENDLIST", "").replace("#EXTINF:2.000000", "#EXTINF:3.000000")

        path = variant("ts/index.m3u8", lambda text: f"{promise_more(text)}#EXT-X-ENDLIST\n")
        with pytest.raises(
            results.DownloadError, match=r"promises 18\.0 s of this video, but 12\.0 s arrived"
        ) as caught:
            download(path)
        assert not caught.value.permanent
        assert not list(Path(tmp_path).glob("media*.mp4*.part"))

    def test_too_much_is_no_video(self, download, variant):
        path = variant("ts/index.m3u8", lambda text: text.replace("#EXTINF:2.000000", "#EXTINF:1.000000"))
        with pytest.raises(results.DownloadError, match=r"promises 6\.0 s of this video, but 12\.0 s arrived"):
            download(path)

    def test_too_little_dash_is_no_video(self, download, variant):
        path = variant("dash/index.mpd", lambda text: text.replace('"PT12.0S"', '"PT20.0S"'))
        with pytest.raises(results.DownloadError, match=r"promises 20\.0 s of this video, but 12\.0 s arrived"):
            download(path)

    def test_a_period_that_is_left_out_is_no_video(self, download, variant, clips):
        """yt-dlp takes periods of other files for other formats, and downloads one of them."""

        def with_other_period(text):
            text = adaptive_clips.in_periods(text)
            first, second, rest = text.partition('<Period id="1"')
            return first + second + rest.replace("index-stream", "./index-stream")

        with pytest.raises(results.DownloadError, match=r"promises 12\.0 s .* but 6\.0 s arrived"):
            download(variant("dash/index.mpd", with_other_period))

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda text: text.replace(":2.000000,", ":2,"), id="whole seconds"),
            pytest.param(lambda text: text.replace(":2.000000,", ":2.05,"), id="a little more", marks=pytest.mark.soak),
            pytest.param(lambda text: text.replace(":2.000000,", ":1.95,"), id="a little less", marks=pytest.mark.soak),
            pytest.param(lambda text: text.replace(":2.000000,", ":2.2,"), id="a tenth more"),
            pytest.param(lambda text: text.replace(":2.000000,", ":1.8,"), id="a tenth less"),
            pytest.param(lambda text: text.replace(":2.000000,", ":0,"), id="none"),
            pytest.param(lambda text: text.replace(":2.000000,", ":0,", 2), id="none for some"),
            pytest.param(lambda text: text.replace(":2.000000,", ":-1,"), id="negative, as in lists of channels"),
            pytest.param(lambda text: text.replace("\n", "\r\n"), id="lines of Windows"),
            pytest.param(lambda text: text.replace("#EXTINF", "#EXT-X-DISCONTINUITY\n#EXTINF"), id="discontinuities"),
        ],
    )
    def test_a_good_video_is_kept(self, download, clips, variant, change):
        media = download(variant("ts/index.m3u8", change))
        assert len(frame_hashes(media)) == adaptive_clips.FRAMES

    def test_a_skipped_advertisement_is_not_missed(self, download, variant):
        def mark_second_as_advertisement(text):
            parts = text.split("#EXTINF")
            parts[2] += "#UPLYNK-SEGMENT:x,00000001,segment\n"
            parts[1] += "#UPLYNK-SEGMENT:x,00000000,ad\n"
            return "#EXTINF".join(parts)

        media = download(variant("ts/index.m3u8", mark_second_as_advertisement))
        assert len(frame_hashes(media)) == adaptive_clips.FRAMES - 50

    @pytest.mark.parametrize(
        ("form", "video_seconds", "audio_seconds"),
        [
            *(([], 6, 2), (["-single_file", "1"], 2, 6)),
            pytest.param([], 2, 6, marks=pytest.mark.soak),
            pytest.param(["-single_file", "1"], 6, 2, marks=pytest.mark.soak),
        ],
    )
    def test_one_stream_of_dash_may_be_shorter(self, download, media_server, form, video_seconds, audio_seconds):
        folder = media_server.folder / "adaptive" / f"unequal{len(form)}{video_seconds}"
        folder.mkdir()
        sources = [*clips_module.VIDEO_SOURCE, *clips_module.AUDIO_SOURCE]
        cut = f"[0:v]trim=0:{video_seconds}[v];[1:a]atrim=0:{audio_seconds}[a]"
        codecs = [*(clips_module.H264 if clips_module.has_h264() else clips_module.MPEG4), *clips_module.AAC]
        options = ["-filter_complex", cut, "-map", "[v]", "-map", "[a]", *codecs, *adaptive_clips.DASH]
        clips_module.run_ffmpeg(*sources, *options, *form, folder / "index.mpd")
        assert len(frame_hashes(download(f"/adaptive/{folder.name}/index.mpd"))) == 25 * video_seconds

    def test_a_short_recording_is_not_live(self, download, clips):
        """The generic extractor rounds its duration to 0, and takes it for live."""
        folder = clips / "short"
        folder.mkdir()
        clips_module.run_ffmpeg("-i", clips / "clip.mp4", "-t", "0.8", *adaptive_clips.HLS, folder / "index.m3u8")
        assert 15 <= len(frame_hashes(download("/adaptive/short/index.m3u8"))) <= 25
