"""Plans of a playable copy: which tracks of a file are kept as they are in an MP4, and which are encoded anew."""

import dataclasses

from downloads.files.codecs.playability import Playability, playability, review_tracks

COPY_CONTAINER = "mp4"
AUDIO_COPY_CONTAINER = "m4a"
# What every browser decodes, of whatever age and on whatever machine.
SAFE_CODECS = frozenset(["h264", "aac", "mp3"])


@dataclasses.dataclass(frozen=True)
class CopyPlan:
    """Conversion of each track; both are False for a file without one."""

    extension: str
    encodes_video: bool
    encodes_audio: bool

    @property
    def is_remux(self) -> bool:
        """Return True if no track is encoded: the copy takes seconds, and loses nothing."""
        return not (self.encodes_video or self.encodes_audio)


def list_copy_plans(container: str, video_codec: str, audio_codec: str) -> list[CopyPlan]:
    """Return the plans to try in turn, for a file with these codecs as `MediaInfo` has them ("": no such track).

    The first keeps what browsers decode. For a file of which all is said to be playable, a browser has refused what
    others take: then only what every browser decodes is kept. The last encodes all, for a file whose tracks cannot be
    put into another container as they are.
    """
    extension = COPY_CONTAINER if video_codec else AUDIO_COPY_CONTAINER
    picture, sound = review_tracks(extension, video_codec, audio_codec)
    unsafe = [bool(codec) and codec not in SAFE_CODECS for codec in (video_codec, audio_codec)]
    plans = [
        CopyPlan(extension, picture != Playability.YES, sound != Playability.YES),
        CopyPlan(extension, *unsafe),
        CopyPlan(extension, bool(video_codec), bool(audio_codec)),
    ]
    is_refused = playability(container, video_codec, audio_codec) == Playability.YES
    useful = [plan for plan in plans[1:] if not plan.is_remux] if is_refused else plans
    return list(dict.fromkeys([*useful[:1], plans[-1]]))
