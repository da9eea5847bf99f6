"""Room for a download: what it needs on each disk, compared with what is free before its bytes are fetched."""

import dataclasses
import shutil
import socket
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Sum

from downloads.database import advisory_lock, retry_while_database_is_down
from downloads.files import workspace
from downloads.files.volumes import moving, probe
from downloads.models import QueuePosition, Video
from downloads.worker.leased_video import LeasedVideo, LeaseLost
from downloads.ytdlp.results import ProbeResult

WAIT_SECONDS = 3600.0  # until it is looked up again, unless there is room sooner
WAIT_PREFIX = "Waiting for space in the "
WOKEN_REASON = "There is space for it now"
MIN_GROWTH = 1.05  # of an estimate, before it is compared again
MIN_FRACTION = 0.05  # of a download in fragments, before its estimate counts


class NotEnoughSpace(Exception):
    """There is no room for a video now; the message is a sentence for people.

    No OSError, which yt-dlp would take for one of its own.
    """

    def __init__(self, label: str, needed_bytes: int, free_bytes: int) -> None:
        super().__init__(
            f"{WAIT_PREFIX}{label}: this video needs {_format_size(needed_bytes)}, "
            f"and {_format_size(max(0, free_bytes))} is free."
        )
        self.needed_bytes = needed_bytes


@dataclasses.dataclass(frozen=True)
class Need:
    """Bytes that a download still needs in a folder, and how many are free there for it."""

    label: str
    needed_bytes: int
    free_bytes: int


class SpacePlan:
    """The room that one download needs; `require(total_bytes)` compares it, and reserves it in the row."""

    def __init__(self, leased_video: LeasedVideo, probe_result: ProbeResult) -> None:
        self._leased_video = leased_video
        self._compared_bytes = 0.0
        protocol = str(probe_result.info.get("protocol"))
        # Streams are merged, and what comes in fragments is repaired, into a second file beside the first.
        self._is_rewritten = len(probe_result.streams) > 1 or protocol not in ("http", "https")
        # Asked by a trial: two mounts of one file system look the same, and files cannot be renamed between them.
        self._is_copied = not moving.can_rename(
            Path(settings.WORK_ROOT), Path(settings.MEDIA_ROOT), f"{probe.probe_name()}-plan"
        )

    def update(self, total_bytes: float | None, completed_fraction: float | None) -> None:
        """Compare an estimate that has come up, or has grown, while the bytes arrive."""
        if completed_fraction is not None and completed_fraction < MIN_FRACTION:
            return
        if total_bytes and total_bytes > self._compared_bytes * MIN_GROWTH:
            self.require(total_bytes)

    def require(self, total_bytes: float) -> None:
        """Raise NotEnoughSpace if there is no room for a video of `total_bytes`; 0 stands for an unknown size."""
        if not total_bytes:
            return
        self._compared_bytes = total_bytes
        needs = self._list_needs(round(total_bytes))
        shortage = retry_while_database_is_down(lambda: self._reserve(needs, round(total_bytes)))
        if shortage:
            raise NotEnoughSpace(shortage.label, shortage.needed_bytes, shortage.free_bytes)

    def _list_needs(self, total_bytes: int) -> list[Need]:
        present_bytes = min(total_bytes, workspace.count_resumable_bytes(self._leased_video.video.video_id))
        work_bytes = total_bytes - present_bytes + (total_bytes if self._is_rewritten else 0)
        media_bytes = total_bytes if self._is_copied else 0
        work, media = Path(settings.WORK_ROOT), Path(settings.MEDIA_ROOT)
        if work.stat().st_dev == media.stat().st_dev:
            return [Need(probe.WORK_LABEL, work_bytes + media_bytes, _count_free_bytes(work))]
        return [
            Need(probe.WORK_LABEL, work_bytes, _count_free_bytes(work)),
            Need(probe.MEDIA_LABEL, media_bytes, _count_free_bytes(media)),
        ]

    def _reserve(self, needs: list[Need], total_bytes: int) -> Need | None:
        """Write the planned size into the row, or return what is short; one download at a time."""
        video = self._leased_video.video
        with transaction.atomic():
            advisory_lock("disk space")
            for need in needs:
                free_bytes = need.free_bytes - count_bytes_of_others(need.label, video.pk)
                if need.needed_bytes > free_bytes:
                    return dataclasses.replace(need, free_bytes=free_bytes)
            if not video.renew_lease(total_bytes=total_bytes):
                raise LeaseLost
        return None


def count_bytes_of_others(label: str, pk: int | None = None) -> int:
    """Sum the bytes that running downloads still fetch into a folder: of this host for work, of all for media."""
    running = Video.objects.active().exclude(pk=pk).filter(total_bytes__isnull=False)
    if label == probe.WORK_LABEL:
        running = running.filter(worker__startswith=f"{socket.gethostname()}:")
    sums = running.aggregate(total=Sum("total_bytes"), done=Sum("downloaded_bytes"))
    return max(0, (sums["total"] or 0) - (sums["done"] or 0))


def wake_waiting_videos() -> None:
    """Let the videos that wait for room start as soon as it is there, the first of the queue first."""
    for label, folder in probe.labelled_folders().items():
        waiting = Video.objects.waiting().filter(wait_reason__startswith=f"{WAIT_PREFIX}{label}", total_bytes__gt=0)
        videos = list(waiting.exclude(not_before=None))
        if not videos:
            continue
        free_bytes = _count_free_bytes(folder) - count_bytes_of_others(label)
        for video in videos:
            if (video.total_bytes or 0) <= free_bytes:
                free_bytes -= video.total_bytes or 0
                video.restore_position(WOKEN_REASON, QueuePosition(video.priority, None))


def _count_free_bytes(folder: Path) -> int:
    """Return the bytes that downloads may fill: what is free without those that are kept free."""
    return shutil.disk_usage(folder).free - settings.MIN_FREE_BYTES


def _format_size(byte_count: int) -> str:
    return f"{byte_count / 1e9:.1f} GB" if byte_count >= 999_500_000 else f"{byte_count / 1e6:.1f} MB"
