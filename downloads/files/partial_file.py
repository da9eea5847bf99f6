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

MARK = ".mark"
PART = ".part"
NOTE = ".ytdl"  # yt-dlp's own
FARTHEST = "farthest"  # in a work folder: the most bytes that an attempt there ended with
TAIL = 64 * 1024  # bytes before the end of a part that are fetched again and compared
SYNCED_EVERY = 5.0  # seconds
BOOT = Path("/proc/sys/kernel/random/boot_id")


class Changed(Exception):
    """What the server has now is not what the part is a part of."""


@dataclasses.dataclass(frozen=True)
class Fragment:
    """The last fragment of a part: how many come before it, where it begins and ends, and its digest."""

    before: int
    start: int
    end: int
    digest: str


@dataclasses.dataclass
class Mark:
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
    def read(cls, path: Path) -> "Mark | None":
        """Return the mark in a file; None if there is none that can be read."""
        try:
            found = json.loads(path.read_text())
            for name in ("fragment", "synced_fragment"):
                found[name] = found[name] and Fragment(**found[name])
            return cls(**found)
        except (OSError, ValueError, TypeError, KeyError):
            return None


def recover(folder: Path) -> None:
    """Keep in a work folder what the next attempt can go on with, and how far the others came; nothing else."""
    (folder / FARTHEST).write_text(str(max(_farthest(folder), _here(folder))))
    kept = {mark.name.removesuffix(MARK) for mark in folder.glob(f"*{MARK}")}
    for name in kept:
        with contextlib.suppress(FileNotFoundError):
            (folder / name).replace(folder / (name + PART))
    for path in list(folder.iterdir()):
        if not {path.name, path.name.removesuffix(MARK), path.name.removesuffix(PART)} & {*kept, FARTHEST}:
            remove(path)


def advance(folder: Path) -> int:
    """Return how many bytes more are here now than any earlier attempt ended with."""
    return _here(folder) - _farthest(folder)


def _here(folder: Path) -> int:
    files = [mark.with_name(mark.name.removesuffix(MARK)) for mark in folder.glob(f"*{MARK}")]
    found = [path for file in files for path in (file, file.with_name(file.name + PART)) if path.is_file()]
    return sum(path.stat().st_size for path in found)


def _farthest(folder: Path) -> int:
    try:
        return int((folder / FARTHEST).read_text())
    except (FileNotFoundError, ValueError):  # not begun, or not written before a power cut
        return 0


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


class Part:
    """The part of the file `path` of this format: `with Part(path, format_id) as part:`."""

    def __init__(self, path: Path, format_id: str, *, in_fragments: bool) -> None:
        self.file = path
        self.path = path.with_name(path.name + PART)
        self.in_fragments = in_fragments
        self.mark = Mark(format_id)
        self._expected: Fragment | None = None
        self._boundary = (0, 0)
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._sync_often, name="sync", daemon=True)

    def __enter__(self) -> Self:
        self._take_up()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._thread.join()

    @property
    def _mark_path(self) -> Path:
        return self.file.with_name(self.file.name + MARK)

    @property
    def _note_path(self) -> Path:
        return self.file.with_name(self.file.name + NOTE)

    def size(self) -> int:
        """Return how many bytes are here."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def tail(self, length: int) -> bytes:
        """Return the part's last `length` bytes."""
        with self.path.open("rb") as file:
            file.seek(-length, os.SEEK_END)
            return file.read()

    def begin(self, mark: Mark) -> None:
        """Begin the file anew, as what `mark` says it is."""
        self.path.unlink(missing_ok=True)
        self._note_path.unlink(missing_ok=True)
        self._expected, self._boundary = None, (0, 0)
        self.mark = mark
        self._save()

    # Taking up what another attempt left --------------------------------------------------------------

    def _take_up(self) -> None:
        found = Mark.read(self._mark_path)
        fits = found is not None and found.format_id == self.mark.format_id and found.resumable
        if found is not None and fits:
            self.mark = found
            fits = self._take_up_fragments() if self.in_fragments else self._take_up_file()
        if not fits:
            self.begin(Mark(self.mark.format_id))

    def _take_up_file(self) -> bool:
        size = min(self.size(), self._safe(self.mark.synced))
        if self.mark.size is not None:
            if size > self.mark.size:
                return False
            # Of a whole file the last byte is fetched again, so that there is an answer to judge by.
            size = min(size, self.mark.size - 1)
        if size > 0:
            os.truncate(self.path, size)
        return size > 0

    def _take_up_fragments(self) -> bool:
        """Go back to before the last fragment: fetched again, it must be the same."""
        last = self.mark.fragment if self._is_same_boot() else self.mark.synced_fragment
        if last is None or last.before < 1 or not 0 < last.start < last.end <= self.size():
            return False
        if self._digest(self.path, last.start, last.end) != last.digest:
            return False
        os.truncate(self.path, last.start)
        self._note_path.write_text(json.dumps({"downloader": {"current_fragment": {"index": last.before}}}))
        self._expected, self._boundary = last, (last.before, last.start)
        return True

    def _is_same_boot(self) -> bool:
        return self.mark.boot == _boot()

    def _safe(self, synced: int) -> int:
        return self.size() if self._is_same_boot() else synced

    # Fragments ------------------------------------------------------------------------------------------

    def pass_fragments(self) -> None:
        """Note the fragments that are in the part now; raise Changed where one is not what it was."""
        try:
            index = json.loads(self._note_path.read_text())["downloader"]["current_fragment"]["index"]
        except (OSError, ValueError, KeyError):
            return
        self._pass(self.path, int(index))

    def finish(self) -> None:
        """Note the last fragment of the file that is whole now; raise Changed where it is not what it was."""
        if self.in_fragments and self.file.is_file():
            self._pass(self.file, self._boundary[0] + 1)

    def _pass(self, path: Path, index: int) -> None:
        size = path.stat().st_size if path.is_file() else 0
        before, start = self._boundary
        if index <= before or size <= start:
            return
        expected, self._expected = self._expected, None
        if expected and self._digest(path, expected.start, min(expected.end, size)) != expected.digest:
            raise Changed
        self._boundary = (index, size)
        self.mark.fragment = Fragment(before, start, size, self._digest(path, start, size))
        self._save()

    def count(self, fragments: int | None) -> None:
        """Keep how many fragments there are; raise Changed if there were more or fewer."""
        if fragments and fragments != self.mark.count:
            if self.mark.count is not None:
                raise Changed
            self.mark.count = fragments
            self._save()

    @staticmethod
    def _digest(path: Path, start: int, end: int) -> str:
        with path.open("rb") as file:
            file.seek(start)
            return hashlib.sha256(file.read(end - start)).hexdigest()

    # The mark -------------------------------------------------------------------------------------------

    def _save(self) -> None:
        with self._lock:
            self.mark.boot = _boot()
            fresh = self._mark_path.with_name(f"{self._mark_path.name}.new")
            fresh.write_text(json.dumps(dataclasses.asdict(self.mark)))
            fresh.replace(self._mark_path)

    def _sync_often(self) -> None:
        while not self._closing.wait(SYNCED_EVERY):
            with contextlib.suppress(OSError):
                self._sync()

    def _sync(self) -> None:
        fragment = self.mark.fragment
        handle = os.open(self.path, os.O_RDONLY)
        try:
            size = os.fstat(handle).st_size
            os.fsync(handle)
        finally:
            os.close(handle)
        self.mark.synced, self.mark.synced_fragment = size, fragment
        self._save()


def _boot() -> str:
    try:
        return BOOT.read_text().strip()
    except OSError:  # no Linux: what was not synced is not relied on
        return str(time.time())
