"""What an attempt leaves for the next one: parts of files, each with a mark that says what it is a part of.

A mark is a small JSON file beside the part, replaced whole. It holds who the file is (format, size, ETag,
Last-Modified) and, for one that comes in fragments, where the last one begins and what it looks like:
yt-dlp's own note of that is written after the bytes, so a kill in between would repeat a fragment.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import shutil
import threading
import time
from pathlib import Path
from typing import Self

from downloads.files.fsync import fsync_path

RESUME_INFO_SUFFIX = ".mark"
PARTIAL_SUFFIX = ".part"
YTDLP_STATE_SUFFIX = ".ytdl"  # yt-dlp's own
HIGH_WATER_MARK_FILE = "farthest"  # in a work folder: the most bytes that an attempt there ended with
OVERLAP_BYTES = 64 * 1024  # bytes before the end of a part that are fetched again and compared
FSYNC_INTERVAL_SECONDS = 5.0  # seconds
BOOT_ID_PATH = Path("/proc/sys/kernel/random/boot_id")


class SourceChanged(Exception):
    """What the server has now is not what the part is a part of."""


@dataclasses.dataclass(frozen=True)
class Fragment:
    """The last fragment of a part: how many come before it, where it begins and ends, and its digest."""

    before: int
    start: int
    end: int
    digest: str


@dataclasses.dataclass
class ResumeInfo:
    """Who a part's file is, and how much of it is safe."""

    format_id: str
    size: int | None = None
    etag: str = ""
    last_modified: str = ""
    resumable: bool = True
    count: int | None = None
    fragment: Fragment | None = None
    # What is on the disk itself, should the machine have started anew since.
    boot: str = ""
    synced: int = 0
    synced_fragment: Fragment | None = None

    @classmethod
    def from_file(cls, path: Path) -> "ResumeInfo | None":
        """Return the mark in a file; None if there is none that can be read."""
        try:
            found = json.loads(path.read_text())
            for name in ("fragment", "synced_fragment"):
                found[name] = found[name] and Fragment(**found[name])
            return cls(**found)
        except (OSError, ValueError, TypeError, KeyError):
            return None


def prepare_for_resume(folder: Path) -> None:
    """Keep in a work folder what the next attempt can go on with, and how far the others came; nothing else."""
    (folder / HIGH_WATER_MARK_FILE).write_text(str(max(_high_water_mark(folder), _resumable_bytes(folder))))
    kept = {mark.name.removesuffix(RESUME_INFO_SUFFIX) for mark in folder.glob(f"*{RESUME_INFO_SUFFIX}")}
    for name in kept:
        with contextlib.suppress(FileNotFoundError):
            (folder / name).replace(folder / (name + PARTIAL_SUFFIX))
    for path in list(folder.iterdir()):
        if not {path.name, path.name.removesuffix(RESUME_INFO_SUFFIX), path.name.removesuffix(PARTIAL_SUFFIX)} & {
            *kept,
            HIGH_WATER_MARK_FILE,
        }:
            remove_path(path)


def bytes_gained(folder: Path) -> int:
    """Return how many bytes more are here now than any earlier attempt ended with."""
    return _resumable_bytes(folder) - _high_water_mark(folder)


def _resumable_bytes(folder: Path) -> int:
    files = [
        mark.with_name(mark.name.removesuffix(RESUME_INFO_SUFFIX)) for mark in folder.glob(f"*{RESUME_INFO_SUFFIX}")
    ]
    found = [path for file in files for path in (file, file.with_name(file.name + PARTIAL_SUFFIX)) if path.is_file()]
    return sum(path.stat().st_size for path in found)


def _high_water_mark(folder: Path) -> int:
    try:
        return int((folder / HIGH_WATER_MARK_FILE).read_text())
    except (FileNotFoundError, ValueError):  # not begun, or not written before a power cut
        return 0


