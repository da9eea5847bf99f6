"""A PostgreSQL server of its own, on a socket in a temporary folder."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SOMEBODY = "nobody"  # PostgreSQL refuses to run as root


class Server:
    """A server that can be stopped and started again."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries = binaries
        self.folder = folder
        self.data = folder / "data"
        self.who: dict[str, Any] = {"user": SOMEBODY} if os.geteuid() == 0 else {}
        self.name = SOMEBODY if self.who else pwd.getpwuid(os.geteuid()).pw_name
        self.address = f"postgres://{self.name}@/postgres?host={folder}"

    def make(self) -> None:
        """Make its files."""
        self.folder.chmod(0o755)
        self.data.mkdir()
        if self.who:
            shutil.chown(self.folder, SOMEBODY)
            shutil.chown(self.data, SOMEBODY)
        self._run("initdb", "-A", "trust", "-U", self.name, "--no-sync")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c max_connections=50 -c random_page_cost=1.1"
        options += " -c max_parallel_workers_per_gather=0"  # what they use is gone with them before it can be counted
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """End it and all connections at once."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), "-D", str(self.data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.who)


@contextlib.contextmanager
def running(binaries: Path) -> Iterator[Server]:
    """Start a server by the programs of this folder."""
    server = Server(binaries, Path(tempfile.mkdtemp(prefix="yta-pg-")))
    server.make()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder)
