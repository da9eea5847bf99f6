"""The player of a video's page: which file it plays, and what browsers cannot decode of it."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from downloads.files import media_folder, media_types
from downloads.files.codecs.playability import Playability, list_browser_types, review_tracks
from downloads.models import PlayableCopy, Quality, Status, Video
from downloads.subtitles import collection


@dataclasses.dataclass(frozen=True)
class Player:
    """The playback of a video's file: a "video", "audio", or of an "other" type for other programs; or it is "gone"."""

    kind: str
    version: str = ""  # changes with the file, for the browser's cache
    tracks: list[dict[str, str]] = dataclasses.field(default_factory=list)  # the preferred first
    url_name: str = "media"  # "copy" for a playable copy
    lacks_sound: bool = False  # no browser decodes the sound
    browser_types: str = ""  # types of media that this browser may lack, separated by "|"

    @property
    def is_playable(self) -> bool:
        """Return whether browsers can play the file."""
        return self.kind in ("video", "audio")

    @property
    def is_copy(self) -> bool:
        """Return whether a playable copy is played in place of the original."""
        return self.url_name == "copy"


def build_player(
    video: Video, copy: PlayableCopy | None = None, visitor_languages: Sequence[str] = ()
) -> Player | None:
    """Return the player for a video's file, or for its playable copy once there is one; None while there is no file.

    Its subtitles are in the order of the visitor's languages, then in that in which they were asked for.
    """
    if not video.media_file:
        return None
    path = media_folder.find_file(video.media_file)
    if path is None:
        return Player("gone")
    tracks = _subtitle_tracks(video, visitor_languages)
    copy_path = media_folder.find_file(copy.file) if copy and copy.status == Status.COMPLETE else None
    if copy_path:
        kind = "audio" if media_types.get_content_type(copy_path).startswith("audio/") else "video"
        return Player(kind, _version_of(copy_path), tracks, "copy")
    kind = _player_kind(video, path)
    picture, sound = review_tracks(path.suffix, video.video_codec, video.audio_codec)
    if (sound if kind == "audio" else picture) == Playability.NO:
        kind = "other"
    types = list_browser_types(video.video_codec, video.audio_codec)
    return Player(
        kind,
        _version_of(path),
        tracks,
        lacks_sound=kind == "video" and sound == Playability.NO,
        browser_types="|".join(types),
    )


def _version_of(path: Path) -> str:
    return f"{path.stat().st_mtime_ns:x}"


def _subtitle_tracks(video: Video, visitor_languages: Sequence[str]) -> list[dict[str, str]]:
    wanted_codes = [code.strip().lower() for code in video.subtitle_languages.split(",")]
    preferred_codes = [code.lower() for code in visitor_languages]
    codes = sorted(
        collection.existing_files_by_language(video.subtitle_files),
        key=lambda code: (_rank_preference(code, preferred_codes), _rank(code, wanted_codes)),
    )
    return [{"language": code, "label": collection.language_label(code)} for code in codes]


def _rank(code: str, wanted_codes: list[str]) -> int:
    """Return the place of a language in what was asked for; "en-GB" has that of "en", unless it was named itself."""
    names = (code.lower(), code.lower().partition("-")[0])
    return min((wanted_codes.index(name) for name in names if name in wanted_codes), default=len(wanted_codes))


def _rank_preference(code: str, languages: list[str]) -> float:
    """Return the place of a language among those of the visitor; whoever prefers "en-GB" is served by "en" next."""
    if code.lower() in languages:
        return languages.index(code.lower())
    bases = [language.partition("-")[0] for language in languages]
    base = code.lower().partition("-")[0]
    return bases.index(base) + 0.5 if base in bases else len(languages)


def _player_kind(video: Video, path: Path) -> str:
    content_type = media_types.get_content_type(path)
    if not content_type.startswith(("audio/", "video/")):
        return "other"
    if video.has_video is not None:
        return "video" if video.has_video else "audio"
    may_be_audio = video.quality == Quality.AUDIO and media_types.may_lack_video(path)
    return "audio" if may_be_audio or content_type.startswith("audio/") else "video"
