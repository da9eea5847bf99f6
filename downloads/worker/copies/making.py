"""The making of one playable copy, from the claimed row to the stored file. Runs in a process of its own."""

import copy as copying
import logging
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from downloads.database import retry_while_database_is_down
from downloads.files import ffmpeg, media_folder, workspace
from downloads.files.codecs.conversion import ConversionFailed, convert_media
from downloads.files.codecs.copy_plan import CopyPlan, list_copy_plans
from downloads.files.codecs.playability import Playability, playability
from downloads.files.containers import MediaInfo
from downloads.files.ffmpeg import ProgramStopped
from downloads.models import PlayableCopy, Queue
from downloads.models.archive.identity import require_own_media_folder
from downloads.progress import publisher
from downloads.progress.message import Progress
from downloads.worker.folders import faults
from downloads.worker.leased_video import LeaseLost
from downloads.worker.progress_meter import MAX_UNFINISHED_PERCENT
from downloads.worker.progress_reporter import Reporter

logger = logging.getLogger(__name__)

PHASE = "converting"
NO_FFMPEG_MESSAGE = "ffmpeg is not installed on this server. It makes playable copies."
FILE_GONE_MESSAGE = "The file is no longer on the disk."
UNREADABLE_MESSAGE = "ffmpeg finds neither video nor audio in the file."
UNPLAYABLE_RESULT_MESSAGE = "What ffmpeg wrote can’t be played."
UNEXPECTED_ERROR_MESSAGE = "Something went wrong in ytarchive. Try again; if it happens again, see the log."
SPACE_CHECK_INTERVAL_SECONDS = 2.0
BYTES_PER_PIXEL_SECOND = 0.3  # of encoded video: 5 Mbit/s at 1080p
MIN_MEASURED_FRACTION = 0.01  # before its pace is known
MAX_ENCODED_PIXELS = 1920 * 1080


class CopyError(Exception):
    """A reason for people why a copy cannot be made."""


def workspace_name(video_id: str) -> str:
    """Return the name of the folder in which a copy is made; no download has such an id."""
    return f"copy-{video_id}"


def make_copy(job: PlayableCopy, on_progress: Callable[[Progress], None]) -> None:
    """Make a claimed copy; every outcome, errors included, is written to its row."""

    def send_progress(state: Progress) -> None:
        on_progress(state)
        publisher.publish_progress(job.wire_id, state)

    name = workspace_name(job.video.video_id)
    with Reporter(send_progress) as reporter:
        try:
            with workspace.locked_workspace(name) as folder:
                CopyRun(job, folder, reporter).run()
        except LeaseLost:
            logger.info("%s: lease lost, the playable copy is abandoned", job.video.video_id)
        except Exception as error:
            reporter.flush_and_close()
            _record_failure(job, error)
    workspace.remove_workspace(name)


def _record_failure(job: PlayableCopy, error: Exception) -> None:
    """Fail the copy, or put it back into the queue if the folders or a killed program are to blame."""
    video_id = job.video.video_id
    if sentence := faults.find_fault(error):
        workspace.delete_reserve_file(workspace_name(video_id))
        retry_while_database_is_down(
            lambda: Queue.hold(f"{socket.gethostname()} {video_id}", sentence, faults.HOLD_SECONDS)
        )
        retry_while_database_is_down(lambda: copying.copy(job).release(sentence))
    elif isinstance(error, ProgramStopped | workspace.WorkspaceLocked):
        reason = f"{error}."
        retry_while_database_is_down(lambda: copying.copy(job).release(reason))
    else:
        message = _describe_failure(video_id, error)
        retry_while_database_is_down(lambda: copying.copy(job).fail(message))


def _describe_failure(video_id: str, error: Exception) -> str:
    error = faults.explain_file_limit(error)
    if isinstance(error, CopyError):
        logger.info("%s gets no playable copy: %s", video_id, error)
        return str(error)
    if isinstance(error, ConversionFailed):
        logger.info("%s cannot be converted: %s", video_id, error)
        return f"ffmpeg could not convert the file: {error}"
    if isinstance(error, faults.DownloadError):
        return str(error)
    logger.error("%s gets no playable copy because of a bug", video_id, exc_info=error)
    return UNEXPECTED_ERROR_MESSAGE


