"""The story of one download, from claimed to filed away or failed. Runs in a process of its own."""

import errno
import logging
import socket
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from downloads.database import retry_while_database_is_down
from downloads.files import ffmpeg, media_folder, media_types, workspace
from downloads.files.names import safe_name
from downloads.files.subtitles import collect_subtitles
from downloads.intake import duplicates, playlists
from downloads.models import Quality, Queue, StoredFiles, Video
from downloads.progress import message, publisher
from downloads.worker import limits
from downloads.worker.metadata import parse_metadata
from downloads.worker.progress_meter import Meter
from downloads.worker.progress_reporter import Reporter
from downloads.ytdlp import downloader, error_messages
from downloads.ytdlp.results import DownloadedFiles, DownloadError, Playlist
from downloads.ytdlp.streams import StreamUpdate

logger = logging.getLogger(__name__)

UNEXPECTED_ERROR_MESSAGE = "Something went wrong inside ytarchive. The worker's log says where; a retry may help."
DISK_FULL_MESSAGE = "The disk is full: nothing new starts until there is room again."
DISK_FULL_HOLD_SECONDS = 30.0  # seconds that the queue is held at least, whatever the worker sees


class LeaseLost(Exception):
    """The video was cancelled, or is another worker's now: nothing of this attempt counts any more."""


def run_attempt(
    video: Video,
    *,
    proxy_url: str,
    on_progress: Callable[[message.Progress], None],
    on_downloaded: Callable[[], None] = lambda: None,
) -> None:
    """Fetch a claimed video and file it away; whatever happens is written to its row.

    Everything is fetched through `proxy`; `tell` hears of progress besides those who listen on Redis,
    `on_fetched` that nothing more will be asked for.
    """

    def send(state: message.Progress) -> None:
        on_progress(state)
        publisher.publish_progress(video.video_id, state)

    with Reporter(send) as reporter:
        try:
            with workspace.locked_workspace(video.video_id) as folder:
                Attempt(video, folder, proxy_url, reporter, on_downloaded).run()
        except LeaseLost:
            logger.info("%s: no longer ours", video.video_id)
        except workspace.WorkspaceLocked as occupied:
            reason = str(occupied)
            retry_while_database_is_down(lambda: video.release(reason))
        except Exception as error:
            reporter.flush_and_close()
            _record_failure(video, error)
    if video.is_terminal:
        workspace.remove_workspace(video.video_id)


def _record_failure(video: Video, error: Exception) -> None:
    """End an attempt that met an error: the video fails, or waits for a better time."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        logger.warning("%s: %s", video.video_id, error)
        workspace.delete_reserve_file(video.video_id)
        # Not in the worker's name, which lets its own hold go as soon as it sees room: a quota shows none.
        retry_while_database_is_down(
            lambda: Queue.hold(f"{socket.gethostname()} {video.video_id}", DISK_FULL_MESSAGE, DISK_FULL_HOLD_SECONDS)
        )
        retry_while_database_is_down(lambda: video.release(DISK_FULL_MESSAGE))
        return
    words = _failure_message(video, error)
    # A name that is unknown today is looked up once more: resolvers have bad moments.
    once_more = words.startswith(error_messages.UNKNOWN_HOST_PREFIX) and video.tries == 0
    may_pass = isinstance(error, DownloadError) and (once_more or not error.permanent)
    if may_pass:
        schedule_retry(video, words)
    else:
        retry_while_database_is_down(lambda: video.fail(words))


def schedule_retry(video: Video, message: str) -> None:
    """Have a video wait for another try; one that is getting on has all of its tries again."""
    advanced = workspace.has_gained_bytes(video.video_id)
    retry_while_database_is_down(lambda: video.retry_later(message, made_progress=advanced))


def _failure_message(video: Video, error: Exception) -> str:
    """Return what a person reads of a failure; a bug's own words are for the log."""
    if isinstance(error, DownloadError):
        logger.info("%s failed: %s", video.video_id, error)
        return str(error)
    logger.error("%s failed by a bug", video.video_id, exc_info=error)
    return UNEXPECTED_ERROR_MESSAGE


