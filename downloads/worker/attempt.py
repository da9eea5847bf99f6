"""One attempt at a download, from the claimed row to the stored files or the recorded failure.

Runs in a process of its own, see `child`.
"""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.db import Error as DatabaseError

from downloads.database import retry_while_database_is_down
from downloads.database.outages import describe_outage
from downloads.files import media_folder, workspace
from downloads.intake import urls
from downloads.models import Video
from downloads.models.archive.identity import require_own_media_folder
from downloads.models.removal import RemovalError
from downloads.progress import publisher
from downloads.progress.message import Progress
from downloads.worker import entry_attempt, limits
from downloads.worker.folders import faults, space
from downloads.worker.leased_video import LeasedVideo, LeaseLost
from downloads.worker.metadata import parse_metadata
from downloads.worker.progress_meter import Meter
from downloads.worker.progress_reporter import Reporter
from downloads.worker.storage import inspection, preparation
from downloads.ytdlp import downloader
from downloads.ytdlp.errors import error_messages
from downloads.ytdlp.errors.conversion import name_interruption
from downloads.ytdlp.results import (
    DownloadedFiles,
    DownloadError,
    NotYetAvailable,
    Playlist,
    PlaylistEntry,
    ProbeResult,
    SiteError,
    UnforeseenError,
)
from downloads.ytdlp.streams import StreamUpdate

logger = logging.getLogger(__name__)

UNEXPECTED_ERROR_MESSAGE = "Something went wrong in ytarchive. Retry; if it happens again, see the log."


def run_attempt(
    video: Video,
    *,
    proxy_url: str,
    on_progress: Callable[[Progress], None],
    on_downloaded: Callable[[], None] = lambda: None,
) -> None:
    """Download a claimed video and store its files; every outcome, errors included, is written to its row.

    All requests go through the proxy at `proxy_url`. `on_progress` receives each state that is also published
    on Redis; `on_downloaded` is called once when no more bytes are expected.
    """

    def send_progress(state: Progress) -> None:
        on_progress(state)
        publisher.publish_progress(video.video_id, state)

    leased_video = LeasedVideo(video)
    with Reporter(send_progress) as reporter:
        try:
            with workspace.locked_workspace(video.video_id) as folder:
                Attempt(leased_video, folder, proxy_url, reporter, on_downloaded).run()
        except LeaseLost:
            logger.info("%s: lease lost, attempt abandoned", video.video_id)
        except workspace.WorkspaceLocked as error:
            leased_video.release(str(error))
        except Exception as error:
            reporter.flush_and_close()
            _record_failure(leased_video, error)
    if leased_video.video.is_terminal or leased_video.is_removed:
        workspace.remove_workspace(video.video_id)


def _record_failure(leased_video: LeasedVideo, error: Exception) -> None:
    """End an attempt that raised `error`: fail the video, schedule a retry, or wait until the folders can be used."""
    if sentence := faults.find_fault(error):
        faults.pause_for_fault(leased_video, error, sentence)
        return
    if isinstance(error, DatabaseError) and (sentence := describe_outage(error)):
        logger.warning("%s is put back into the queue: %s", leased_video.video.video_id, error)
        leased_video.release(sentence)
        return
    if isinstance(error, SiteError) and error.asks_for_pause and leased_video.video.host:
        logger.info("%s waits for its site: %s", leased_video.video.video_id, error)
        leased_video.wait_for_site(error)
        return
    error = name_interruption(faults.explain_file_limit(error))
    message = _failure_message(leased_video, error)
    if isinstance(error, DownloadError) and not error.permanent and not _is_repeated(leased_video, message):
        leased_video.retry_later(message)
    elif not (error_messages.is_members_only(message) and _remove_if_members_only(leased_video)):
        leased_video.fail(message)


def _remove_if_members_only(leased_video: LeasedVideo) -> bool:
    """Remove a members-only video that only subscriptions want; False for any other, or if it cannot be removed."""
    try:
        return leased_video.remove_members_only()
    except RemovalError as error:
        logger.warning("%s is for members only, and could not be removed: %s", leased_video.video.video_id, error)
        return False


def _is_repeated(leased_video: LeasedVideo, message: str) -> bool:
    """Return whether the attempt before failed with the same error at the same byte: it will do so again."""
    if error_messages.is_transient(message) or leased_video.has_gained_bytes():
        return False
    previous_error = retry_while_database_is_down(leased_video.video.previous_error)
    return error_messages.is_same_error(message, previous_error)


def _failure_message(leased_video: LeasedVideo, error: Exception) -> str:
    """Return the message for people; the traceback of a bug goes to the log only."""
    video = leased_video.video
    if isinstance(error, UnforeseenError) and not leased_video.has_failed_with(str(error)):
        logger.error("%s failed unforeseen, and may be retried: %s", video.video_id, error, exc_info=error.__cause__)
    elif isinstance(error, DownloadError):
        logger.info("%s failed: %s", video.video_id, error)
    else:
        logger.error("%s failed because of a bug", video.video_id, exc_info=error)
        return UNEXPECTED_ERROR_MESSAGE
    return str(error)


