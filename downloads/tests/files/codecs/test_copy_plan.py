"""Plans of playable copies: what each keeps, and what it encodes, as a table."""

import itertools

from downloads.files.codecs.copy_plan import list_copy_plans
from downloads.files.codecs.playability import AUDIO_CODECS, CONTAINERS, VIDEO_CODECS
from downloads.tests.support.cases import each_case

# Container, video and audio of the original; what the first plan encodes.
TABLE = """
mkv h264 aac none
mkv vp9 opus none
avi h264 mp3 none
flv h264 aac none
mkv h264 ac3 audio
mp4 h264 eac3 audio
mp4 h264 dts audio
mp4 hevc aac video
mp4 mpeg4 aac video
mp4 h264+10-bit aac video
avi mpeg4 mp2 both
wmv wmv2 wmav2 both
mkv hevc - video
ogv theora vorbis both
m4a - alac audio
wma - wmav2 audio
mka - opus none
webm vp9 opus both
mp4 av1 aac video
mp4 h264 aac both
mp3 - mp3 audio
m4a - flac audio
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]
NAMES = {(False, False): "none", (True, False): "video", (False, True): "audio", (True, True): "both"}


def codec(text: str) -> str:
    return "" if text == "-" else text.replace("+", " ")


@each_case(("container", "video", "audio", "encoded"), ROWS)
def test_it_encodes_only_what_it_must(container, video, audio, encoded):
    plan = list_copy_plans(container, codec(video), codec(audio))[0]
    assert NAMES[plan.encodes_video, plan.encodes_audio] == encoded
    assert plan.extension == ("m4a" if video == "-" else "mp4")
    assert plan.is_remux == (encoded == "none")


def test_the_last_plan_encodes_all_there_is():
    videos, audios = [*VIDEO_CODECS, "", "h264 10-bit", "mpeg4"], [*AUDIO_CODECS, "", "dts"]
    for container, video, audio in itertools.product([*CONTAINERS, "avi", "", "x"], videos, audios):
        plans = list_copy_plans(container, video, audio)
        assert (plans[-1].encodes_video, plans[-1].encodes_audio) == (bool(video), bool(audio))
        assert len(plans) == len(set(plans)) <= 2
        assert video or not plans[0].encodes_video
        assert audio or not plans[0].encodes_audio


def test_it_changes_something_for_a_browser_that_refuses_what_others_play():
    for video, audio in itertools.product(["h264", "av1", "vp9"], ["aac", "opus", "mp3", ""]):
        assert not list_copy_plans("mp4", video, audio)[0].is_remux
