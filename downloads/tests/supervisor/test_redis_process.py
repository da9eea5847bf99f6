"""The embedded server starts anew when its files are damaged, and leaves them alone when something else is wrong."""

import contextlib
import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis

from downloads.tests.support.waiting import wait_until
from ytarchive.supervisor import readiness
from ytarchive.supervisor.embedded_redis import redis_server_command
from ytarchive.supervisor.listener import open_listener
from ytarchive.supervisor.redis_process import RedisProcess
from ytarchive.supervisor.stack import Stack
from ytarchive.supervisor.startup import StartupError

Damage = Callable[[Path], object]


@pytest.fixture(scope="module")
def stored_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a server that held a few keys."""
    folder = tmp_path_factory.mktemp("redis")
    with running_server(folder) as process, client(folder) as redis_client:
        for number in range(50):
            redis_client.set(f"key{number}", "value" * number)
        redis_client.execute_command("BGREWRITEAOF")
        wait_until(
            lambda: (
                redis_client.info("persistence")["aof_rewrite_in_progress"] == 0
                and redis_client.info("persistence")["aof_rewrite_scheduled"] == 0
            ),
            "the base file is written",
        )
        redis_client.set("last", "one")
        redis_client.shutdown()
        assert process.process
        process.process.wait(10)
    (folder / "server.log").unlink()
    return folder


@pytest.fixture
def folder(stored_files: Path) -> Iterator[Path]:
    """A copy of them; its path is short enough for a socket."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "redis")
        shutil.copytree(stored_files, folder)
        yield folder


def client(folder: Path) -> redis.Redis:
    return redis.Redis.from_url(f"unix://{folder / 'redis.sock'}", decode_responses=True)


def is_up(folder: Path) -> bool:
    with contextlib.suppress(redis.RedisError), client(folder) as redis_client:
        return bool(redis_client.ping())
    return False


@contextlib.contextmanager
def running_server(folder: Path, command: list[str] | None = None) -> Iterator[RedisProcess]:
    """Start a server as `up` does, and wait until it answers."""
    socket_path = folder / "redis.sock"
    process = RedisProcess(command or redis_server_command(socket_path, folder), folder, socket_path)
    with pytest.MonkeyPatch.context() as patch, open_listener("127.0.0.1", 0) as listener:
        patch.setattr(readiness, "is_redis_up", lambda: is_up(folder))
        stack = Stack(listener, [], [], process, write_line=print)
        try:
            process.start()
            stack._wait_for_redis(process)
            yield process
        finally:
            process.kill()
            if process.process:
                process.process.wait()


def aof(folder: Path, kind: str) -> Path:
    return next((folder / "appendonlydir").glob(f"*{kind}*"))


def replace_by_folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()
    (path / "file").touch()