class Attempt:
    """One run of a download; `run` is the whole sequence."""

    def __init__(
        self,
        leased_video: LeasedVideo,
        folder: Path,
        proxy_url: str,
        reporter: Reporter,
        on_downloaded: Callable[[], None],
    ) -> None:
        self.leased_video = leased_video
        self.folder = folder
        self.proxy_url = proxy_url
        self.reporter = reporter
        self.on_downloaded = on_downloaded
        self.meter = Meter(self.video.attempt)
        self.is_processing = False
        self.space_plan: space.SpacePlan | None = None

    @property
    def video(self) -> Video:
        """The row as last written; write to it through `leased_video`."""
        return self.leased_video.video

    def run(self) -> None:
        """Probe the URL, save its metadata, download, check and store the files.

        Raise DownloadError when the site or a limit prevents it, LeaseLost when the video is no longer ours.
        """
        try:
            entry_attempt.run_with_fresh_entry(self.leased_video, self.folder, self.proxy_url, self._run_once)
        except NotYetAvailable as not_yet:
            self.reporter.flush_and_close()
            self.leased_video.wait_for_release(not_yet)
        except space.NotEnoughSpace as shortage:
            self.reporter.flush_and_close()
            self.leased_video.postpone(str(shortage), space.WAIT_SECONDS, needed_bytes=shortage.needed_bytes)

    def _run_once(self, entry: PlaylistEntry | None) -> None:
        probe_result = self._probe_url(entry)
        if isinstance(probe_result, Playlist):
            self.leased_video.expand_playlist(probe_result)
            return
        self.leased_video.save_metadata(parse_metadata(probe_result.info))
        if self.video.is_terminal:  # a duplicate
            return
        self._store_files(self._download_files(probe_result))

    def _probe_url(self, entry: PlaylistEntry | None) -> ProbeResult | Playlist:
        self._enter_phase("looking up")
        return downloader.probe_url(
            urls.with_ascii_host(self.video.url),
            self.folder,
            proxy_url=self.proxy_url,
            quality=self.video.quality,
            subtitle_languages=self.video.subtitle_languages or settings.SUBTITLES,
            entry=entry,
            playlist_limit=self.video.list_limit,
        )

    def _download_files(self, probe_result: ProbeResult) -> DownloadedFiles:
        expected_bytes = sum(stream.expected_bytes or 0 for stream in probe_result.streams)
        limits.require_within_limits(self.video.duration, expected_bytes)
        self.space_plan = space.SpacePlan(self.leased_video, probe_result)
        self.space_plan.require(expected_bytes)
        self.meter.set_streams(probe_result.streams)
        return downloader.download_files(
            probe_result, self._on_stream_update, lambda: self._enter_processing_phase("merging")
        )

    def _store_files(self, downloaded: DownloadedFiles) -> None:
        """Check the files and move them into the media folder, in the transaction that completes the row."""
        self._enter_processing_phase("filing")
        stored_files, prepared_folder = preparation.inspect_and_prepare(self.video, downloaded, self.folder)
        media_folder.fsync_folder(prepared_folder)
        retry_while_database_is_down(require_own_media_folder)
        staged_folder = media_folder.stage(prepared_folder, self.video.video_id, lambda: self._enter_phase("saving"))
        media_folder.set_modes(staged_folder)
        self.reporter.flush_and_close()
        for sentence in [*inspection.describe_early_end(downloaded.media), *downloaded.subtitle_omissions]:
            self.leased_video.record_note(sentence)

        def install() -> None:
            require_own_media_folder()  # its disk may have been unmounted since
            media_folder.install(staged_folder, self.video.video_id)

        self.leased_video.finish(stored_files, install)
        media_folder.remove_replaced(staged_folder)

    def _on_stream_update(self, update: StreamUpdate) -> None:
        self.meter.update(update, time.monotonic())
        limits.require_within_limits(None, self.meter.downloaded_bytes)
        progress = self.meter.to_progress()
        if self.space_plan:
            self.space_plan.update(
                update.total_bytes and self.meter.estimate_total_bytes(), update.completed_fraction()
            )
        self.reporter.report(progress)

    def _enter_phase(self, phase: str) -> None:
        self.meter.enter_phase(phase)
        self.reporter.report(self.meter.to_progress())

    def _enter_processing_phase(self, phase: str) -> None:
        """Enter a phase after the download; the first of them sets the row to processing."""
        if not self.is_processing:
            self.leased_video.start_processing(phase)
            self.is_processing = True
            self.on_downloaded()
        self._enter_phase(phase)
