"""What is compared: ours and each peer, as the processes that make it up."""

import dataclasses
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

BASE = Path(__file__).resolve().parents[2]
PEERS = BASE / "benchmarks" / "peers"
BENCH_PYTHON = BASE / ".venv-bench" / "bin" / "python"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a stack is started: its port (of a socket that is bound already, for several web processes)."""

    port: int
    redis: str
    data: Path
    descriptor: int | None = None
    webs: int = 1


@dataclasses.dataclass(frozen=True)
class Process:
    """One process of a stack; `part` is web or bridge."""

    part: str
    words: list[str]
    folder: Path = BASE
    env: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Stack:
    """One way to bring progress to browsers."""

    name: str
    title: str
    processes: Callable[[Place], list[Process]]
    needs: tuple[str, ...] = ()  # Python modules
    path: str = "/ws/progress"
    subprotocol: str | None = None
    socketio: bool = False
    subscribes: bool = True  # at its start, not with each client

    @property
    def is_ours(self) -> bool:
        """Whether our bridge and consumer are in it."""
        return self.name.startswith("ours")

    def missing(self) -> str | None:
        """Return what has to be installed before it can run."""
        if self.name == "node":
            if not shutil.which("node"):
                return "Node.js"
            return (
                None if (PEERS / "node_ws" / "node_modules" / "ws").is_dir() else "npm ci in benchmarks/peers/node_ws"
            )
        absent = [name for name in self.needs if not _has(name)]
        return f"{', '.join(absent)} (make bench installs it)" if absent else None


def peer_python() -> str:
    """Return the interpreter that has what peers need."""
    return str(BENCH_PYTHON) if BENCH_PYTHON.exists() else sys.executable


def clean_environment() -> dict[str, str]:
    """Return the environment without anybody's settings of an archive."""
    others = ("YTARCHIVE_", "DJANGO_", "REDIS_URL", "DATABASE_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(others)}


def _has(module: str) -> bool:
    if peer_python() == sys.executable:
        return importlib.util.find_spec(module) is not None
    found = subprocess.run([peer_python(), "-c", f"import {module}"], capture_output=True, check=False)
    return found.returncode == 0


# Ours --------------------------------------------------------------------------------------------


def _ours(place: Place) -> list[Process]:
    where = ["--port", str(place.port)] if place.descriptor is None else ["--fd", str(place.descriptor)]
    web = Process("web", [sys.executable, "manage.py", "web", *where], env=_settings(place))
    return [_bridge(place), *[web] * place.webs]


def _bridge(place: Place) -> Process:
    return Process("bridge", [sys.executable, "manage.py", "bridge_progress"], env=_settings(place))


def _settings(place: Place) -> dict[str, str]:
    return {"YTARCHIVE_DATA": str(place.data), "REDIS_URL": place.redis}


def _on_uvicorn(loop: str) -> Callable[[Place], list[Process]]:
    def processes(place: Place) -> list[Process]:
        words = [peer_python(), "-m", "uvicorn", "ytarchive.asgi:application", "--host", "127.0.0.1"]
        words += ["--port", str(place.port), "--log-level", "warning", "--loop", loop]
        return [_bridge(place), Process("web", words, env=_settings(place))]

    return processes


# Peers -------------------------------------------------------------------------------------------


def _peer(file: str) -> Callable[[Place], list[Process]]:
    def processes(place: Place) -> list[Process]:
        return [Process("web", [peer_python(), file, str(place.port), place.redis], PEERS)]

    return processes


def _node(place: Place) -> list[Process]:
    return [Process("web", ["node", "server.js", str(place.port), place.redis], PEERS / "node_ws")]


def _plain_channels(place: Place) -> list[Process]:
    env = {"REDIS_URL": place.redis, "DJANGO_SETTINGS_MODULE": "plain_channels.settings"}
    daphne = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(place.port), "plain_channels.asgi:application"]
    return [
        Process("web", [peer_python(), *daphne], PEERS, env),
        Process("bridge", [peer_python(), "-m", "plain_channels.bridge"], PEERS, env),
    ]


V2 = "ytarchive.progress.v2"
OURS = Stack("ours", "ours", _ours, subprotocol=V2)
STACKS = [
    OURS,
    Stack("node", "Node ws", _node),
    Stack("websockets", "websockets.broadcast", _peer("websockets_broadcast.py"), ("websockets", "redis")),
    Stack(
        "socketio",
        "Socket.IO on aiohttp",
        _peer("socketio_aiohttp.py"),
        ("socketio", "aiohttp", "redis"),
        path="/socket.io/?EIO=4&transport=websocket",
        socketio=True,
    ),
    Stack("ticket", "the ticket's FastAPI", _peer("ticket_fastapi.py"), ("fastapi", "uvicorn"), subscribes=False),
    Stack("channels", "plain Channels", _plain_channels, ("channels_redis", "daphne")),
    Stack("ours-ticket", "ours, ticket's frames", _ours),
    Stack("ours-uvicorn", "ours on uvicorn", _on_uvicorn("asyncio"), ("uvicorn",), subprotocol=V2),
    Stack("ours-uvloop", "ours on uvicorn, uvloop", _on_uvicorn("uvloop"), ("uvicorn", "uvloop"), subprotocol=V2),
]
BY_NAME = {stack.name: stack for stack in STACKS}
