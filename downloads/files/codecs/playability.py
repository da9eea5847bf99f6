"""Review of codecs: which stored files the browsers of today decode.

"yes": Chromium and Firefox decode it on every computer. "maybe": some do, as Safari does HEVC and AC-3, or where the
machine has a decoder. "no": none does, or not its picture or its sound. Sources: the lists of codecs of Chromium
(media/base/mime_util_internal.cc), Firefox (dom/media) and WebKit.
"""

import enum

from downloads.files import media_types


class Playability(enum.StrEnum):
    """Playability of a file in browsers."""

    YES = "yes"
    MAYBE = "maybe"
    NO = "no"


YES, MAYBE, NO = Playability.YES, Playability.MAYBE, Playability.NO
ORDER = (YES, MAYBE, NO)

ISO_CONTAINERS = frozenset(["mp4", "m4v", "m4a", "m4b", "f4v", "mov"])
WEBM_CONTAINERS = frozenset(["webm", "weba"])
OGG_CONTAINERS = frozenset(["ogg", "ogv", "oga", "opus"])
# Matroska is played by Chromium, and by some versions of Firefox.
CONTAINERS: dict[str, Playability] = {
    **dict.fromkeys(ISO_CONTAINERS | WEBM_CONTAINERS | OGG_CONTAINERS, YES),
    **dict.fromkeys(("mp3", "wav", "flac", "aac"), YES),
    **dict.fromkeys(("mkv", "mka"), MAYBE),
    **dict.fromkeys(("aif", "aiff", "caf", "ts"), MAYBE),  # Safari
}
VIDEO_CODECS: dict[str, Playability] = {
    **dict.fromkeys(("h264", "vp8", "vp9", "av1"), YES),
    **dict.fromkeys(("hevc", "theora"), MAYBE),  # Safari, and decoders of the machine; older versions
}
AUDIO_CODECS: dict[str, Playability] = {
    **dict.fromkeys(("aac", "mp3", "opus", "vorbis", "flac", "pcm_s16le", "pcm_u8", "pcm_f32le", "pcm_s24le"), YES),
    **dict.fromkeys(("alac", "ac3", "eac3", "pcm_s16be", "pcm_s24be"), MAYBE),  # Safari
}
# Codecs that only one engine expects in a container.
UNUSUAL_IN: dict[frozenset[str], frozenset[str]] = {
    ISO_CONTAINERS: frozenset(["vp8", "theora", "vorbis", "pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_u8"]),
    WEBM_CONTAINERS: frozenset(["h264", "hevc", "theora", "aac", "mp3", "flac", "ac3", "eac3", "alac"]),
    OGG_CONTAINERS: frozenset(["h264", "hevc", "vp9", "av1", "aac", "mp3"]),
}
# What `canPlayType` takes for codecs that some browsers lack (RFC 6381): a usual profile and level of each.
BROWSER_TYPES: dict[str | None, str] = {
    "hevc": 'video/mp4; codecs="hvc1.1.6.L120.90"',
    "hevc 10-bit": 'video/mp4; codecs="hvc1.2.4.L120.90"',
    "av1": 'video/mp4; codecs="av01.0.08M.08"',
    "av1 10-bit": 'video/mp4; codecs="av01.0.08M.10"',
    "vp9": 'video/mp4; codecs="vp09.00.40.08"',
    "vp9 10-bit": 'video/mp4; codecs="vp09.02.40.10"',
    "h264 10-bit": 'video/mp4; codecs="avc1.6E0028"',
    "theora": 'video/ogg; codecs="theora"',
    "ac3": 'audio/mp4; codecs="ac-3"',
    "eac3": 'audio/mp4; codecs="ec-3"',
    "alac": 'audio/mp4; codecs="alac"',
}
# Decoders of H.264 in hardware have 8 bits and 4:2:0 only; VP9, AV1 and HEVC come with 10 bits too.
DEEP_CODECS = frozenset(["vp9", "av1", "hevc"])


def playability(container: str, video_codec: str | None, audio_codec: str | None) -> Playability:
    """Return whether browsers play a file, by its extension and its codecs as `Video` has them.

    A codec is "" where the file has no such stream, and None where nothing is known; then the container decides.
    """
    container = container.lower().lstrip(".")
    if video_codec is None and audio_codec is None:
        return YES if is_offered(container) else NO
    verdicts = CONTAINERS.get(container, NO), *review_tracks(container, video_codec, audio_codec)
    return max(verdicts, key=ORDER.index)


def review_tracks(container: str, video_codec: str | None, audio_codec: str | None) -> tuple[Playability, Playability]:
    """Return whether browsers decode the picture and the sound of a file; "yes" for one that it lacks or is unknown."""
    container = container.lower().lstrip(".")
    picture = _video_verdict(container, *video_codec.partition(" ")[::2]) if video_codec else YES
    return picture, _codec_verdict(AUDIO_CODECS, container, audio_codec) if audio_codec else YES


def list_browser_types(video_codec: str | None, audio_codec: str | None) -> list[str]:
    """Return the types of media that a browser can be asked about by `canPlayType`, where browsers differ."""
    return [BROWSER_TYPES[codec] for codec in (video_codec, audio_codec) if codec in BROWSER_TYPES]


def is_offered(container: str) -> bool:
    """Return whether files with this extension are given to the player, as far as their names tell."""
    media_type = media_types.MEDIA_TYPES.get(container)
    return media_type is not None and media_type.content_type is not None


def _video_verdict(container: str, codec: str, depth: str) -> Playability:
    verdict = _codec_verdict(VIDEO_CODECS, container, codec)
    is_deep = bool(depth) and not (codec in DEEP_CODECS and depth == "10-bit")
    return max(verdict, MAYBE if is_deep else YES, key=ORDER.index)


def _codec_verdict(codecs: dict[str, Playability], container: str, codec: str) -> Playability:
    is_unusual = any(container in names and codec in unusual for names, unusual in UNUSUAL_IN.items())
    return max(codecs.get(codec, NO), MAYBE if is_unusual else YES, key=ORDER.index)