def flip_bits(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


GARBAGE = random.Random(1).randbytes(300)  # a few bytes, such as "#" at its start, would be read as a valid file
DAMAGES: dict[str, Damage] = {
    "garbage in the append-only file": lambda folder: aof(folder, ".incr.").write_bytes(GARBAGE),
    "garbage in all files": lambda folder: [
        path.write_bytes(b"garbage") for path in (folder / "appendonlydir").iterdir()
    ],
    "an impossible length": lambda folder: aof(folder, ".incr.").write_bytes(b"*3\r\n$99999999999999\r\nSET\r\n"),
    "a truncated base": lambda folder: os.truncate(aof(folder, ".base."), 40),
    "a flipped byte in the base": lambda folder: flip_bits(aof(folder, ".base.")),
    "a base of a newer version": lambda folder: aof(folder, ".base.").write_bytes(b"REDIS9999" + bytes(64)),
    "a missing base": lambda folder: aof(folder, ".base.").unlink(),
    "a missing file of commands": lambda folder: aof(folder, ".incr.").unlink(),
    "garbage in the manifest": lambda folder: aof(folder, "manifest").write_text("garbage"),
    "an empty manifest": lambda folder: aof(folder, "manifest").write_text(""),
    "a folder in place of the manifest": lambda folder: replace_by_folder(aof(folder, "manifest")),
    "a folder in place of the commands": lambda folder: replace_by_folder(aof(folder, ".incr.")),
    "a file in place of the folder": lambda folder: (
        shutil.rmtree(folder / "appendonlydir"),
        (folder / "appendonlydir").write_text("file"),
    ),
    "a folder in place of the log": lambda folder: replace_by_folder(folder / "server.log"),
    "a folder in place of the socket": lambda folder: replace_by_folder(folder / "redis.sock"),
}


USUAL_DAMAGES = (
    "garbage in the append-only file",
    "a truncated base",
    "a base of a newer version",
    "a folder in place of the manifest",
    "a folder in place of the log",
)


@pytest.mark.parametrize("name", [
    pytest.param(name, marks=[] if name in USUAL_DAMAGES else pytest.mark.soak) for name in DAMAGES
])  # fmt: skip
def test_it_sets_damaged_files_aside(folder: Path, name: str, caplog) -> None:
    DAMAGES[name](folder)

    with running_server(folder), client(folder) as redis_client:
        redis_client.set("new", "value")

    assert caplog.text.count("they were set aside in") == 1, caplog.text
    asides = list(folder.glob("damaged-*"))
    assert len(asides) == 1
    assert str(asides[0]) in caplog.text
    assert any(asides[0].iterdir())


@pytest.mark.parametrize("spoil", [
    lambda folder: os.truncate(aof(folder, ".incr."), aof(folder, ".incr.").stat().st_size - 3),
    lambda folder: os.truncate(aof(folder, ".base."), 0),
    lambda folder: aof(folder, "manifest").unlink(),
    lambda folder: (folder / "dump.rdb").write_bytes(b"garbage"),
], ids=["a truncated end", "an empty base", "no manifest", "a file of another mode"])  # fmt: skip
def test_what_the_server_copes_with_stays(folder: Path, spoil: Damage, caplog) -> None:
    """A truncated end is what a power cut leaves: the server drops the last command."""
    spoil(folder)

    with running_server(folder):
        pass

    assert caplog.text == ""
    assert not list(folder.glob("damaged-*"))


def test_it_keeps_the_files_of_the_last_damage_only(folder: Path) -> None:
    for name in ("damaged-20250101-000000", "damaged-20250101-000000-appendonlydir"):
        (folder / name).mkdir()
    (folder / "damaged-20250101-000000" / "appendonly.aof").touch()
    DAMAGES["garbage in all files"](folder)

    with running_server(folder):
        pass

    assert len(list(folder.glob("damaged-*"))) == 1
    assert not (folder / "damaged-20250101-000000").exists()


def test_sound_files_are_loaded(folder: Path, caplog) -> None:
    with running_server(folder), client(folder) as redis_client:
        assert redis_client.get("last") == "one"
        assert redis_client.dbsize() == 51
    assert caplog.text == ""


# Damage while the archive runs -----------------------------------------------------------------------


def test_it_starts_anew_when_a_restart_fails(folder: Path, caplog) -> None:
    with running_server(folder) as process:
        for damage in ("garbage in all files", "a base of a newer version"):
            process.kill()
            wait_until(lambda: process.reap() is not None, "it ended")
            assert process.schedule_restart() > 0, "killed: its files are not the reason"
            DAMAGES[damage](folder)
            process.start()
            wait_until(lambda: process.reap() is not None, "it ended again")

            assert process.schedule_restart() == 0
            process.start()
            wait_until(lambda: is_up(folder), "it answers")
            process.confirm_answer()
            with client(folder) as redis_client:
                redis_client.set("kept", "value")

    assert caplog.text.count("they were set aside in") == 2


# Other reasons -----------------------------------------------------------------------------------------


def failing(message: str, ending: str = "exit 1") -> list[str]:
    return ["sh", "-c", f"echo '1:M 29 Nov 2026 01:00:00.000 # {message}'; {ending}"]


@pytest.mark.parametrize("command", [
    failing("Failed opening Unix socket: bind: Address already in use"),
    failing("Warning: Could not create server TCP listening socket *:6379: bind: Address already in use"),
    failing("Cannot create append-only dir appendonlydir: No space left on device"),
    failing("Out Of Memory allocating 3000 bytes!", "kill -ABRT $$"),
    failing("Loading", f"kill -{signal.SIGKILL.value} $$"),
    failing("FATAL CONFIG FILE ERROR"),
])  # fmt: skip
def test_it_touches_no_files_for_other_reasons(folder: Path, command: list[str], caplog) -> None:
    before = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    with (
        pytest.raises(StartupError, match=r"does not start: (?!\d+:M)") as refusal,
        running_server(folder, command),
    ):
        pass

    after = {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    after.pop(Path("server.log"))
    assert before == after
    assert "set aside" not in caplog.text
    assert not list(folder.glob("damaged-*"))
    assert command[2].split("# ")[1].split("'")[0] in str(refusal.value)


def test_a_missing_binary_is_no_damage(folder: Path) -> None:
    with pytest.raises(FileNotFoundError), running_server(folder, ["/nonexistent/valkey-server"]):
        pass
    assert not list(folder.glob("damaged-*"))
    assert aof(folder, "manifest").exists()


def test_files_that_are_not_the_reason_are_put_back_once(folder: Path) -> None:
    """In a crash loop they are not moved back and forth."""
    process = RedisProcess(failing("Something else"), folder, folder / "redis.sock")
    delays = []
    for _ in range(4):
        process.start()
        assert process.process
        process.process.wait(10)
        process.reap()
        delays.append(process.schedule_restart())

    assert delays == [0.0, 0.5, 1.0, 2.0]
    assert aof(folder, "manifest").exists()
    assert not list(folder.glob("damaged-*"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can start it as another user")
@pytest.mark.parametrize("owner", [0, 65534])
def test_files_without_permission_are_set_aside(folder: Path, owner: int, caplog) -> None:
    """Files that root has left behind, or whose permissions were removed, in a folder of our own."""
    folder.parent.chmod(0o711)
    os.chown(folder, 65534, 65534)
    for path in folder.rglob("*"):
        os.chown(path, owner, owner)
    aof(folder, ".incr.").chmod(0)
    (folder / "appendonlydir").chmod(0o500)
    os.seteuid(65534)
    try:
        with running_server(
            folder, ["setpriv", "--reuid", "65534", *redis_server_command(folder / "redis.sock", folder)]
        ):
            pass
    finally:
        os.seteuid(0)

    assert caplog.text.count("they were set aside in") == 1