class CopyRun:
    """One run of a job; `run` is the whole sequence."""

    def __init__(self, job: PlayableCopy, folder: Path, reporter: Reporter) -> None:
        self.job = job
        self.folder = folder
        self.reporter = reporter
        self.started_at = time.monotonic()
        self.space_checked_at = self.started_at
        self.percent: float | None = None

    def run(self) -> None:
        """Convert the original, check the result, and store it beside the original."""
        source, media_info = self._find_source()
        self._report(None)
        plans = list_copy_plans(source.suffix, media_info.video_codec, media_info.audio_codec)
        duration = media_info.duration or self.job.video.duration
        self._require_space(source, media_info, plans[0], duration)
        target = self._convert(source, plans, duration)
        self._store(target)

    def _find_source(self) -> tuple[Path, MediaInfo]:
        source = media_folder.find_file(self.job.video.media_file)
        if source is None:
            retry_while_database_is_down(require_own_media_folder)  # an unmounted disk is no lost file
            raise CopyError(FILE_GONE_MESSAGE)
        if not ffmpeg.find_ffmpeg():
            raise CopyError(NO_FFMPEG_MESSAGE)
        media_info = ffmpeg.inspect_media(source)
        if media_info is None or not media_info.video_codec + media_info.audio_codec:
            raise CopyError(UNREADABLE_MESSAGE)
        return source, media_info

    def _convert(self, source: Path, plans: list[CopyPlan], duration: float | None) -> Path:
        """Return what the first plan that works makes of the source."""
        folder = self.folder / "ready"
        folder.mkdir()
        for plan in plans:
            target = folder / f"{source.stem}.playable.{plan.extension}"
            try:
                convert_media(source, target, plan, lambda seconds: self._on_seconds(seconds, duration))
                require_playable(target)
            except ConversionFailed as error:
                target.unlink(missing_ok=True)
                if plan == plans[-1]:
                    raise
                logger.info("%s: encoding all tracks, since %s", self.job.video.video_id, error)
            else:
                return target
        raise ConversionFailed(UNPLAYABLE_RESULT_MESSAGE)

    def _store(self, target: Path) -> None:
        """Move the copy into the folder of its video, in the transaction that completes the row."""
        details = describe_file(target)
        size = target.stat().st_size
        media_folder.fsync_folder(target.parent)
        retry_while_database_is_down(require_own_media_folder)
        staged_folder = media_folder.stage(target.parent, self.folder.name)
        media_folder.set_modes(staged_folder)
        self.reporter.flush_and_close()
        name = str(Path(self.job.video.media_file).with_name(target.name))

        def install() -> None:
            require_own_media_folder()  # its disk may have been unmounted since
            media_folder.add_file(staged_folder / target.name, name)

        # On a copy of the row, since a transaction that is rolled back leaves the lease of this one.
        if not retry_while_database_is_down(lambda: copying.copy(self.job).finish(name, size, install, details)):
            raise LeaseLost

    # Progress and room --------------------------------------------------------------------------

    def _on_seconds(self, seconds: float, duration: float | None) -> None:
        now = time.monotonic()
        if now - self.space_checked_at > SPACE_CHECK_INTERVAL_SECONDS:
            self.space_checked_at = now
            self._require_free(0)
        self._report(min(1.0, seconds / duration) if duration else None)

    def _report(self, fraction: float | None) -> None:
        """Report the percent, which never decreases, and how long it still takes at the pace so far."""
        eta = None
        if fraction is not None:
            self.percent = max(self.percent or 0.0, round(min(MAX_UNFINISHED_PERCENT, 100 * fraction), 2))
            elapsed_seconds = time.monotonic() - self.started_at
            is_measurable = fraction >= MIN_MEASURED_FRACTION
            eta = round(elapsed_seconds * (1 - fraction) / fraction, 1) if is_measurable else None
        self.reporter.report(Progress(attempt=self.job.attempt, percent=self.percent, eta=eta, phase=PHASE))

    def _require_space(self, source: Path, media_info: MediaInfo, plan: CopyPlan, duration: float | None) -> None:
        needed_bytes = float(source.stat().st_size)
        if plan.encodes_video and duration:
            pixels = min(MAX_ENCODED_PIXELS, (media_info.width or 1920) * (media_info.height or 1080))
            needed_bytes = pixels * BYTES_PER_PIXEL_SECOND * duration
        self._require_free(needed_bytes)

    def _require_free(self, needed_bytes: float) -> None:
        free_bytes = shutil.disk_usage(self.folder).free - settings.MIN_FREE_BYTES
        if free_bytes < needed_bytes or free_bytes < 0:
            raise CopyError(
                f"There is no room for the copy: it needs about {needed_bytes / 1e6:,.0f} MB in the work folder, and "
                f"{max(0, free_bytes) / 1e6:,.0f} MB is free."
                if needed_bytes
                else "There is no more room for the copy in the work folder."
            )


def require_playable(file: Path) -> None:
    """Raise ConversionFailed unless browsers play a file that ffmpeg has written."""
    media_info = ffmpeg.inspect_media(file)
    if media_info is None:
        raise ConversionFailed(UNPLAYABLE_RESULT_MESSAGE)
    verdict = playability(file.suffix, media_info.video_codec, media_info.audio_codec)
    has_streams = bool(media_info.video_codec or media_info.audio_codec)
    if verdict != Playability.YES or not has_streams or ffmpeg.validation_error(file):
        raise ConversionFailed(UNPLAYABLE_RESULT_MESSAGE)


def describe_file(file: Path) -> str:
    """Describe the contents of a copy: "mp4, h264/aac, 12.3 MB"."""
    media_info = ffmpeg.inspect_media(file)
    codecs = [media_info.video_codec, media_info.audio_codec] if media_info else []
    return f"{file.suffix[1:]}, {'/'.join(filter(None, codecs))}, {file.stat().st_size / 1e6:.1f} MB"
