"""One cell of the restart matrix: a download is brought to a phase, a part fails, and all is checked afterwards."""

import contextlib
import dataclasses
import hashlib
import os
import sqlite3
import time

import psycopg
import requests
from playwright.sync_api import Error as PlaywrightError

from downloads.tests.support.restart_matrix import gates
from downloads.tests.support.restart_matrix.archive import MatrixArchive
from downloads.tests.support.restart_matrix.faults import IDLE, QUEUED, Fault, Scene
from downloads.tests.support.restart_matrix.open_page import OpenPage
from downloads.tests.support.waiting import wait_until

PHASE_TIMEOUT_SECONDS = 60.0
RECOVERY_TIMEOUT_SECONDS = 90.0
STUCK_AFTER_SECONDS = 90.0  # after the recovery
PAGE_TIMEOUT_SECONDS = 20.0
MAX_PAGE_SECONDS = 5.0
POLL_SECONDS = 0.1
# Of what a cell asks: a fault that is not over in time shows as one of them.
ERRORS = (AssertionError, OSError, requests.RequestException, PlaywrightError, sqlite3.Error, psycopg.Error)


@dataclasses.dataclass
class CellResult:
    """The figures of a cell; `problems` is empty if all promises were kept."""

    column: str
    kind: str
    phase: str
    recovery_seconds: float | None = None
    page_seconds: float | None = None  # the longest time after the recovery in which the page was not like the rows
    lost: int = 0
    doubled: int = 0
    stuck: int = 0
    problems: list[str] = dataclasses.field(default_factory=list)
    load: float = 0.0
    seconds: float = 0.0