def remove_path(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class PartialFile:
    """The part of the file `path` of this format: `with Part(path, format_id) as part:`."""

    def __init__(self, path: Path, format_id: str, *, is_fragmented: bool) -> None:
        self.final_path = path
        self.path = path.with_name(path.name + PARTIAL_SUFFIX)
        self.is_fragmented = is_fragmented
        self.resume_info = ResumeInfo(format_id)
        self._expected_fragment: Fragment | None = None
        self._fragment_boundary = (0, 0)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._fsync_loop, name="sync", daemon=True)

    def __enter__(self) -> Self:
        self._resume_previous()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    @property
    def _resume_info_path(self) -> Path:
        return self.final_path.with_name(self.final_path.name + RESUME_INFO_SUFFIX)

    @property
    def _ytdlp_state_path(self) -> Path:
        return self.final_path.with_name(self.final_path.name + YTDLP_STATE_SUFFIX)

    def size(self) -> int:
        """Return how many bytes are here."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def read_tail(self, length: int) -> bytes:
        """Return the part's last `length` bytes."""
        with self.path.open("rb") as file:
            file.seek(-length, os.SEEK_END)
            return file.read()

    def start_over(self, resume_info: ResumeInfo) -> None:
        """Begin the file anew, as what `mark` says it is."""
        self.path.unlink(missing_ok=True)
        self._ytdlp_state_path.unlink(missing_ok=True)
        self._expected_fragment, self._fragment_boundary = None, (0, 0)
        self.resume_info = resume_info
        self._save_resume_info()

    # Taking up what another attempt left --------------------------------------------------------------

    def _resume_previous(self) -> None:
        found = ResumeInfo.from_file(self._resume_info_path)
        fits = found is not None and found.format_id == self.resume_info.format_id and found.resumable
        if found is not None and fits:
            self.resume_info = found
            fits = self._resume_fragments() if self.is_fragmented else self._resume_file()
        if not fits:
            self.start_over(ResumeInfo(self.resume_info.format_id))

    def _resume_file(self) -> bool:
        size = min(self.size(), self._durable_bytes(self.resume_info.synced))
        if self.resume_info.size is not None:
            if size > self.resume_info.size:
                return False
            # Of a whole file the last byte is fetched again, so that there is an answer to judge by.
            size = min(size, self.resume_info.size - 1)
        if size > 0:
            os.truncate(self.path, size)
        return size > 0

    def _resume_fragments(self) -> bool:
        """Go back to before the last fragment: fetched again, it must be the same."""
        last = self.resume_info.fragment if self._is_same_boot() else self.resume_info.synced_fragment
        if last is None or last.before < 1 or not 0 < last.start < last.end <= self.size():
            return False
        if self._digest_range(self.path, last.start, last.end) != last.digest:
            return False
        os.truncate(self.path, last.start)
        self._ytdlp_state_path.write_text(json.dumps({"downloader": {"current_fragment": {"index": last.before}}}))
        self._expected_fragment, self._fragment_boundary = last, (last.before, last.start)
        return True

    def _is_same_boot(self) -> bool:
        return self.resume_info.boot == _boot_id()

    def _durable_bytes(self, synced_bytes: int) -> int:
        return self.size() if self._is_same_boot() else synced_bytes

    # Fragments ------------------------------------------------------------------------------------------

    def record_fragments(self) -> None:
        """Note the fragments that are in the part now; raise Changed where one is not what it was."""
        try:
            index = json.loads(self._ytdlp_state_path.read_text())["downloader"]["current_fragment"]["index"]
        except (OSError, ValueError, KeyError):
            return
        self._record_fragment(self.path, int(index))

    def record_last_fragment(self) -> None:
        """Note the last fragment of the file that is whole now; raise Changed where it is not what it was."""
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
        """Keep how many fragments there are; raise Changed if there were more or fewer."""
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

    # The mark -------------------------------------------------------------------------------------------

    def _save_resume_info(self) -> None:
        with self._lock:
            self.resume_info.boot = _boot_id()
            fresh = self._resume_info_path.with_name(f"{self._resume_info_path.name}.new")
            fresh.write_text(json.dumps(dataclasses.asdict(self.resume_info)))
            fresh.replace(self._resume_info_path)

    def _fsync_loop(self) -> None:
        while not self._closing.wait(FSYNC_INTERVAL_SECONDS):
            with contextlib.suppress(OSError):
                self._fsync_partial()

    def _fsync_partial(self) -> None:
        fragment = self.resume_info.fragment
        size = fsync_path(self.path)
        self.resume_info.synced, self.resume_info.synced_fragment = size, fragment
        self._save_resume_info()


def _boot_id() -> str:
    try:
        return BOOT_ID_PATH.read_text().strip()
    except OSError:  # no Linux: what was not synced is not relied on
        return str(time.time())
