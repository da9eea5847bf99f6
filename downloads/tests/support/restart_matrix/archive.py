"""A whole archive under test: `manage.py up` on a folder of its own, a person signed in, and its rows and files."""

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import signal
import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import psycopg
import redis
import requests

from benchmarks.library.postgres import PostgresServer
from downloads.progress.keys import SNAPSHOT_HEAD_FIELD, SNAPSHOT_KEY, WORKER_KEY_PREFIX
from downloads.tests.support.media_server import MediaServer
from downloads.tests.support.ports import free_port
from downloads.tests.support.prepared_data import ADMIN_PASSWORD, copy_data_folder
from downloads.tests.support.processes import (
    ArchiveProcess,
    command_line,
    descendants,
    find_descendants,
    process_parents,
    still_running,
)
from downloads.tests.support.restart_matrix.gates import FfmpegGates
from downloads.tests.support.waiting import wait_until

LEASE_SECONDS = 4
WATCHDOG_SECONDS = 15
ENVIRONMENT = {
    "DJANGO_SUPERUSER_PASSWORD": ADMIN_PASSWORD,
    "YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1",
    "YTARCHIVE_LEASE_SECONDS": str(LEASE_SECONDS),
    "YTARCHIVE_PER_HOST": "64",
    "YTARCHIVE_RETRY_SECONDS": "1",
    "YTARCHIVE_MIN_FREE_BYTES": "1000000",
}
START_TIMEOUT_SECONDS = 90.0
# Words of the command lines of the parts that `up` starts.
PARTS = {"web": "manage.py web", "bridge": "bridge_progress", "worker": "manage.py work", "redis": "unixsocket"}
CHILD_WORD = "manage.py download"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')
ROWS_SQL = "SELECT video_id, status, attempt, percent, phase, media_file, error FROM downloads_video"
COMPLETIONS_SQL = (
    "SELECT public_id, count(*) FROM downloads_videoevent WHERE status = 'complete' AND video_id IS NOT NULL "
    "GROUP BY public_id"
)


@dataclasses.dataclass(frozen=True)
class Row:
    """What the database has of a video."""

    status: str
    attempt: int
    percent: float | None
    phase: str
    media_file: str
    error: str


