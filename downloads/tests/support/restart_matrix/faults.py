"""Faults: which part fails, how, and from when on its recovery counts."""

import contextlib
import dataclasses
import functools
import os
import re
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable

from playwright.sync_api import CDPSession

from downloads.tests.support.processes import descendants, process_parents, still_running
from downloads.tests.support.restart_matrix import gates
from downloads.tests.support.restart_matrix.archive import WATCHDOG_SECONDS, MatrixArchive, signal_all
from downloads.tests.support.waiting import wait_until

# Longer than the lease of a download (4 s), of the bridge (3 s), and than a page waits for a frame (6 s).
FREEZE_SECONDS = 8.0
POSTGRES_AWAY_SECONDS = 2.0
COMPLETION_TIMEOUT_SECONDS = 60.0
KILL, FREEZE, FREEZE_FOR_GOOD = "kill -9", "SIGSTOP", "SIGSTOP for good"
IDLE, QUEUED = "idle", "queued"
# Archives that a fault needs: on which database, or with a watchdog that waits for WATCHDOG_SECONDS only.
SQLITE, POSTGRES, SHORT_WATCHDOG = "SQLite", "PostgreSQL", "short watchdog"
PHASES = (IDLE, QUEUED, gates.LOOKING_UP, gates.DOWNLOADING, gates.MERGING, gates.FILING)


@dataclasses.dataclass(frozen=True)
class Scene:
    """What a fault may touch: the archive and its videos, the DevTools of the open page, and Chromium's renderers."""

    archive: MatrixArchive
    video_ids: list[str]
    devtools: CDPSession
    renderers: set[int]
    phase: str

    def are_all_complete(self) -> bool:
        rows = self.archive.rows()
        return all(video_id in rows and rows[video_id].status == "complete" for video_id in self.video_ids)


# Injects the fault, waits for its end, and returns the time (monotonic) from which the recovery counts.
Injection = Callable[[Scene], float]


@dataclasses.dataclass(frozen=True)
class Fault:
    """A column of the matrix and one of its kinds."""

    column: str
    kind: str
    inject: Injection
    phases: tuple[str, ...] = PHASES
    setup: str = SQLITE

    @property
    def stops_batches(self) -> bool:
        """True if no bridge sends during the fault."""
        return self.column in ("bridge", "leading bridge", "Redis", "Redis emptied", "everything")


# Who fails -------------------------------------------------------------------------------------------


def _part(name: str, scene: Scene) -> set[int]:
    pid = scene.archive.part(name)
    assert pid, f"{name} does not run"
    return {pid}


def _downloads(scene: Scene) -> set[int]:
    return scene.archive.downloads()


def _ffmpeg(scene: Scene) -> set[int]:
    return still_running({scene.archive.ffmpeg.arrivals(scene.phase)[-1]})


def _everything(scene: Scene) -> set[int]:
    return scene.archive.everything()


def _postgres(scene: Scene) -> set[int]:
    assert scene.archive.postgres
    leader = int((scene.archive.postgres.data / "postmaster.pid").read_text().split()[0])
    return {leader, *descendants(leader)}


# How ---------------------------------------------------------------------------------------------------

Victims = Callable[[Scene], set[int]]


def _kill(victims: Victims, scene: Scene) -> float:
    pids = victims(scene)
    assert pids
    began = time.monotonic()
    signal_all(pids, signal.SIGKILL)
    wait_until(lambda: not still_running(pids), "they are dead")
    return began


def _freeze(victims: Victims, scene: Scene) -> float:
    pids = victims(scene)
    assert pids
    signal_all(pids, signal.SIGSTOP)
    time.sleep(FREEZE_SECONDS)  # the length of the fault
    signal_all(pids, signal.SIGCONT)
    return time.monotonic()


def _freeze_for_good(victims: Victims, scene: Scene) -> float:
    """Stop the part and leave it to the watchdog, whose time counts as recovery."""
    pids = victims(scene)
    assert pids
    began = time.monotonic()
    signal_all(pids, signal.SIGSTOP)
    wait_until(lambda: not still_running(pids), "the watchdog kills it", within=3 * WATCHDOG_SECONDS)
    return began


def _kill_everything(scene: Scene) -> float:
    """Kill all processes at once, and start the archive again."""
    began = _kill(_everything, scene)
    scene.archive.process.process.wait()
    scene.archive.start()
    return began


def _kill_postgres(scene: Scene) -> float:
    _kill(_postgres, scene)
    time.sleep(POSTGRES_AWAY_SECONDS)  # the length of the outage
    scene.archive.postgres.start()
    return time.monotonic()


def _flush_redis(scene: Scene) -> float:
    with scene.archive.process.redis() as client:
        client.flushall()
    return time.monotonic()


