"""ffmpeg's description of files: real ones, and lines as it prints them."""

import pytest

from downloads.files import ffmpeg
from downloads.files.codecs.stream_description import parse_description
from downloads.tests.support.cases import each_case
from downloads.tests.support.clips import AAC, AUDIO_SOURCE, H264, VIDEO_SOURCE, has_h264, run_ffmpeg

INPUT = "Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:x':\n  Duration: 00:00:01.00, start: 0.000000\n"
STREAM = "  Stream #0:0[0x1](und): Video: "


def describe(line: str, side_data: str = ""):
    return parse_description(f"{INPUT}{STREAM}{line}\n{side_data}  Stream #0:1[0x2](und): Audio: aac (LC), 44100 Hz\n")


@each_case(
    ("line", "size"),
    [
        ("h264 (High) (avc1 / 0x31637661), yuv420p(progressive), 1920x1080 [SAR 1:1 DAR 16:9], 25 fps", (1920, 1080)),
        ("prores (HQ) (apch / 0x68637061), yuv422p10le(tv), 320x240, 7451 kb/s, SAR 1:1 DAR 4:3, 25 fps", (320, 240)),
        ("mpeg2video (Main), yuv420p(tv), 720x576 [SAR 64:45 DAR 16:9], 25 fps", (1024, 576)),
        ("dvvideo, yuv411p, 720x480, SAR 8:9 DAR 4:3, 29.97 fps", (640, 480)),
        ("h264 (avc1 / 0x31637661), none, 1280x720, 25 fps", (1280, 720)),
        ("hevc (Main), yuv420p, 320x240", (320, 240)),
        ("h264, yuv420p, 0x0, 25 fps", (None, None)),
        ("h264, yuv420p, 999999x10, 25 fps", (None, None)),
        ("h264, yuv420p, 99999x10 [SAR 99999:1 DAR 1:1], 25 fps", (65535, 10)),
        ("h264, yuv420p, 320x240 [SAR 0:1 DAR 0:1], 25 fps", (320, 240)),
        ("h264 (avc1 / 0x31637661), 25 fps", (None, None)),
    ],
)
def test_it_reads_the_size_as_it_is_shown(line, size):
    info = describe(line)
    assert (info.width, info.height) == size


@each_case(
    ("angle", "size"),
    [("90.00", (240, 320)), ("-90.00", (240, 320)), ("180.00", (320, 240)), ("-0.00", (320, 240)), ("x", (320, 240))],
)
@each_case("name", ["Display Matrix", "displaymatrix"])
def test_it_turns_what_players_turn(name, angle, size):
    side_data = f"    Side data:\n      {name}: rotation of {angle} degrees\n"
    info = describe("h264, yuv420p, 320x240, 25 fps", side_data)
    assert (info.width, info.height) == size


@each_case(
    ("line", "codec"),
    [
        ("h264 (High), yuv420p(progressive), 320x240", "h264"),
        ("h264 (High 10) (avc1 / 0x31637661), yuv420p10le(progressive), 320x240", "h264 10-bit"),
        ("h264 (High 4:4:4 Predictive), yuv444p(progressive), 320x240", "h264 4:4:4"),
        ("h264 (High 4:2:2), yuv422p(tv), 320x240", "h264 4:2:2"),
        ("hevc (Main 10), yuv420p10le(tv, bt2020nc/bt2020/smpte2084), 320x240", "hevc 10-bit"),
        ("prores (4444), yuva444p12le, 320x240", "prores 12-bit"),
        ("mjpeg, yuvj420p(pc), 320x240", "mjpeg"),
        ("rawvideo, rgb24, 320x240", "rawvideo"),
    ],
)
def test_it_names_codec_and_depth(line, codec):
    assert describe(line).video_codec == codec
    assert describe(line).audio_codec == "aac"


def test_a_cover_is_no_picture_of_a_video():
    info = describe("mjpeg (Baseline), yuvj420p(pc), 3000x3000 [SAR 1:1 DAR 1:1], 90k tbn (attached pic)")
    assert (info.video_codec, info.width, info.height, info.audio_codec) == ("", None, None, "aac")


@pytest.mark.skipif(not has_h264(), reason="ffmpeg has no H.264 encoder")
def test_it_reads_a_real_file_that_was_filmed_upright(tmp_path):
    clip, upright = tmp_path / "clip.mp4", tmp_path / "upright.mp4"
    run_ffmpeg(*VIDEO_SOURCE, *AUDIO_SOURCE, "-t", "0.2", *H264, "-pix_fmt", "yuv420p10le", *AAC, clip)
    run_ffmpeg("-display_rotation", "90", "-i", clip, "-c", "copy", upright)
    info = ffmpeg.inspect_media(upright)
    assert (info.width, info.height, info.video_codec, info.audio_codec) == (240, 320, "h264 10-bit", "aac")
