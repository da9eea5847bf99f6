"""Media containers: those that ffmpeg may open, and the extensions under which their files are stored."""

import dataclasses
import re
from pathlib import Path
from typing import NamedTuple


class Container(NamedTuple):
    """The extensions of a container: with video, with audio alone, and others that mean the same."""

    video: str
    audio: str
    aliases: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True)
class MediaInfo:
    """Facts that ffmpeg finds in a file: its container by ffmpeg's name, its length, its codecs without cover art.

    Width and height are those of the first picture as it is shown. `depth` is "" for the usual 8 bits with 4:2:0, else
    such as "10-bit" or "4:4:4".
    """

    container: str
    duration: float | None = None  # seconds
    video_codecs: tuple[str, ...] = ()
    audio_codecs: tuple[str, ...] = ()
    width: int | None = None
    height: int | None = None
    depth: str = ""

    @property
    def has_video(self) -> bool:
        return bool(self.video_codecs)

    @property
    def video_codec(self) -> str:
        """The first video codec with its depth, such as "h264" or "h264 10-bit"; "" without video."""
        return f"{self.video_codecs[0]} {self.depth}".rstrip() if self.video_codecs else ""

    @property
    def audio_codec(self) -> str:
        """The first audio codec, such as "aac"; "" without sound."""
        return self.audio_codecs[0] if self.audio_codecs else ""


def _container(video: str, audio: str = "", aliases: str = "") -> Container:
    return Container(video, audio or video, frozenset(aliases.split()))


DEMUXERS_NAMED_AS_THEIR_EXTENSION = (
    "aa aac ac3 ac4 act adx aea ape apc apv ast avr avs2 avs3 binka caf cdxl cine codec2 dfpwm dhav dnxhd "
    "dsf dss dv dxa eac3 flac gdv gsm gxf h261 h263 hca iamf ifv ilbc ircam ivf kvag lc3 lxf mca mlp mlv "
    "mm mmf mpc mtv mv mvi mxf mxg nsv nut nuv obu osq paf pmp pva pvf qcp qoa r3d rka roq rpl rso sbc "
    "sds sdx shn sox spdif svs tak tmv tta vc1 vivo vmd voc vqf w64 wav wsd wtv wv wve xa xmv xvag xwma "
    "yop "
)
# By the first name of ffmpeg's demuxer. Only demuxers that read nothing but the file itself: playlist formats
# (concat, hls, dash, imf, sdp …) name other files to open, and images and texts are no media.
CONTAINERS: dict[str, Container] = {
    "mov": _container("mp4", "m4a", "m4v m4b"),
    "matroska": _container("mkv", "mka"),
    "mpegts": _container("ts", aliases="m2ts mts m2t"),
    "mpeg": _container("mpg", aliases="mpeg vob"),
    "mpegvideo": _container("m2v", aliases="m1v mpv mpg mpeg"),
    "ogg": _container("ogv", "ogg", "oga spx ogm"),
    "flv": _container("flv"),
    "live_flv": _container("flv"),
    "avi": _container("avi", aliases="divx"),
    "asf": _container("wmv", "wma", "asf"),
    "asf_o": _container("wmv", "wma", "asf"),
    "mp3": _container("mp3"),
    "aiff": _container("aiff", aliases="aif aifc"),
    "au": _container("au", aliases="snd"),
    "rm": _container("rm", "ra", "rmvb"),
    "amr": _container("amr", aliases="awb"),
    "dts": _container("dts", aliases="dtshd"),
    "dtshd": _container("dtshd", aliases="dts"),
    "truehd": _container("thd", aliases="truehd"),
    "loas": _container("latm", aliases="loas"),
    "mpc8": _container("mpc"),
    "iff": _container("dff", aliases="8svx iff"),
    "oma": _container("oma", aliases="aa3 omg"),
    "yuv4mpegpipe": _container("y4m"),
    "h264": _container("h264", aliases="264 avc"),
    "hevc": _container("hevc", aliases="265 h265"),
    "vvc": _container("vvc", aliases="266 h266"),
    "av1": _container("obu"),
    "m4v": _container("m4e"),  # an MPEG-4 elementary stream; .m4v is an MP4
    "dirac": _container("drc"),
    "cavsvideo": _container("cavs"),
    "evc": _container("evc"),
    "mjpeg": _container("mjpeg", aliases="mjpg"),
    "smjpeg": _container("mjpg"),
    "film_cpk": _container("cpk"),
    "filmstrip": _container("flm"),
    "ipmovie": _container("mve"),
    "argo_asf": _container("asf"),
    "argo_brp": _container("brp"),
    "flic": _container("fli", aliases="flc"),
    "vc1test": _container("rcv"),
    "bink": _container("bik"),
    "smk": _container("smk"),
    "wsaud": _container("aud"),
    "wsvqa": _container("vqa"),
    "sln": _container("sln"),
    "vividas": _container("viv"),
    "apm": _container("apm"),
    "nistsphere": _container("sph"),
    # The extension is the name of the demuxer.
    **{name: _container(name) for name in DEMUXERS_NAMED_AS_THEIR_EXTENSION.split()},
}
ALLOWED_DEMUXERS = ",".join(CONTAINERS)