def _restart_redis_empty(scene: Scene) -> float:
    """Kill Redis, and remove its files before it is started again."""
    (pid,) = _part("redis", scene)
    os.kill(pid, signal.SIGSTOP)  # so that `up` cannot start the next one before they are removed
    shutil.rmtree(scene.archive.data / "redis" / "appendonlydir")
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: pid not in process_parents(), "Redis is dead")
    return time.monotonic()


def _lock_sqlite(scene: Scene) -> float:
    """Hold the write lock, as another program does that has the file open."""
    with contextlib.closing(sqlite3.connect(scene.archive.data / "db.sqlite3", timeout=20)) as connection:
        connection.isolation_level = None
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(FREEZE_SECONDS)  # the length of the fault
        connection.execute("ROLLBACK")
    return time.monotonic()


def _freeze_page(scene: Scene) -> float:
    """Freeze the page as browsers freeze tabs in the background; meanwhile all downloads complete."""
    scene.devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    _complete_all(scene)
    time.sleep(FREEZE_SECONDS)  # the length of the fault
    scene.devtools.send("Page.setWebLifecycleState", {"state": "active"})
    return time.monotonic()


def _stop_renderers(scene: Scene) -> float:
    """Stop the page's process, as a laptop does that sleeps; meanwhile all downloads complete."""
    signal_all(scene.renderers, signal.SIGSTOP)
    try:
        _complete_all(scene)
        time.sleep(FREEZE_SECONDS)  # the length of the fault
    finally:
        signal_all(scene.renderers, signal.SIGCONT)
    return time.monotonic()


def _complete_all(scene: Scene) -> None:
    gates.SITE.open_all()
    scene.archive.ffmpeg.open_all()
    if scene.phase != QUEUED:
        wait_until(scene.are_all_complete, "all are complete", within=COMPLETION_TIMEOUT_SECONDS)


# The matrix --------------------------------------------------------------------------------------------

_RUNNING = PHASES[2:]
_WITH_FFMPEG = (gates.MERGING, gates.FILING)


def _kill_and_freeze(column: str, victims: Victims, phases: tuple[str, ...] = PHASES) -> list[Fault]:
    return [
        Fault(column, KILL, functools.partial(_kill, victims), phases),
        Fault(column, FREEZE, functools.partial(_freeze, victims), phases),
    ]


# In this order, so that each part of `up` has run for a minute when it is killed the next time: the delay of its
# restart is the first one again.
_PARTS = {name: functools.partial(_part, name.lower()) for name in ("web", "bridge", "worker", "Redis")}
# A program that waits at a gate works as little as a frozen one: only the phases in which none waits too long.
_WATCHED = {
    **{name: (victims, (gates.DOWNLOADING,)) for name, victims in _PARTS.items()},
    "child": (_downloads, (gates.DOWNLOADING, gates.MERGING)),
    "ffmpeg": (_ffmpeg, _WITH_FFMPEG),
}
FAULTS = (
    *_kill_and_freeze("web", _PARTS["web"]),
    *_kill_and_freeze("bridge", _PARTS["bridge"]),
    *_kill_and_freeze("worker", _PARTS["worker"]),
    *_kill_and_freeze("child", _downloads, _RUNNING),
    *_kill_and_freeze("ffmpeg", _ffmpeg, _WITH_FFMPEG),
    *_kill_and_freeze("Redis", _PARTS["Redis"]),
    Fault("everything", KILL, _kill_everything),
    Fault("everything", FREEZE, functools.partial(_freeze, _everything)),
    *_kill_and_freeze("leading bridge", _PARTS["bridge"]),
    Fault("Redis emptied", "FLUSHALL", _flush_redis),
    Fault("Redis emptied", "kill -9, files removed", _restart_redis_empty),
    Fault("database (SQLite)", "locked", _lock_sqlite),
    Fault("browser asleep", "tab frozen", _freeze_page),
    Fault("browser asleep", FREEZE, _stop_renderers),
    Fault("database (PostgreSQL)", KILL, _kill_postgres, setup=POSTGRES),
    Fault("database (PostgreSQL)", FREEZE, functools.partial(_freeze, _postgres), setup=POSTGRES),
    *(
        Fault(column, FREEZE_FOR_GOOD, functools.partial(_freeze_for_good, victims), phases, SHORT_WATCHDOG)
        for column, (victims, phases) in _WATCHED.items()
    ),
)
CELLS = [(fault, phase) for phase in PHASES for fault in FAULTS if phase in fault.phases]


def cell_name(fault: Fault, phase: str) -> str:
    """Return a name that pytest's `-k` can match."""
    return re.sub(r"[ (),]+", "_", f"{fault.column}-{fault.kind}-{phase}")
