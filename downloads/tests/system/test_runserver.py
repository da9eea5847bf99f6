"""`manage.py runserver` as real processes, on a copy of the project that tests may touch."""

import json
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from websockets.sync.client import connect

from downloads.progress import keys
from downloads.tests.conftest import wait_until
from downloads.tests.support.processes import Archive, archive, descendants, living, status_of, words

pytestmark = pytest.mark.processes

LEFT_OUT = shutil.ignore_patterns(".*", "data", "node_modules", "__pycache__", "tests", "benchmarks")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(settings.BASE_DIR, tmp_path_factory.mktemp("copy") / "project", ignore=LEFT_OUT)


@pytest.fixture
def developed(tmp_path: Path, project: Path) -> Iterator[Archive]:
    with archive(tmp_path, project=project) as found:
        yield found


def bar_moves(developed: Archive, url: str) -> bool:
    """Publish as any program may; tell whether a page's socket gets it."""
    with connect(url.replace("http", "ws", 1) + "ws/progress", open_timeout=10) as socket, developed.redis() as client:
        # The bridge may still be on its way: what is published before it listens is lost, as it may be.
        for _ in range(40):
            client.publish(keys.progress_channel("demo:1"), '{"percent": 42}')
            try:
                frame = json.loads(socket.recv(timeout=0.25))
            except TimeoutError:
                continue
            return frame["video_id"] == "demo:1" and frame["percent"] == 42
    return False


def change(module: Path, until: Callable[[], bool]) -> None:
    """Save the file, again and again: the reloader notices only what changes after its first look."""

    def noticed() -> bool:
        module.touch()
        return until()

    wait_until(noticed, 20, "the change is noticed")


def test_it_starts_pages_bridge_and_workers_anew_when_the_code_changes(developed: Archive, project: Path) -> None:
    developed.start("runserver", "127.0.0.1:0")
    url = developed.await_ready()
    assert bar_moves(developed, url)
    names = (" runserver ", "bridge_progress", " work", "unixsocket")
    *before, redis = [developed.child(name) for name in names]

    change(project / "downloads" / "models" / "video.py", until=lambda: not living(set(before)))

    wait_until(lambda: status_of(url) == 200, 20, "the page is back")
    assert bar_moves(developed, url)
    assert developed.child("unixsocket") == redis
    assert {developed.child(name) for name in names[:3]}.isdisjoint(before)
    left = descendants(developed.pid)
    assert developed.stop() == 0
    assert not living(left)


def test_it_recovers_from_code_that_does_not_start(developed: Archive, project: Path) -> None:
    module = project / "downloads" / "models" / "video.py"
    right = module.read_text()
    developed.start("runserver", "127.0.0.1:0")
    url = developed.await_ready()
    bridge = developed.child("bridge_progress")
    try:
        module.write_text(right + "\nraise RuntimeError('broken')\n")
        change(module, until=lambda: "RuntimeError: broken" in developed.output() and not living({bridge}))
    finally:
        module.write_text(right)

    # Mended before the reloader's first look, it would not be noticed either.
    change(module, until=lambda: status_of(url) == 200)
    assert bar_moves(developed, url)


def test_it_leaves_nothing_behind_when_killed(developed: Archive) -> None:
    developed.start("runserver", "127.0.0.1:0", "--noreload")
    developed.await_ready()
    all_of_them = descendants(developed.pid)
    assert len(all_of_them) >= 4

    os.kill(developed.pid, signal.SIGKILL)

    wait_until(lambda: not living(all_of_them), 5, "no process is left")


def test_it_leaves_the_rest_out_with_web_only(developed: Archive) -> None:
    developed.start("runserver", "127.0.0.1:0", "--web-only")

    assert status_of(developed.await_ready()) == 200

    assert all(" runserver " in words(pid) for pid in descendants(developed.pid))
    assert "Made the first admin" in developed.output()
    assert developed.stop() == 0


def test_it_serves_static_files_as_they_are_written(developed: Archive, project: Path) -> None:
    css = next((project / "static" / "css").glob("*.css"))
    developed.start("runserver", "127.0.0.1:0", "--web-only", "--noreload")

    assert status_of(f"{developed.await_ready()}static/css/{css.name}") == 200


def test_it_refuses_a_taken_port(developed: Archive, tmp_path: Path) -> None:
    developed.start("runserver", "127.0.0.1:0", "--web-only", "--noreload")
    port = developed.await_ready().rsplit(":", 1)[1].rstrip("/")
    with archive(tmp_path / "data", project=developed.project) as second:
        second.start("runserver", f"127.0.0.1:{port}")
        assert second.process
        assert second.process.wait(30) == 1
        assert f"Port {port} of 127.0.0.1 is taken" in second.output()
        assert "Traceback" not in second.output()