HEADER_BYTES = 4096
# "DocType" of the EBML header (RFC 8794, 11.2.7), its length in one of the usual widths, and its value.
WEBM_PATTERN = re.compile(rb"\x42\x82(?:\x84|\x40\x04|\x10\x00\x00\x04|\x01\x00{6}\x04)webm")
# Codecs that browsers play from an MP4; the brands of mobile phones (3GPP) do not matter to them.
MP4_CODECS = frozenset(["h264", "hevc", "av1", "vp9", "aac", "mp3", "opus", "flac", "mpeg4"])
# For a file that ffmpeg cannot open, or where there is no ffmpeg.
SIGNATURES = (
    (re.compile(rb"....(?:ftyp|moov|mdat|wide|moof|styp)", re.DOTALL), "mp4"),
    (re.compile(rb"\x1a\x45\xdf\xa3"), "mkv"),
    (re.compile(rb"OggS"), "ogg"),
    (re.compile(rb"fLaC"), "flac"),
    (re.compile(rb"ID3|\xff[\xfa\xfb\xf2\xf3]"), "mp3"),
    (re.compile(rb"RIFF....WAVE", re.DOTALL), "wav"),
    (re.compile(rb"RIFF....AVI ", re.DOTALL), "avi"),
    (re.compile(rb"FLV\x01"), "flv"),
    (re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), "wmv"),
    (re.compile(rb"\0\0\x01[\xba\xb3]"), "mpg"),
    (re.compile(rb"\x47.{187}\x47", re.DOTALL), "ts"),
)


def extension_by_signature(file: Path) -> str | None:
    """Return an extension for a file by its first bytes; None if they are not those of a well-known container."""
    with file.open("rb") as stream:
        header = stream.read(HEADER_BYTES)
    if WEBM_PATTERN.search(header[:64]):
        return "webm"
    return next((extension for pattern, extension in SIGNATURES if pattern.match(header)), None)


def choose_extension(file: Path, info: MediaInfo) -> str:
    """Return the extension to store a media file under, by its container and streams.

    The file's own extension is kept only where it means the same.
    """
    with file.open("rb") as stream:
        header = stream.read(HEADER_BYTES)
    extension = _extension_by_content(info, header)
    own_extension = file.suffix[1:].lower()
    return own_extension if own_extension in _equivalent_extensions(info, extension) else extension


def _extension_by_content(info: MediaInfo, header: bytes) -> str:
    name = info.container.partition(",")[0]
    container = CONTAINERS.get(name) or _container(re.sub(r"[^a-z0-9]", "", name) or "bin")
    if name == "mov" and info.has_video:
        return _iso_media_extension(info, header)
    if name == "matroska" and WEBM_PATTERN.search(header[:64]):
        return "webm" if info.has_video else "weba"
    if not info.has_video and name == "ogg" and "opus" in info.audio_codecs:
        return "opus"
    if not info.has_video and name == "mp3" and "mp2" in info.audio_codecs:
        return "mp2"
    return container.video if info.has_video else container.audio


def _iso_media_extension(info: MediaInfo, header: bytes) -> str:
    """Return "mp4", or the extension of its brand: QuickTime, and 3GPP with codecs that browsers do not play."""
    brand = header[8:12] if header[4:8] == b"ftyp" else b""
    if brand == b"qt  " or (not brand and header[4:8] in (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")):
        return "mov"
    if brand[:2] == b"3g" and not MP4_CODECS.issuperset(info.video_codecs + info.audio_codecs):
        return "3g2" if brand[:3] == b"3g2" else "3gp"
    return "mp4"


def _equivalent_extensions(info: MediaInfo, extension: str) -> frozenset[str]:
    """Return the extensions that mean the same for a file with these streams."""
    if extension in ("mp4", "m4a"):
        return frozenset({"m4v"} if info.has_video else {"m4b"})
    if extension in ("mov", "3gp", "3g2", "opus", "mp2", "webm", "weba"):
        return frozenset()
    if extension in ("ogv", "ogg"):
        return frozenset({"ogm"} if info.has_video else {"oga", "spx"})
    container = CONTAINERS.get(info.container.partition(",")[0])
    return container.aliases if container else frozenset()
