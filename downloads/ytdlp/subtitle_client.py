"""Part of the client of yt-dlp that chooses and downloads subtitles, and converts them to WebVTT.

Nothing about subtitles fails a video: what cannot be kept is left out, with a reason for people.
"""

import http.client
import io
import logging
import re
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from downloads.files.volumes.errors import is_storage_fault
from downloads.subtitles import languages
from downloads.subtitles.collection import MAX_SUBTITLE_BYTES
from downloads.subtitles.conversion import UnusableSubtitles, convert_segment, convert_to_webvtt
from downloads.ytdlp.errors.error_messages import PROXY_ERROR_PATTERN, walk_causes
from downloads.ytdlp.options import OUTPUT_STEM
from downloads.ytdlp.selected_ytdlp import HTTPError, Request, Response, TransportError, YoutubeDLError

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10.0
MAX_TRACK_SECONDS = 60.0
READ_CHUNK_BYTES = 1024  # small, since a slow response fills it before the time is looked at
MAX_TRANSPORT_ERRORS = 3  # of all subtitles of a video; then the others are not asked for
MAX_TRACKS_TRIED = 4  # of one language
# The earlier formats lose the least in a conversion, and are the smallest.
FORMAT_ORDER = ("vtt", "srt", "ttml", "dfxp", "tt", "ass", "ssa", "json3", "srv3", "srv2", "srv1", "lrc", "smi")
FORCED_PATTERN = re.compile(r"\bforced\b|\bcommentary\b", re.IGNORECASE)
STATUS_REASONS = {
    401: "you need to sign in on the site for them (401)",
    403: "the site refused (403)",
    404: "not found (404)",
    410: "removed (410)",
    429: "too many requests (429)",
}


