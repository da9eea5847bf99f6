"""A temporary PostgreSQL server on a Unix socket."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

UNPRIVILEGED_USER = "nobody"  # PostgreSQL refuses to run as root


class PostgresServer:
    """A PostgreSQL server that can be stopped and started again."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self.binaries = binaries
        self.folder = folder
        self.data = folder / "data"
        self.subprocess_user: dict[str, Any] = {"user": UNPRIVILEGED_USER} if os.geteuid() == 0 else {}
        self.name = UNPRIVILEGED_USER if self.subprocess_user else pwd.getpwuid(os.geteuid()).pw_name
        self.address = f"postgres://{self.name}@/postgres?host={folder}"

    def init_database(self) -> None:
        """Create its data folder with initdb."""
        self.folder.chmod(0o755)
        self.data.mkdir()
        if self.subprocess_user:
            shutil.chown(self.folder, UNPRIVILEGED_USER)
            shutil.chown(self.data, UNPRIVILEGED_USER)
        self._run("initdb", "-A", "trust", "-U", self.name, "--no-sync")

    def start(self) -> None:
        """Start it, and wait until it accepts connections."""
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off -c max_connections=50 -c random_page_cost=1.1"
        options += " -c max_parallel_workers_per_gather=0"  # the CPU time of a parallel worker is lost when it ends
        self._run("pg_ctl", "-w", "-o", options, "-l", str(self.folder / "log"), "start")

    def stop(self) -> None:
        """Stop it at once, and with it all connections."""
        self._run("pg_ctl", "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), "-D", str(self.data), *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, **self.subprocess_user)


@contextlib.contextmanager
def temporary_server(binaries: Path) -> Iterator[PostgresServer]:
    """Yield a started server, run by the programs in the folder `binaries`; its files are removed afterwards."""
    server = PostgresServer(binaries, Path(tempfile.mkdtemp(prefix="yta-pg-")))
    server.init_database()
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(server.folder)
