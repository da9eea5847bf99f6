"""The stacks that are compared, ours and the peers, each as the commands of its processes."""

import dataclasses
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
PEERS_FOLDER = PROJECT_ROOT / "benchmarks" / "peers"
BENCH_PYTHON = PROJECT_ROOT / ".venv-bench" / "bin" / "python"


@dataclasses.dataclass(frozen=True)
class StackAddress:
    """The port, Redis and data folder of a stack; `descriptor` is the bound socket that several web processes share."""

    port: int
    redis: str
    data: Path
    descriptor: int | None = None
    webs: int = 1


@dataclasses.dataclass(frozen=True)
class Process:
    """One process of a stack; `role` is redis, web or bridge."""

    role: str
    command: list[str]
    folder: Path = PROJECT_ROOT
    env: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Stack:
    """One design that brings progress to browsers."""

    name: str
    title: str
    processes: Callable[[StackAddress], list[Process]]
    needs: tuple[str, ...] = ()  # Python modules
    path: str = "/ws/progress"
    subprotocol: str | None = None
    socketio: bool = False
    subscribes: bool = True  # to Redis when it starts, instead of once per client

    @property
    def is_ours(self) -> bool:
        """True if it runs our bridge and consumer."""
        return self.name.startswith("ours")

    def missing_requirements(self) -> str | None:
        """Return the requirements that are not installed, as text; None if it can run."""
        if self.name == "node":
            if not shutil.which("node"):
                return "Node.js"
            installed = (PEERS_FOLDER / "node_ws" / "node_modules" / "ws").is_dir()
            return None if installed else "npm ci in benchmarks/peers/node_ws"
        missing_modules = [name for name in self.needs if not _is_installed(name)]
        return f"{', '.join(missing_modules)} (make bench installs it)" if missing_modules else None


def peer_python() -> str:
    """Return the path of the Python interpreter that has the peers' requirements."""
    return str(BENCH_PYTHON) if BENCH_PYTHON.exists() else sys.executable


def clean_environment() -> dict[str, str]:
    """Return the environment variables without those that are settings of ytarchive."""
    setting_prefixes = ("YTARCHIVE_", "DJANGO_", "REDIS_URL", "DATABASE_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(setting_prefixes)}


def _is_installed(module: str) -> bool:
    if peer_python() == sys.executable:
        return importlib.util.find_spec(module) is not None
    result = subprocess.run([peer_python(), "-c", f"import {module}"], capture_output=True, check=False)
    return result.returncode == 0


# Ours --------------------------------------------------------------------------------------------


def _ours(address: StackAddress) -> list[Process]:
    listen_on = ["--port", str(address.port)] if address.descriptor is None else ["--fd", str(address.descriptor)]
    web = Process("web", [sys.executable, "manage.py", "web", *listen_on], env=_settings(address))
    return [_bridge(address), *[web] * address.webs]


def _bridge(address: StackAddress) -> Process:
    return Process("bridge", [sys.executable, "manage.py", "bridge_progress"], env=_settings(address))


def _settings(address: StackAddress) -> dict[str, str]:
    # All clients of a benchmark have one address.
    limits = {"YTARCHIVE_MAX_CONNECTIONS": "14000", "YTARCHIVE_MAX_CONNECTIONS_PER_CLIENT": "14000"}
    return {"YTARCHIVE_DATA": str(address.data), "REDIS_URL": address.redis, **limits}


def _on_uvicorn(loop: str) -> Callable[[StackAddress], list[Process]]:
    def processes(address: StackAddress) -> list[Process]:
        command = [peer_python(), "-m", "uvicorn", "ytarchive.asgi:application", "--host", "127.0.0.1"]
        command += ["--port", str(address.port), "--log-level", "warning", "--loop", loop]
        return [_bridge(address), Process("web", command, env=_settings(address))]

    return processes


# Peers -------------------------------------------------------------------------------------------


def _peer(file: str) -> Callable[[StackAddress], list[Process]]:
    def processes(address: StackAddress) -> list[Process]:
        return [Process("web", [peer_python(), file, str(address.port), address.redis], PEERS_FOLDER)]

    return processes


def _node(address: StackAddress) -> list[Process]:
    return [Process("web", ["node", "server.js", str(address.port), address.redis], PEERS_FOLDER / "node_ws")]


def _plain_channels(address: StackAddress) -> list[Process]:
    env = {"REDIS_URL": address.redis, "DJANGO_SETTINGS_MODULE": "plain_channels.settings"}
    daphne = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(address.port), "plain_channels.asgi:application"]
    return [
        Process("web", [peer_python(), *daphne], PEERS_FOLDER, env),
        Process("bridge", [peer_python(), "-m", "plain_channels.bridge"], PEERS_FOLDER, env),
    ]


SUBPROTOCOL = "ytarchive.progress.v2"
OUR_STACK = Stack("ours", "ours", _ours, subprotocol=SUBPROTOCOL)
STACKS = [
    OUR_STACK,
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
    Stack("ours-uvicorn", "ours on uvicorn", _on_uvicorn("asyncio"), ("uvicorn",), subprotocol=SUBPROTOCOL),
    Stack(
        "ours-uvloop", "ours on uvicorn, uvloop", _on_uvicorn("uvloop"), ("uvicorn", "uvloop"), subprotocol=SUBPROTOCOL
    ),
]
STACKS_BY_NAME = {stack.name: stack for stack in STACKS}
