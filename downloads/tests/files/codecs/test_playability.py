"""Playability of files in browsers, as a table."""

from downloads.files.codecs.playability import playability
from downloads.files.media_types import MEDIA_TYPES
from downloads.tests.support.cases import each_case

TABLE = """
mp4 h264 aac yes
mp4 h264 - yes
mp4 h264 mp3 yes
m4v h264 aac yes
mov h264 aac yes
mp4 vp9 opus yes
mp4 av1 opus yes
webm vp9 opus yes
webm vp8 vorbis yes
webm av1 opus yes
m4a - aac yes
m4b - aac yes
mp3 - mp3 yes
opus - opus yes
ogg - vorbis yes
wav - pcm_s16le yes
flac - flac yes
weba - opus yes
mp4 vp9+10-bit opus yes
mp4 hevc aac maybe
mp4 hevc+10-bit aac maybe
mp4 h264+10-bit aac maybe
mp4 h264+4:4:4 aac maybe
mp4 av1+12-bit opus maybe
mp4 h264 ac3 maybe
mp4 h264 eac3 maybe
m4a - alac maybe
mkv h264 aac maybe
webm h264 opus maybe
ogv theora vorbis maybe
mov h264 pcm_s16le maybe
mp4 h264 dts no
mkv h264 truehd no
mov prores pcm_s16le no
mov prores+10-bit pcm_s16le no
mov dnxhd pcm_s16le no
mp4 mpeg4 aac no
mp4 mpeg2video mp2 no
mpg mpeg2video mp2 no
avi mpeg4 mp3 no
avi h264 mp3 no
flv h264 aac no
flv flv1 mp3 no
wmv wmv2 wmav2 no
3gp h263 amr_nb no
mxf mpeg2video pcm_s16le no
mp4 mjpeg - no
mp4 vvc aac no
dts - dts no
wma - wmav2 no
mp4 ? ? yes
ogg ? ? yes
mkv ? ? yes
avi ? ? no
xyz ? ? no
"""
ROWS = [line.split() for line in TABLE.strip().splitlines()]


def _codec(text: str) -> str | None:
    return {"-": "", "?": None}.get(text, text.replace("+", " "))


@each_case(("container", "video", "audio", "verdict"), ROWS)
def test_it_reviews(container, video, audio, verdict):
    assert playability(container, _codec(video), _codec(audio)) == verdict


@each_case("extension", [*MEDIA_TYPES, "", ".MP4", "exe", "x" * 500])
@each_case("codec", [None, "", "h264", "nonsense", "h264 nonsense", " ", "x" * 500])
def test_it_has_a_verdict_for_anything(extension, codec):
    assert playability(extension, codec, codec) in ("yes", "maybe", "no")


def test_a_codec_that_nobody_knows_is_not_promised():
    assert playability("mp4", "codec_of_2040", "aac") == "no"
