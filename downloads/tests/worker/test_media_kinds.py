"""Kinds of files: judged by their content in a real attempt, whatever their address and headers say."""

from urllib.parse import unquote

import pytest

from downloads.files import ffmpeg
from downloads.library.video import player
from downloads.models import Status
from downloads.tests.support.clips import run_ffmpeg
from downloads.tests.support.containers import PICTURES, TONE, make_audio, make_video
from downloads.tests.support.media_server import Answer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]

PATHS_WITHOUT_ENDING = ("/dl/plain", "/get.php?id=17", "/dl/plain?name=clip.mp4", "/dl/Ein%20Film", "/dl/")
ATTACHMENT = 'attachment; filename="clip.mp4"'
HTML = b"<!doctype html><html><head><title>Sign in</title></head><body>Sign in</body></html>" * 20


@pytest.fixture
def stored(download, media_server, settings):
    """Return a function that downloads `data` from a path, and returns the row and the stored file."""

    def run(path, data, content_type="application/octet-stream", headers=None, **options):
        media_server.answers[unquote(path.partition("?")[0])] = Answer(data, content_type, headers=headers or {})
        video = download(media_server.url(path), **options)
        assert (video.status, video.error) == (Status.COMPLETE, "")
        file = settings.MEDIA_ROOT / video.media_file
        assert file.read_bytes() == data  # byte for byte what the site sent
        return video, file

    return run


@pytest.fixture
def refused(download, media_server, settings):
    """Return a function that downloads `data` from a path, and returns the reason of its failure."""

    def run(path, data, content_type="application/octet-stream"):
        media_server.answers[path] = Answer(data, content_type)
        video = download(media_server.url(path))
        assert (video.status, video.retry_count) == (Status.FAILED, 0)
        assert list(settings.MEDIA_ROOT.iterdir()) == []
        return video.error.partition("\n")[0]

    return run


@pytest.mark.parametrize(
    ("path", "disposition"),
    [
        *((path, "") for path in PATHS_WITHOUT_ENDING),
        (PATHS_WITHOUT_ENDING[0], ATTACHMENT),
        *(pytest.param(path, ATTACHMENT, marks=pytest.mark.soak) for path in PATHS_WITHOUT_ENDING[1:]),
    ],
)
def test_a_video_at_an_address_without_ending_is_kept(stored, media_server, path, disposition):
    headers = {"Content-Disposition": disposition} if disposition else {}
    video, file = stored(path, media_server.clip, headers=headers)
    assert (file.suffix, video.kind, video.has_video) == (".mp4", "video", True)
    assert player.build_player(video).kind == "video"


def test_it_is_noted_what_is_in_the_file(stored, media_server, tmp_path):
    video, _ = stored("/clip.mp4", media_server.clip)
    assert (video.width, video.height, video.audio_codec) == (320, 240, "aac")
    assert video.video_codec in ("h264", "mpeg4")
    sound, _ = stored("/sound", make_audio(tmp_path / "x", "ipod").read_bytes())
    assert (sound.width, sound.height, sound.video_codec, sound.audio_codec) == (None, None, "", "aac")


@pytest.mark.parametrize("content_type", ["application/octet-stream", "audio/mp4", "audio/x-m4b"])
def test_an_m4b_is_kept(stored, tmp_path, content_type):
    data = make_audio(tmp_path / "x", "ipod").read_bytes()
    video, file = stored("/book.m4b", data, content_type)
    assert (file.suffix, video.kind) == (".m4b", "audio")
    assert player.build_player(video).kind == "audio"


@pytest.mark.parametrize("content_type", ["application/octet-stream", "audio/x-matroska"])
def test_an_mka_is_kept(stored, tmp_path, content_type):
    video, file = stored("/sound.mka", make_audio(tmp_path / "x", "matroska").read_bytes(), content_type)
    assert (file.suffix, video.kind) == (".mka", "audio")


@pytest.mark.parametrize(
    ("path", "muxer", "suffix"),
    [
        ("/film.mp4", "webm", ".webm"),
        ("/film.jpg", "mp4", ".mp4"),
        ("/FILM.MP4", "matroska", ".mkv"),
        ("/film", "mpegts", ".ts"),
        ("/film.vtt", "avi", ".avi"),
        ("/film.mp4", "mxf", ".mxf"),
        ("/film.m3u8", "mp4", ".mp4"),
        *(
            pytest.param(path, muxer, suffix, marks=pytest.mark.soak)
            for path, muxer, suffix in (
                ("/film.webm", "mp4", ".mp4"),
                ("/film.txt", "mp4", ".mp4"),
                ("/film.html", "mp4", ".mp4"),
                ("/film.f4m", "mp4", ".mp4"),
                ("/film.mp40", "mp4", ".mp4"),
                ("/film.exe", "matroska", ".mkv"),
            )
        ),
    ],
)
def test_a_wrong_ending_does_not_matter(stored, tmp_path, path, muxer, suffix):
    video, file = stored(path, make_video(tmp_path / "x", muxer).read_bytes())
    assert (file.suffix, video.kind) == (suffix, "video")


