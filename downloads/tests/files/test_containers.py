"""Containers: the extension follows from the content, whatever a file is called."""

import pytest

from downloads.files import containers, ffmpeg
from downloads.files.content_sniffing import describe_content
from downloads.tests.support.cases import each_case
from downloads.tests.support.clips import run_ffmpeg
from downloads.tests.support.containers import (
    AUDIO_CONTAINERS,
    PICTURES,
    TONE,
    VIDEO_CONTAINERS,
    make_audio,
    make_video,
)

FORBIDDEN_DEMUXERS = (
    "concat hls dash imf image2 image2pipe jpeg_pipe png_pipe gif webp_pipe sdp rtsp rtp lavfi webm_dash_manifest "
    "vobsub tty srt webvtt ass bluray dvdvideo ffmetadata swf data rawvideo"
)
# Names with an ending that belongs to something else, or with none.
NAMES = ("media", "media.mp4", "media.jpg", "media.m3u8", "media.TXT")


def stored_extension(path):
    return containers.choose_extension(path, ffmpeg.inspect_media(path))


@pytest.mark.parametrize("muxer", VIDEO_CONTAINERS)
def test_a_video_in_any_container_is_recognized_by_any_name(tmp_path, muxer):
    path = make_video(tmp_path / NAMES[len(muxer) % len(NAMES)], muxer)
    assert describe_content(path) == ""
    assert ffmpeg.validation_error(path) == ""
    assert ffmpeg.inspect_media(path).has_video
    assert stored_extension(path) == VIDEO_CONTAINERS[muxer][2]


@pytest.mark.parametrize("muxer", AUDIO_CONTAINERS)
def test_audio_in_any_container_is_recognized_by_any_name(tmp_path, muxer):
    path = make_audio(tmp_path / NAMES[len(muxer) % len(NAMES)], muxer)
    assert describe_content(path) == ""
    assert ffmpeg.validation_error(path) == ""
    assert not ffmpeg.inspect_media(path).has_video
    assert stored_extension(path) == AUDIO_CONTAINERS[muxer][1]


@pytest.mark.parametrize(
    ("muxer", "name"),
    [
        ("ipod", "a.m4b"),
        ("ipod", "a.M4B"),
        ("oga", "a.oga"),
        ("aiff", "a.aif"),
        ("asf", "a.asf"),
        ("amr", "a.awb"),
    ],
)
def test_an_ending_that_means_the_same_is_kept(tmp_path, muxer, name):
    assert stored_extension(make_audio(tmp_path / name, muxer)) == name[2:].lower()


@pytest.mark.parametrize(("muxer", "name"), [("mpegts", "a.m2ts"), ("mp4", "a.m4v"), ("vob", "a.vob")])
def test_an_ending_of_video_that_means_the_same_is_kept(tmp_path, muxer, name):
    assert stored_extension(make_video(tmp_path / name, muxer)) == name[2:]


@pytest.mark.parametrize(
    ("codec", "options", "extension"),
    [
        ("libmp3lame", ["-id3v2_version", "3", "-f", "mp3"], "mp3"),
        ("aac", ["-f", "ipod"], "m4a"),
        ("flac", ["-f", "flac"], "flac"),
        ("alac", ["-f", "mp4"], "m4a"),
    ],
)
def test_audio_with_a_cover_is_audio(tmp_path, codec, options, extension):
    run_ffmpeg(*PICTURES, "-frames:v", "1", tmp_path / "cover.jpg")
    cover = ["-i", tmp_path / "cover.jpg", "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic"]
    path = tmp_path / "media.mp4"
    run_ffmpeg(*TONE, *cover, "-t", "1", "-c:a", codec, *options, path)
    assert ffmpeg.inspect_media(path).video_codecs == ()
    assert stored_extension(path) == extension


def test_audio_with_an_attached_cover_is_audio(tmp_path):
    run_ffmpeg(*PICTURES, "-frames:v", "1", tmp_path / "cover.jpg")
    attachment = ["-attach", tmp_path / "cover.jpg", "-metadata:s:t", "mimetype=image/jpeg"]
    run_ffmpeg(*TONE, *attachment, "-t", "1", "-c:a", "flac", "-f", "matroska", tmp_path / "media.mkv")
    assert stored_extension(tmp_path / "media.mkv") == "mka"


def test_an_ending_does_not_outweigh_the_content(tmp_path):
    # Streams of frames without a header look the least certain to ffmpeg.
    path = make_audio(tmp_path / "media.jpg", "ac3")
    assert stored_extension(path) == "ac3"
    assert ffmpeg.validation_error(path) == ""


def test_a_tag_does_not_add_a_stream(tmp_path):
    title = "x\n  Stream #0:9: Video: h264\n  Duration: 09:00:00.00,\nInput #0, hls, from 'x'"
    run_ffmpeg(*TONE, "-t", "1", "-metadata", f"title={title}", "-f", "mp3", tmp_path / "media")
    info = ffmpeg.inspect_media(tmp_path / "media")
    assert (info.container, info.has_video) == ("mp3", False)
    assert info.duration == pytest.approx(1, abs=0.1)


@each_case("demuxer", FORBIDDEN_DEMUXERS.split())
def test_no_demuxer_is_allowed_that_opens_other_files_or_reads_images_and_texts(demuxer):
    assert demuxer not in containers.ALLOWED_DEMUXERS.split(",")


@pytest.mark.parametrize(
    "text",
    [
        "ffconcat version 1.0\nfile secret.mp4\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.mp4\n#EXT-X-ENDLIST\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        "<Representation><BaseURL>secret.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
    ],
)
@pytest.mark.parametrize("name", ["media", "media.mp4", "media.ffconcat", "media.m3u8", "media.mpd", "media.sdp"])
def test_a_playlist_opens_no_other_file(session_media_server, tmp_path, text, name):
    (tmp_path / "secret.mp4").write_bytes(session_media_server.clip)
    (tmp_path / name).write_text(text)
    assert ffmpeg.inspect_media(tmp_path / name) is None
    assert ffmpeg.validation_error(tmp_path / name)
    assert describe_content(tmp_path / name)
