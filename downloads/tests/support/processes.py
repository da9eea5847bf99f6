"""Processes as /proc lists them, and complete archives that tests start and stop."""

import contextlib
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
from django.conf import settings

from downloads.tests.support.prepared_data import copy_data_folder
from downloads.tests.support.waiting import wait_until

RunManage = Callable[..., subprocess.Popen[str]]


LOOPBACK_ALLOWED = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"}


def process_parents() -> dict[int, int]:
    """Return the parent of every living process (zombies are dead)."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                parents[int(stat.parent.name)] = int(parent)
    return parents


def descendants(pid: int) -> set[int]:
    """Return the process' children, their children, and so on."""
    pids, parents = {pid}, process_parents()
    while new_pids := {child for child, parent in parents.items() if parent in pids} - pids:
        pids |= new_pids
    return pids - {pid}


def still_running(pids: set[int]) -> set[int]:
    """Return those of `pids` that still run."""
    return pids & process_parents().keys()


def command_line(pid: int) -> str:
    """Return a process' command line, "" if it has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    return ""


def find_descendants(pid: int, word: str) -> set[int]:
    """Return the processes below `pid` whose command line has this word."""
    return {child for child in descendants(pid) if word in command_line(child)}


class ArchiveProcess:
    """`manage.py up` or `runserver` on a data folder of its own."""

    def __init__(self, data: Path, log: Path, project: Path = settings.BASE_DIR) -> None:
        self.data = data
        self.log = log
        self.project = project
        self.command_prefix: list[str] = []  # what runs a command somewhere else, such as in a namespace
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *args: str, **env: str) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("YTARCHIVE_", "DJANGO_"))}
        with self.log.open("wb") as file:
            self.process = subprocess.Popen(
                [*self.command_prefix, sys.executable, str(self.project / "manage.py"), *args],
                cwd=self.project,
                env=clean | {"YTARCHIVE_DATA": str(self.data)} | env,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def manage(self, *args: str, **env: str) -> str:
        """Run another command on the same data; return what it printed."""
        command = [*self.command_prefix, sys.executable, str(self.project / "manage.py"), *args]
        return subprocess.run(
            command,
            env=os.environ | {"YTARCHIVE_DATA": str(self.data)} | env,
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def output(self) -> str:
        return self.log.read_text()

    def wait_for_line(self, pattern: str, seconds: float = 60) -> re.Match[str]:
        """Wait for `pattern` in the output; return its first match."""

        def match_in_output() -> re.Match[str] | None:
            assert self.process
            match = re.search(pattern, self.output())
            assert match or self.process.poll() is None, f"ended early:\n{self.output()}"
            return match

        wait_until(match_in_output, f"{pattern!r} is said", within=seconds)
        return match_in_output()

    def await_ready(self) -> str:
        return self.wait_for_line(r"Ready on (http://\S+/)")[1]

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def child(self, word: str) -> int:
        """Return the one child whose command line holds `word`; wait for it."""
        child_pids: list[int] = []

        def runs() -> bool:
            child_pids[:] = self.children(word)
            return bool(child_pids)

        wait_until(runs, f"a child {word!r} runs")
        return child_pids[0]

    def children(self, word: str) -> list[int]:
        """Return the children whose command line holds `word`."""
        child_pids = [pid for pid, parent in process_parents().items() if parent == self.pid]
        return [pid for pid in child_pids if word in command_line(pid)]

    def redis(self) -> redis.Redis:
        pointer = self.data / "redis" / "socket"
        socket = pointer.read_text() if pointer.exists() else self.data / "redis" / "redis.sock"
        return redis.Redis.from_url(f"unix://{socket}", decode_responses=True)

    def stop(self, order: signal.Signals = signal.SIGINT) -> int:
        """Order the stop; return the exit status, fail after 30 s (the stack kills its parts after 10 s)."""
        assert self.process
        self.process.send_signal(order)
        return self.process.wait(30)

    def close(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process and self.process.poll() is None:
            pids = descendants(self.pid)
            self.process.kill()
            self.process.wait()
            for pid in still_running(pids):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def get_status(url: str) -> int:
    """Return the status of a page's response; 0 without a response."""
    host, _, path = url.removeprefix("http://").partition("/")
    connection = http.client.HTTPConnection(host, timeout=10)
    try:
        connection.request("GET", f"/{path}")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def wait_until_answered(url: str, process: subprocess.Popen[str]) -> None:
    """Wait until a page of a web process is answered with 200; fail with the process' output where it is not."""

    def is_answered() -> bool:
        assert process.poll() is None, f"ended early:\n{process.log.read_text()}"  # type: ignore[attr-defined]
        return get_status(url) == 200

    try:
        wait_until(is_answered, f"{url} is answered")
    except AssertionError as error:
        error.add_note(process.log.read_text())  # type: ignore[attr-defined]
        raise


@contextlib.contextmanager
def temporary_archive(
    folder: Path,
    *,
    data: Path | None = None,
    prepared: Path | None = None,
    database: Path | None = None,
    project: Path = settings.BASE_DIR,
) -> Iterator[ArchiveProcess]:
    """Yield an archive that is not started yet; end it in any case.

    It begins with a copy of a `prepared` data folder, or of a `database` without rows, which saves the migrations.
    """
    archive = ArchiveProcess(data or folder / "data", folder / "archive.log", project)
    if prepared:
        copy_data_folder(prepared, archive.data)
    if database:
        archive.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(database, archive.data / "db.sqlite3")
    try:
        yield archive
    finally:
        archive.close()


def manage_processes(folder: Path) -> Iterator[RunManage]:
    """Yield a function that starts processes, with their logs in this folder; terminate them at the end."""
    started: list[subprocess.Popen[str]] = []

    def start(*args: str, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        log = folder / f"{len(started)}-{args[0]}.log"
        with log.open("w") as file:
            process = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), *args],
                stdout=file,
                stderr=subprocess.STDOUT,
                text=True,
                env={**os.environ, "YTARCHIVE_DATA": str(settings.DATA), **(env or {})},
            )
        process.log = log  # type: ignore[attr-defined]
        started.append(process)
        return process

    yield start
    for process in reversed(started):
        process.terminate()
    for process in reversed(started):
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run_refused(*args: str, **env: str) -> str:
    """Run a command that must refuse; return the one line that it prints, without a traceback."""
    result = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *args],
        env=os.environ | env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode != 0
    lines = (result.stdout + result.stderr).strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]