class SubtitleClient:
    """Mixin of `YoutubeDL`: subtitles in the languages of `params["subtitleslangs"]`, as "media.<language>.vtt".

    `subtitle_omissions` has a sentence for each language that was left out.
    """

    params: dict[str, Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.subtitle_omissions: list[str] = []
        self._fragment_language: str | None = None  # while the pieces of subtitles are downloaded
        self._transport_errors = 0
        super().__init__(*args, **kwargs)

    def process_subtitles(self, video_id: str, normal_subtitles: Any, automatic_captions: Any) -> Any:
        """Return the tracks of each wanted language that the site has, the best first."""
        available = {str(name): tracks for name, tracks in (normal_subtitles or {}).items() if tracks}
        wanted_languages = self.params.get("subtitleslangs") or [] if self.params.get("writesubtitles") else []
        matches = {wanted: languages.rank_matches(wanted, available) for wanted in wanted_languages}
        return {
            wanted: {"tracks": [(name, track) for name in names for track in _sort_tracks(available[name])]}
            for wanted, names in matches.items()
            if names
        } or None

    def _write_subtitles(self, info_dict: dict[str, Any], filename: str) -> list[Any]:
        """Download and convert the best usable track of each language; a failure is noted, and fails nothing."""
        folder, kept_tags = Path(filename).parent, set[str]()
        for wanted, selection in (info_dict.get("requested_subtitles") or {}).items():
            reasons: list[str] = []
            for name, track in selection["tracks"][:MAX_TRACKS_TRIED]:
                tag = languages.normalize_language(name) or wanted
                # Another wanted language may have taken this one.
                reason = "" if tag in kept_tags else self._keep_track(track, tag, info_dict, folder)
                if not reason:
                    kept_tags.add(tag)
                    break
                reasons.append(reason)
            else:
                self.subtitle_omissions.append(
                    f"Subtitles in {languages.english_name(wanted)} were left out: {reasons[0]}."
                )
        return []

    def _keep_track(self, track: dict[str, Any], tag: str, info: dict[str, Any], folder: Path) -> str:
        """Download and convert one track; return "", or the reason for people why it cannot be kept."""
        try:
            text = self._fetch_as_webvtt(track, tag, info, folder)
            (folder / f"{OUTPUT_STEM}.{tag}.vtt").write_text(text, "utf-8", newline="\n")
        except Exception as error:  # nothing about subtitles fails a video
            if is_storage_fault(error):  # of the disk: the whole video waits
                raise
            logger.info("Subtitles in %s were left out", tag, exc_info=error)
            return _explain(error)
        return ""

    def _fetch_as_webvtt(self, track: dict[str, Any], tag: str, info: dict[str, Any], folder: Path) -> str:
        if track.get("data") is not None:
            return convert_to_webvtt(str(track["data"]).encode("utf-8", "replace"), charset="utf-8", language=tag)
        if self._transport_errors >= MAX_TRANSPORT_ERRORS:
            raise TransportError("timed out")
        track = {**track, "http_headers": track.get("http_headers") or info.get("http_headers") or {}}
        if track.get("protocol") in (None, "http", "https"):
            data, charset = self._fetch_file(track)
            return convert_to_webvtt(data, charset=charset, language=tag)
        return convert_to_webvtt(self._fetch_fragments(track, tag, folder), language=tag)

    def _fetch_file(self, track: dict[str, Any]) -> tuple[bytes, str]:
        """Return the bytes of a file and the character set that the server declares; again if it is cut."""
        request = Request(track["url"], headers=track["http_headers"], extensions={"timeout": _timeout_seconds()})
        while True:
            try:
                response = self.urlopen(request)
                return _read_limited(response), _declared_charset(response)
            except TransportError:
                self._transport_errors += 1
                if self._transport_errors >= MAX_TRANSPORT_ERRORS:
                    raise

    def _fetch_fragments(self, track: dict[str, Any], tag: str, folder: Path) -> bytes:
        """Return subtitles that come in pieces, joined by yt-dlp."""
        path = folder / f"subtitles.{tag}.vtt"
        self._fragment_language = tag
        try:
            self.dl(str(path), {**track, "ext": "vtt"}, subtitle=True)  # type: ignore[attr-defined]
            return path.read_bytes()
        finally:
            self._fragment_language = None
            path.unlink(missing_ok=True)

    def urlopen(self, req: Any) -> Any:
        """Send a request; pieces of subtitles are converted to WebVTT, since yt-dlp joins only valid ones."""
        if self._fragment_language is None:
            return super().urlopen(req)  # type: ignore[misc]
        if self._transport_errors >= MAX_TRANSPORT_ERRORS:
            raise TransportError("timed out")
        request = Request(req) if isinstance(req, str) else req.copy()
        request.extensions["timeout"] = _timeout_seconds()
        try:
            response = super().urlopen(request)  # type: ignore[misc]
            data = _read_limited(response)
        except TransportError:
            self._transport_errors += 1
            raise
        data = convert_segment(data, charset=_declared_charset(response), language=self._fragment_language)
        return Response(io.BytesIO(data), response.url, {}, response.status)


def _sort_tracks(tracks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the tracks of one name: complete ones before those for foreign words only, then by format."""

    def rank(track: dict[str, Any]) -> tuple[bool, int]:
        extension = str(track.get("ext") or "").lower()
        order = FORMAT_ORDER.index(extension) if extension in FORMAT_ORDER else len(FORMAT_ORDER)
        return bool(FORCED_PATTERN.search(f"{track.get('name')} {track.get('url')}")), order

    return sorted((track for track in tracks if track.get("url") or track.get("data") is not None), key=rank)


def _timeout_seconds() -> float:
    """Return the timeout of a request: all that are allowed to fail take less time than a stalled download."""
    return min(TIMEOUT_SECONDS, settings.STALL_SECONDS / (MAX_TRANSPORT_ERRORS + 2))


def _read_limited(response: Any) -> bytes:
    """Read a response up to the limits of size and time; raise TransportError if it is cut off."""
    data, deadline = bytearray(), time.monotonic() + MAX_TRACK_SECONDS
    while len(data) <= MAX_SUBTITLE_BYTES and (chunk := response.read(READ_CHUNK_BYTES)):
        data += chunk
        if time.monotonic() > deadline:
            raise TransportError("timed out")
    expected = response.headers.get("Content-Length") or ""
    is_plain = (response.headers.get("Content-Encoding") or "identity") == "identity"
    if is_plain and expected.isdigit() and len(data) < min(int(expected), MAX_SUBTITLE_BYTES):
        raise TransportError("the connection was cut")
    return bytes(data)


def _declared_charset(response: Any) -> str:
    match = re.search(r"charset\s*=\s*[\"']?([\w.:-]+)", response.headers.get("Content-Type") or "", re.IGNORECASE)
    return match[1] if match else ""


def _explain(error: Exception) -> str:
    """Return the reason in words for an error with a track."""
    if isinstance(error, UnusableSubtitles):
        return f"the site sent {error} instead"
    message = str(error)
    if proxy_error := PROXY_ERROR_PATTERN.search(message):
        return proxy_error[1].strip()
    status = next((cause.status for cause in walk_causes(error) if isinstance(cause, HTTPError)), None)
    if status:
        return STATUS_REASONS.get(status, f"the site answered with an error ({status})")
    if re.search(r"timed out|timeout", message, re.IGNORECASE):
        return "the site did not answer in time"
    if isinstance(error, (TransportError, YoutubeDLError, http.client.HTTPException)):
        return "the connection was cut"
    return "they could not be read"
