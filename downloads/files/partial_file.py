"""Partial files, which an attempt leaves for the next one to resume, and their resume information.

The resume information is a small JSON file beside the partial file, replaced atomically. It identifies the source
(format, size, ETag, Last-Modified) and, for a download in fragments, has position and digest of the last fragment:
yt-dlp writes its own state file after the bytes, so after a kill in between it would append a fragment twice.
"""

import dataclasses
import glob
import hashlib
import json
import os
import threading
import time
from pathlib import Path
from typing import Any, Self

from downloads.files.fsync import fsync_path

RESUME_INFO_SUFFIX = ".mark"
PARTIAL_SUFFIX = ".part"
YTDLP_STATE_SUFFIX = ".ytdl"  # written by yt-dlp
OVERLAP_BYTES = 64 * 1024  # at the end of a partial file that are fetched again and compared
FSYNC_INTERVAL_SECONDS = 5.0
# On a fast line sooner, so that little is left to be flushed when the last byte has arrived.
FSYNC_BYTES = 64 * 1024 * 1024
FSYNC_POLL_SECONDS = 0.25
BOOT_ID_PATH = Path("/proc/sys/kernel/random/boot_id")


class SourceChanged(Exception):
    """The server now has another file than the one that the partial file belongs to."""


@dataclasses.dataclass(frozen=True)
class Fragment:
    """The last fragment of a partial file: the number of fragments before it, its byte offsets, its SHA-256 digest."""

    before: int
    start: int
    end: int
    digest: str


@dataclasses.dataclass
class ResumeInfo:
    """The identity of a partial file's source, and how many of its bytes are on the disk; the fields are the JSON's."""

    format_id: str
    size: int | None = None
    etag: str = ""
    last_modified: str = ""
    resumable: bool = True
    count: int | None = None
    # yt-dlp's own state of the download, such as that the header of an ISM stream is written.
    extra_state: dict[str, Any] | None = None
    fragment: Fragment | None = None
    # What was flushed to the disk, which counts once the machine has rebooted.
    boot: str = ""
    synced: int = 0
    synced_fragment: Fragment | None = None

    @classmethod
    def from_file(cls, path: Path) -> "ResumeInfo | None":
        """Return the resume information in a JSON file; None if it is missing or invalid."""
        try:
            fields = json.loads(path.read_text())
            for name in ("fragment", "synced_fragment"):
                fields[name] = fields[name] and Fragment(**fields[name])
            return cls(**fields)
        except (OSError, ValueError, TypeError, KeyError):
            return None