@pytest.mark.parametrize(
    ("path", "muxer", "suffix"),
    [("/a.mp4", "mp3", ".mp3"), ("/a.mp4", "mp4", ".m4a"), ("/a.webm", "webm", ".weba"), ("/a", "mpegts", ".ts")],
)
def test_a_file_without_pictures_is_audio_whatever_it_is_called(stored, tmp_path, path, muxer, suffix):
    video, file = stored(path, make_audio(tmp_path / "x", muxer).read_bytes())
    assert (file.suffix, video.kind, video.has_video) == (suffix, "audio", False)


def test_audio_with_a_cover_is_audio(stored, tmp_path):
    run_ffmpeg(*PICTURES, "-frames:v", "1", tmp_path / "cover.jpg")
    cover = ["-i", tmp_path / "cover.jpg", "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic"]
    run_ffmpeg(*TONE, *cover, "-t", "1", "-c:a", "libmp3lame", "-f", "mp3", tmp_path / "x")
    video, file = stored("/song", (tmp_path / "x").read_bytes())
    assert (file.suffix, video.kind) == (".mp3", "audio")


def test_a_quality_of_audio_takes_a_file_without_an_ending(stored, tmp_path):
    video, file = stored("/get", make_audio(tmp_path / "x", "ipod").read_bytes(), quality="audio")
    assert (file.suffix, video.kind) == (".m4a", "audio")


@pytest.mark.parametrize(
    ("path", "data", "content_type", "reason"),
    [
        ("/a.mp4", HTML, "video/mp4", "The site sent a web page, not a video."),
        ("/a.mp4", HTML.decode().encode("utf-16"), "video/mp4", "The site sent a web page, not a video."),
        ("/a.mp4", b"404 page not found\n", "video/mp4", "The site sent a text, not a video."),
        ("/a.mp4", b'{"error": "gone"}', "video/mp4", "The site sent data (JSON), not a video."),
        ("/a.mp4", b"ffconcat version 1.0\nfile b.mp4\n", "video/mp4", "The site sent a playlist, not a video."),
        ("/a.mp4", b"PK\3\4" + bytes(500), "video/mp4", "The site sent an archive, not a video."),
        ("/a.mp4", bytes(range(256)) * 40, "video/mp4", "The downloaded file isn’t a playable video."),
    ],
)
def test_what_is_no_media_is_called_what_it_is(refused, path, data, content_type, reason):
    assert refused(path, data, content_type) == reason


@pytest.mark.parametrize(
    ("codec", "path"),
    [
        *(("mjpeg", "/a.mp4"), ("png", "/a"), ("gif", "/a.mp4")),
        *(pytest.param(*case, marks=pytest.mark.soak) for case in (("mjpeg", "/a"), ("png", "/a.mp4"), ("gif", "/a"))),
    ],
)
def test_an_image_is_refused(refused, tmp_path, codec, path):
    image = tmp_path / f"x.{codec}"
    run_ffmpeg(*PICTURES, "-frames:v", "1", "-c:v", codec, "-f", "gif" if codec == "gif" else "image2", image)
    assert refused(path, image.read_bytes()) == "The site sent an image, not a video."


@pytest.mark.parametrize("muxer", ["matroska", "mp4"])
def test_a_file_of_subtitles_alone_is_not_called_damaged(refused, tmp_path, muxer):
    (tmp_path / "x.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nHi\n")
    codec = "mov_text" if muxer == "mp4" else "copy"
    run_ffmpeg("-i", tmp_path / "x.srt", "-c:s", codec, "-f", muxer, tmp_path / "x")
    assert refused("/a.mp4", (tmp_path / "x").read_bytes()) == "The downloaded file has neither video nor audio."


def test_a_file_with_something_behind_its_end_is_not_called_cut(stored, media_server):
    video, _ = stored("/a.mp4", media_server.clip + b"<html>Error</html>" * 99)
    assert not [event for event in video.events.all() if "ends early" in event.reason]


def test_a_file_that_is_cut_off_is_called_so(refused, tmp_path):
    run_ffmpeg(*PICTURES, "-t", "2", "-c:v", "mpeg4", "-f", "mp4", tmp_path / "x")  # its index is at the end
    data = (tmp_path / "x").read_bytes()
    assert refused("/a.mp4", data[: len(data) // 2]) == "The downloaded file is damaged or cut off. It can’t be played."


def test_a_file_that_is_cut_off_and_plays_is_kept_and_told(stored, media_server):
    video, _ = stored("/a.mp4", media_server.clip[: len(media_server.clip) // 2])
    reasons = [event.reason for event in video.events.all()]
    size = len(media_server.clip)
    assert f"The site’s file ends early: it has {size // 2 / 1e6:.1f} of {size / 1e6:.1f} MB." in reasons


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("/a.mp4", b"no such file\n", "The site sent a text, not a video."),
        ("/dl/plain", bytes(range(256)) * 9, "The site sent a .unknown_video file, not a video."),
        ("/dl/plain", b"\0\0\0\x20ftypisom" + bytes(range(256)) * 9, ""),
        ("/a.mkv", b"\x1a\x45\xdf\xa3" + bytes(9) * 99, ""),
    ],
)
def test_without_ffmpeg_signature_and_ending_decide(download, media_server, monkeypatch, path, data, reason):
    monkeypatch.setattr(ffmpeg, "find_ffmpeg", lambda: None)
    media_server.answers[path] = Answer(data)
    video = download(media_server.url(path))
    assert (video.status == Status.COMPLETE) is (not reason)
    assert reason in video.error
    assert video.has_video is None