class Attempt:
    """One attempt, told from beginning to end by `play`."""

    def __init__(
        self, video: Video, folder: Path, proxy_url: str, reporter: Reporter, on_downloaded: Callable[[], None]
    ) -> None:
        self.video = video
        self.folder = folder
        self.proxy_url = proxy_url
        self.reporter = reporter
        self.on_downloaded = on_downloaded
        self.meter = Meter(video.attempt)
        self.is_processing = False

    def run(self) -> None:
        """Look up, describe, fetch, check, file away; raise DownloadError, or Fenced when it is ours no more."""
        self._enter_phase("looking up")
        wanted = {"quality": self.video.quality, "subtitle_languages": self.video.subtitles or settings.SUBTITLES}
        found = downloader.probe_url(self.video.url, self.folder, proxy_url=self.proxy_url, **wanted)
        if isinstance(found, Playlist):
            listing = found
            require_lease(retry_while_database_is_down(lambda: playlists.expand_playlist(self.video, listing)))
            return
        known = parse_metadata(found.info)
        require_lease(retry_while_database_is_down(lambda: duplicates.save_metadata_or_skip(self.video, known)))
        if self.video.is_terminal:
            return
        limits.require_within_limits(self.video.duration, sum(stream.expected_bytes or 0 for stream in found.streams))
        self.meter.set_streams(found.streams)
        fetched = downloader.download_files(
            found, self._on_stream_update, lambda: self._enter_processing_phase("merging")
        )
        self._enter_processing_phase("filing")
        _require_playable(fetched)
        filed, ready = self._assemble_files(fetched)
        media_folder.fsync_folder(ready)
        self.reporter.flush_and_close()
        ready = media_folder.stage(ready, self.video.video_id)
        require_lease(
            retry_while_database_is_down(
                lambda: self.video.finish(filed, lambda: media_folder.install(ready, self.video.video_id))
            )
        )
        media_folder.remove_replaced(ready)

    def _on_stream_update(self, update: StreamUpdate) -> None:
        self.meter.update(update, time.monotonic())
        limits.require_within_limits(None, self.meter.downloaded_bytes)
        self.reporter.report(self.meter.to_progress())

    def _enter_phase(self, phase: str) -> None:
        self.meter.enter_phase(phase)
        self.reporter.report(self.meter.to_progress())

    def _enter_processing_phase(self, phase: str) -> None:
        """Enter a phase after the fetching; the first of them moves the row on."""
        if not self.is_processing:
            require_lease(retry_while_database_is_down(lambda: self.video.start_processing(phase)))
            self.is_processing = True
            self.on_downloaded()
        self._enter_phase(phase)

    def _assemble_files(self, downloaded: DownloadedFiles) -> tuple[StoredFiles, Path]:
        """Gather what is kept in one folder, under names for people."""
        ready = self.folder / "ready"
        ready.mkdir()
        name = safe_name(self.video.title)
        media = media_folder.link_or_move(downloaded.media, ready / f"{name}.{self._media_extension(downloaded.media)}")
        thumbnail = self._prepare_thumbnail(downloaded, media, ready, name)
        subtitles = collect_subtitles(downloaded.subtitle_files, ready, name)
        if downloaded.info_json:
            downloaded.info_json.rename(ready / f"{name}.info.json")
        filed = StoredFiles(
            media_file=f"{self.video.video_id}/{media.name}",
            size=media.stat().st_size,
            thumbnail=f"{self.video.video_id}/{thumbnail.name}" if thumbnail else "",
            tracks=[{"language": code, "file": f"{self.video.video_id}/{file}"} for code, file in subtitles.items()],
            duration=ffmpeg.read_duration(media) if self.video.duration is None else None,
        )
        return filed, ready

    def _media_extension(self, media: Path) -> str | None:
        kind = media_types.media_extension(media)
        of_sound = media_types.AUDIO_ONLY_EXTENSIONS.get(kind or "")
        return of_sound if of_sound and self.video.quality == Quality.AUDIO and ffmpeg.is_audio_only(media) else kind

    def _prepare_thumbnail(
        self, downloaded: DownloadedFiles, media: Path, prepared_folder: Path, stem: str
    ) -> Path | None:
        """Keep the site's picture, or take one from the video; None where there is neither."""
        if downloaded.thumbnail and (
            kind := media_types.thumbnail_extension(downloaded.thumbnail)
        ):  # too large is none either
            return downloaded.thumbnail.rename(prepared_folder / f"{stem}.{kind}")
        picture = prepared_folder / f"{stem}.jpg"
        return picture if ffmpeg.extract_frame(media, picture) else None


def require_lease(is_lease_held: bool) -> None:
    if not is_lease_held:
        raise LeaseLost


def _require_playable(downloaded: DownloadedFiles) -> None:
    """Raise DownloadError unless the file is media that can be played."""
    if media_types.media_extension(downloaded.media) is None:
        raise DownloadError(f"The site sent a {downloaded.media.suffix or 'nameless'} file, which is no video.", True)
    if complaint := ffmpeg.validation_error(downloaded.media):
        raise DownloadError(f"What the site sent is no video that can be played.\n{complaint}", True)