class PartialFile:
    """The partial file of one format, a context manager; a thread flushes it to the disk as it grows.

    Entering it resumes what an earlier attempt left, or starts over.
    """

    def __init__(self, path: Path, format_id: str, *, is_fragmented: bool) -> None:
        self.final_path = path
        self.path = path.with_name(path.name + PARTIAL_SUFFIX)
        self.is_fragmented = is_fragmented
        self.resume_info = ResumeInfo(format_id)
        self._expected_fragment: Fragment | None = None
        self._fragment_boundary = (0, 0)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._fsync_error: OSError | None = None
        self._thread = threading.Thread(target=self._fsync_loop, name="fsync", daemon=True)

    def __enter__(self) -> Self:
        self._resume_previous()
        self._thread.start()
        return self

    def __exit__(self, error_type: object, *_: object) -> None:
        self._closing.set()
        self._thread.join()
        if error_type is None and self._fsync_error:
            raise self._fsync_error

    @property
    def _resume_info_path(self) -> Path:
        return self.final_path.with_name(self.final_path.name + RESUME_INFO_SUFFIX)

    @property
    def _ytdlp_state_path(self) -> Path:
        return self.final_path.with_name(self.final_path.name + YTDLP_STATE_SUFFIX)

    def size(self) -> int:
        """Return the number of bytes in the partial file."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def read_tail(self, length: int) -> bytes:
        """Return the last `length` bytes of the partial file."""
        with self.path.open("rb") as file:
            file.seek(-length, os.SEEK_END)
            return file.read()

    def start_over(self, resume_info: ResumeInfo) -> None:
        """Remove the partial file, and start one for the source that `resume_info` identifies."""
        self.path.unlink(missing_ok=True)
        self._ytdlp_state_path.unlink(missing_ok=True)
        for fragment_path in self.path.parent.glob(f"{glob.escape(self.path.name)}-Frag*"):
            fragment_path.unlink(missing_ok=True)
        self._expected_fragment, self._fragment_boundary = None, (0, 0)
        self.resume_info = resume_info
        self._save_resume_info()

    # Resuming -----------------------------------------------------------------------------------------

    def _resume_previous(self) -> None:
        format_id = self.resume_info.format_id
        previous = ResumeInfo.from_file(self._resume_info_path)
        is_resumed = False
        if previous is not None and previous.format_id == format_id and previous.resumable:
            self.resume_info = previous
            is_resumed = self._resume_fragments() if self.is_fragmented else self._resume_file()
        if not is_resumed:
            self.start_over(ResumeInfo(format_id))

    def _resume_file(self) -> bool:
        size = min(self.size(), self._durable_bytes(self.resume_info.synced))
        if self.resume_info.size is not None:
            if size > self.resume_info.size:
                return False
            # The last byte of a complete file is fetched again, so that there is a response to compare.
            size = min(size, self.resume_info.size - 1)
        if size > 0:
            os.truncate(self.path, size)
        return size > 0

    def _resume_fragments(self) -> bool:
        """Remove the last fragment, which must be the same when fetched again; False if it is the first, or damaged."""
        last = self.resume_info.fragment if self._is_same_boot() else self.resume_info.synced_fragment
        if last is None or last.before < 1 or not 0 < last.start < last.end <= self.size():
            return False
        if self._digest_range(self.path, last.start, last.end) != last.digest:
            return False
        os.truncate(self.path, last.start)
        state: dict[str, Any] = {"current_fragment": {"index": last.before}}
        if self.resume_info.extra_state is not None:
            state["extra_state"] = self.resume_info.extra_state
        self._ytdlp_state_path.write_text(json.dumps({"downloader": state}))
        self._expected_fragment, self._fragment_boundary = last, (last.before, last.start)
        return True

    def _is_same_boot(self) -> bool:
        return self.resume_info.boot == _boot_id()

    def _durable_bytes(self, synced_bytes: int) -> int:
        return self.size() if self._is_same_boot() else synced_bytes

    # Fragments ------------------------------------------------------------------------------------------

    def record_fragments(self) -> None:
        """Record the last fragment in the partial file; raise SourceChanged if a fetched-again one differs."""
        try:
            state = json.loads(self._ytdlp_state_path.read_text())["downloader"]
            index = state["current_fragment"]["index"]
        except (OSError, ValueError, KeyError):
            return
        self.resume_info.extra_state = state.get("extra_state")
        self._record_fragment(self.path, int(index))

    def record_last_fragment(self) -> None:
        """Record the last fragment of the complete file; raise SourceChanged if a fetched-again one differs."""
        if self.is_fragmented and self.final_path.is_file():
            self._record_fragment(self.final_path, self._fragment_boundary[0] + 1)

    def _record_fragment(self, path: Path, index: int) -> None:
        size = path.stat().st_size if path.is_file() else 0
        before, start = self._fragment_boundary
        if index <= before or size <= start:
            return
        expected, self._expected_fragment = self._expected_fragment, None
        if expected and self._digest_range(path, expected.start, min(expected.end, size)) != expected.digest:
            raise SourceChanged
        self._fragment_boundary = (index, size)
        self.resume_info.fragment = Fragment(before, start, size, self._digest_range(path, start, size))
        self._save_resume_info()

    def check_fragment_count(self, fragment_count: int | None) -> None:
        """Record the number of fragments; raise SourceChanged if it differs from the recorded one."""
        if fragment_count and fragment_count != self.resume_info.count:
            if self.resume_info.count is not None:
                raise SourceChanged
            self.resume_info.count = fragment_count
            self._save_resume_info()

    @staticmethod
    def _digest_range(path: Path, start: int, end: int) -> str:
        with path.open("rb") as file:
            file.seek(start)
            return hashlib.sha256(file.read(end - start)).hexdigest()

    # Resume information ---------------------------------------------------------------------------------

    def _save_resume_info(self) -> None:
        with self._lock:
            self.resume_info.boot = _boot_id()
            temporary = self._resume_info_path.with_name(f"{self._resume_info_path.name}.new")
            temporary.write_text(json.dumps(dataclasses.asdict(self.resume_info)))
            temporary.replace(self._resume_info_path)

    def _fsync_loop(self) -> None:
        next_at = time.monotonic() + FSYNC_INTERVAL_SECONDS
        while not self._closing.wait(min(FSYNC_POLL_SECONDS, FSYNC_INTERVAL_SECONDS)):
            try:
                if time.monotonic() < next_at and self.size() - self.resume_info.synced < FSYNC_BYTES:
                    continue
                self._fsync_partial()
            except FileNotFoundError:  # nothing has arrived yet
                pass
            except OSError as error:
                # The kernel tells of bytes that it could not write only once (fsync(2)): a later flush would succeed.
                self._fsync_error = error
            next_at = time.monotonic() + FSYNC_INTERVAL_SECONDS

    def _fsync_partial(self) -> None:
        fragment = self.resume_info.fragment
        size = fsync_path(self.path)
        self.resume_info.synced, self.resume_info.synced_fragment = size, fragment
        self._save_resume_info()


def _boot_id() -> str:
    try:
        return BOOT_ID_PATH.read_text().strip()
    except OSError:  # not Linux: assume a reboot, so that only flushed bytes count
        return str(time.time())