class MatrixArchive:
    """An archive whose parts a test kills and freezes; `postgres` in the place of SQLite if given.

    On SQLite it begins with a copy of a `prepared` data folder, if given.
    """

    def __init__(
        self,
        folder: Path,
        media_server: MediaServer,
        postgres: PostgresServer | None = None,
        settings: dict[str, str] | None = None,
        prepared: Path | None = None,
    ) -> None:
        self.media_server = media_server
        self.postgres = postgres
        self.settings = settings or {}
        self.ffmpeg = FfmpegGates(folder / "bin")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = ArchiveProcess(folder / "data", folder / "archive.log")
        if prepared and not postgres:
            copy_data_folder(prepared, self.data)
        self.extra_bridge = ArchiveProcess(folder / "data", folder / "bridge.log")
        self.video_count = 0  # numbers the videos of the media server
        self.merged_digest = ""  # of a file that was merged without a fault

    @property
    def data(self) -> Path:
        return self.process.data

    def environment(self) -> dict[str, str]:
        database = {"DATABASE_URL": self.postgres.address} if self.postgres else {}
        return ENVIRONMENT | database | self.settings | {"PATH": self.ffmpeg.search_path}

    def start(self) -> None:
        """Start everything, and wait until it is ready."""
        self.process.start("up", "--port", str(self.port), "--workers", "1", **self.environment())
        self.process.wait_for_line(r"Ready on ", START_TIMEOUT_SECONDS)

    def start_extra_bridge(self) -> None:
        """Start a second bridge, which takes over from the first; wait until it tries to."""
        with self.process.redis() as client:
            before = client.info("clients")["connected_clients"]
            self.extra_bridge.start("bridge_progress", **self.environment())
            wait_until(lambda: client.info("clients")["connected_clients"] > before, "a second bridge runs")

    def stop_extra_bridge(self) -> None:
        if self.extra_bridge.process and self.extra_bridge.process.poll() is None:
            self.extra_bridge.stop(signal.SIGTERM)

    def close(self) -> None:
        """End everything, in whatever state it is."""
        for process in (self.extra_bridge, self.process):
            if process.process and process.process.poll() is None:
                pids = {process.pid, *descendants(process.pid)}
                signal_all(pids, signal.SIGKILL)
            process.close()

    def merge_undisturbed(self, session: requests.Session) -> None:
        """Download two streams without a fault, and keep the digest of the file that they were merged to."""
        (video_id,) = self.add(session, "/separate/index.m3u8")
        wait_until(lambda: self.rows()[video_id].status == "complete", "two streams are merged")
        (file,) = self.media_files(video_id)
        self.merged_digest = hashlib.sha256(file.read_bytes()).hexdigest()

    # Processes -----------------------------------------------------------------------------------

    def part(self, name: str) -> int | None:
        """Return the pid of a part that `up` has started, None while it does not run."""
        pids = self.process.children(PARTS[name])
        return pids[0] if pids else None

    def downloads(self) -> set[int]:
        """Return the processes that download now."""
        return find_descendants(self.process.pid, CHILD_WORD)

    def everything(self) -> set[int]:
        return {self.process.pid, *descendants(self.process.pid)}

    def orphans(self) -> list[str]:
        """Return the command lines of processes on our data folder that do not descend from `up`."""
        ours = {self.process.pid, *descendants(self.process.pid)}
        if self.extra_bridge.process and self.extra_bridge.process.poll() is None:
            ours |= {self.extra_bridge.pid, *descendants(self.extra_bridge.pid)}
        marker = f"YTARCHIVE_DATA={self.data}".encode()
        others = still_running(set(process_parents())) - ours
        return [command_line(pid) for pid in others if marker in _environment(pid)]

    # Rows and files ------------------------------------------------------------------------------

    @contextlib.contextmanager
    def database(self) -> Iterator[sqlite3.Connection | psycopg.Connection]:
        """A connection that only reads."""
        if self.postgres:
            with psycopg.connect(self.postgres.address, connect_timeout=2) as connection:
                yield connection
        else:
            file = f"file:{self.data / 'db.sqlite3'}?mode=ro"
            with contextlib.closing(sqlite3.connect(file, uri=True, timeout=2)) as connection:
                yield connection

    def rows(self) -> dict[str, Row]:
        """Return the rows by video id; {} while the database is away."""
        try:
            with self.database() as database:
                return {video_id: Row(*values) for video_id, *values in database.execute(ROWS_SQL).fetchall()}
        except (sqlite3.OperationalError, psycopg.OperationalError):
            return {}

    def completions(self) -> dict[str, int]:
        """Return how many times each video was completed."""
        with self.database() as database:
            return dict(database.execute(COMPLETIONS_SQL).fetchall())

    def media_files(self, video_id: str) -> list[Path]:
        return list((self.data / "media" / video_id).glob("*.mp4"))

    def leftovers(self) -> list[str]:
        """Return what is left in work/ and in the folder of files on their way into media/."""
        folders = (self.data / "work", self.data / "media" / ".incoming")
        return [path.name for folder in folders if folder.exists() for path in folder.iterdir() if path.is_dir()]

    # HTTP ----------------------------------------------------------------------------------------

    def sign_in(self) -> requests.Session:
        """Return the session of the superuser."""
        session = requests.Session()
        self.post(session, "/accounts/login/", username="admin", password=ADMIN_PASSWORD)
        return session

    def post(self, session: requests.Session, path: str, **fields: str) -> None:
        """Submit a form; an answer without success fails the test."""
        page = session.get(self.url + ("/accounts/login/" if path == "/accounts/login/" else "/"), timeout=20)
        match = TOKEN.search(page.text)
        assert match, page.text[:500]
        data = {"csrfmiddlewaretoken": match[1], **fields}
        headers = {"Referer": self.url + "/"}
        answer = session.post(self.url + path, data=data, headers=headers, timeout=20)
        assert answer.ok, (path, answer.status_code, answer.text[:500])

    def is_up(self, batches_since: float) -> bool:
        """Tell whether all parts work: /readyz says so, the worker that runs now claims, and a bridge sends.

        Keys in Redis outlive those who wrote them: a bridge must have sent at `batches_since` (Unix time) or later.
        """
        worker = self.part("worker")
        if not worker or not all(map(self.part, PARTS)):
            return False
        try:
            with self.process.redis() as client:
                head = json.loads(client.hget(SNAPSHOT_KEY, SNAPSHOT_HEAD_FIELD) or '{"at": 0}')
                claims = client.exists(f"{WORKER_KEY_PREFIX}{socket.gethostname()}:{worker}")
            is_ready = requests.get(f"{self.url}/readyz", timeout=3).status_code == 200
        except (requests.RequestException, redis.RedisError):
            return False
        return bool(is_ready and claims and head["at"] >= batches_since)

    def add(self, session: requests.Session, *paths: str) -> list[str]:
        """Add videos of the media server by the form; return their ids in this order."""
        before = self.rows().keys()
        self.post(session, "/videos/add/", urls="\n".join(map(self.media_server.url, paths)), quality="best")
        with self.database() as database:
            ids = dict(database.execute("SELECT url, video_id FROM downloads_video").fetchall())
        added = [ids[self.media_server.url(path)] for path in paths]
        assert not before & set(added)
        return added


def signal_all(pids: set[int], number: signal.Signals) -> None:
    """Send a signal to processes, some of which may have ended."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""
