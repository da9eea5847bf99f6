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


@contextlib.contextmanager
def cluster(binaries: Path) -> Iterator[str]:
    """Start a server by the programs of this folder; give the address of an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="yta-pg-"))
    who: dict[str, Any] = {"user": SOMEBODY} if os.geteuid() == 0 else {}
    name = SOMEBODY if who else pwd.getpwuid(os.geteuid()).pw_name
    folder.chmod(0o755)
    data = folder / "data"
    data.mkdir()
    if who:
        shutil.chown(folder, SOMEBODY)
        shutil.chown(data, SOMEBODY)
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "cwd": folder, **who}
    make = [str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", name, "--no-sync"]
    subprocess.run(make, check=True, **quiet)
    options = f"-k {folder} -c listen_addresses= -c fsync=off -c max_connections=50 -c random_page_cost=1.1"
    options += " -c max_parallel_workers_per_gather=0"  # what they use is gone with them before it can be counted
    control = [str(binaries / "pg_ctl"), "-D", str(data), "-w"]
    subprocess.run([*control, "-o", options, "-l", str(folder / "log"), "start"], check=True, **quiet)
    try:
        yield f"postgres://{name}@/postgres?host={folder}"
    finally:
        subprocess.run([*control, "-m", "immediate", "stop"], check=True, **quiet)
        shutil.rmtree(folder)