class Cell:
    """A cell: `Cell(archive, page, session, bystander=True).run([(fault, phase)])`.

    With several stages, one download meets a fault in each. With `bystander`, a second video waits behind.
    """

    def __init__(
        self, archive: MatrixArchive, page: OpenPage, session: requests.Session, *, bystander: bool = True
    ) -> None:
        self.archive = archive
        self.page = page
        self.session = session
        self.bystander = bystander
        self.sources: dict[str, bytes | None] = {}  # by video id; None: merged from two streams
        self._name = ""  # of the first video's file at the site
        self._unlike_since: float | None = None
        self._longest_difference = ""

    def run(self, stages: list[tuple[Fault, str]]) -> list[CellResult]:
        """Run all stages; what is not kept is a problem in the last result."""
        results = []
        for fault, phase in stages:
            self.result = CellResult(fault.column, fault.kind, phase, load=os.getloadavg()[0])
            results.append(self.result)
            began = time.monotonic()
            try:
                self._reach_phase(fault, phase)
                self._fail_and_recover(fault, phase)
                if (fault, phase) == stages[-1]:
                    self._finish(phase)
                    self._check()
            except ERRORS as error:
                self.result.problems.append(f"{type(error).__name__}: {error}"[:500])
                break
            finally:
                self.result.seconds = round(time.monotonic() - began, 1)
        self._open_gates()
        return results

    # Before the fault --------------------------------------------------------------------------------

    def _reach_phase(self, fault: Fault, phase: str) -> None:
        if phase == IDLE:
            return
        if phase == QUEUED:
            self.archive.post(self.session, "/queue/pause")
        self._name = self._name or str(self.archive.video_count)
        self._close_gate(phase, is_slow=fault.column == "ffmpeg")
        if not self.sources:
            self._add_videos(is_merged=phase == gates.MERGING)
        self._wait_for_gate(phase)
        wait_until(lambda: not self._differences(), "the page shows the phase", within=PAGE_TIMEOUT_SECONDS)

    def _close_gate(self, phase: str, *, is_slow: bool) -> None:
        """Close the gate of this phase, and let the download pass the one of the phase before."""
        if phase in (gates.MERGING, gates.FILING):
            self.archive.ffmpeg.close(phase, is_slow=is_slow)
        gates.SITE.close(self._name, phase)

    def _wait_for_gate(self, phase: str) -> None:
        if phase in (gates.LOOKING_UP, gates.DOWNLOADING):
            gates.SITE.wait_for_arrival(self._name, phase, PHASE_TIMEOUT_SECONDS)
        elif phase != QUEUED:
            self.archive.ffmpeg.wait_for_arrival(phase, PHASE_TIMEOUT_SECONDS)

    def _add_videos(self, *, is_merged: bool = False) -> None:
        """Add the video of this cell, and one that waits behind it."""
        paths: dict[str, bytes | None] = {}
        for is_first in (True, False)[: 1 + self.bystander]:
            number = self.archive.video_count
            self.archive.video_count += 1
            if is_first and is_merged:
                paths[f"/separate/index.m3u8?number={number}"] = None
            else:
                paths[f"/gated/{number}.mp4"] = gates.file_bytes(self.archive.media_server.clip, str(number))
        ids = self.archive.add(self.session, *paths)
        self.sources |= dict(zip(ids, paths.values(), strict=True))

    # The fault and the recovery ------------------------------------------------------------------------

    def _fail_and_recover(self, fault: Fault, phase: str) -> None:
        scene = Scene(self.archive, list(self.sources), self.page.devtools, self.page.find_renderers(), phase)
        self._unlike_since, self.result.page_seconds = None, 0.0
        began = fault.inject(scene)
        batches_since = time.time() - (time.monotonic() - began) if fault.stops_batches else 0.0
        deadline = began + RECOVERY_TIMEOUT_SECONDS
        is_up = False
        while True:
            is_up = is_up or self.archive.is_up(batches_since)
            differences = self._track_page() if is_up else ["not ready"]
            if not differences and (phase in (IDLE, QUEUED) or self._is_download_running()):
                break
            assert time.monotonic() < deadline, f"no recovery within {RECOVERY_TIMEOUT_SECONDS} s: {differences}"
            time.sleep(POLL_SECONDS)
        self.result.recovery_seconds = round(time.monotonic() - began, 2)

    def _is_download_running(self) -> bool:
        return bool(self.archive.downloads()) or self._are_all_complete()

    def _differences(self) -> list[str]:
        rows = self.archive.rows()
        return self.page.differences(rows, list(self.sources)) if rows else ["no database"]

    def _track_page(self) -> list[str]:
        """Return the differences between page and rows, and keep the longest time for which there were any."""
        differences, now = self._differences(), time.monotonic()
        if differences:
            self._unlike_since = self._unlike_since or now
            if now - self._unlike_since > (self.result.page_seconds or 0):
                self.result.page_seconds = round(now - self._unlike_since, 2)
                self._longest_difference = differences[0]
        else:
            self._unlike_since = None
        return differences

    # Afterwards ------------------------------------------------------------------------------------------

    def _open_gates(self) -> None:
        gates.SITE.open_all()
        self.archive.ffmpeg.open_all()

    def _finish(self, phase: str) -> None:
        """Let all complete, under the eyes of the page."""
        self._open_gates()
        if phase == QUEUED:
            self.archive.post(self.session, "/queue/resume")
        elif not self.sources:
            self._add_videos()
        deadline = time.monotonic() + STUCK_AFTER_SECONDS
        while not self._are_all_complete() and time.monotonic() < deadline:
            self._track_page()
            time.sleep(POLL_SECONDS)
        deadline = time.monotonic() + PAGE_TIMEOUT_SECONDS
        while self._track_page() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def _are_all_complete(self) -> bool:
        rows = self.archive.rows()
        return all(video_id in rows and rows[video_id].status == "complete" for video_id in self.sources)

    def _check(self) -> None:
        rows, completions, problems = self.archive.rows(), self.archive.completions(), self.result.problems
        for video_id, source in self.sources.items():
            row = rows.get(video_id)
            if row is None or (row.status == "complete" and not self._is_file_right(video_id, source)):
                self.result.lost += 1
                problems.append(f"lost: {video_id} {row}")
            elif row.status != "complete":
                self.result.stuck += 1
                problems.append(f"stuck: {video_id} {row}")
            if completions.get(video_id, 0) > 1 or len(self.archive.media_files(video_id)) > 1:
                self.result.doubled += 1
                problems.append(f"doubled: {video_id} {completions}")
        problems += self._differences()
        if (self.result.page_seconds or 0) > MAX_PAGE_SECONDS:
            text = f"the page was not like the rows for {self.result.page_seconds} s: {self._longest_difference}"
            problems.append(text)
        if self.page.was_reloaded():
            problems.append("the page was reloaded")
        self._check_leftovers()

    def _is_file_right(self, video_id: str, source: bytes | None) -> bool:
        files = self.archive.media_files(video_id)
        if len(files) != 1:
            return False
        data = files[0].read_bytes()
        return data == source if source else hashlib.sha256(data).hexdigest() == self.archive.merged_digest

    def _check_leftovers(self) -> None:
        for what, find in (
            ("left in work/", self.archive.leftovers),
            ("downloads that run", self.archive.downloads),
            ("orphans", self.archive.orphans),
        ):
            with contextlib.suppress(AssertionError):
                wait_until(lambda find=find: not find(), what)
            if remaining := find():
                self.result.problems.append(f"{what}: {remaining}")
