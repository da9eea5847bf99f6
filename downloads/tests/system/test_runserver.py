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
from downloads.tests.support.processes import (
    ArchiveProcess,
    command_line,
    descendants,
    get_status,
    still_running,
    temporary_archive,
)
from downloads.tests.support.waiting import wait_until

pytestmark = pytest.mark.processes

# With the compiled modules, which are those of the copy, since it keeps the times of the files.
IGNORED_FILES = shutil.ignore_patterns(".*", "data", "node_modules", "tests", "benchmarks")


@pytest.fixture(scope="module")
def project_copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(settings.BASE_DIR, tmp_path_factory.mktemp("copy") / "project", ignore=IGNORED_FILES)


@pytest.fixture
def dev_archive(tmp_path: Path, project_copy: Path, prepared_data: Path) -> Iterator[ArchiveProcess]:
    """An archive that the test may kill."""
    with temporary_archive(tmp_path, project=project_copy, prepared=prepared_data) as archive:
        yield archive


@pytest.fixture(scope="module")
def reloading_archive(
    tmp_path_factory: pytest.TempPathFactory, project_copy: Path, prepared_data: Path
) -> Iterator[ArchiveProcess]:
    """A running archive for the tests that change its code and leave it running; stopped in the end."""
    folder = tmp_path_factory.mktemp("reloading")
    with temporary_archive(folder, project=project_copy, prepared=prepared_data) as archive:
        archive.start("runserver", "127.0.0.1:0")
        archive.await_ready()
        yield archive
        pids = descendants(archive.pid)
        assert archive.stop() == 0
        assert not still_running(pids)


@pytest.fixture(scope="module")
def pages_only(
    tmp_path_factory: pytest.TempPathFactory, project_copy: Path, prepared_data: Path
) -> Iterator[ArchiveProcess]:
    """A running archive without bridge and workers, for the tests that leave it running."""
    folder = tmp_path_factory.mktemp("pages")
    with temporary_archive(folder, project=project_copy, prepared=prepared_data) as archive:
        archive.start("runserver", "127.0.0.1:0", "--web-only", "--noreload")
        archive.await_ready()
        yield archive


def bar_moves(archive: ArchiveProcess, url: str) -> bool:
    """Publish as any program may; tell whether a page's socket receives it."""
    with connect(url.replace("http", "ws", 1) + "ws/progress", open_timeout=10) as socket, archive.redis() as client:
        # The bridge may still be starting: what is published before it listens is lost, as the protocol allows.
        for _ in range(40):
            client.publish(keys.progress_channel("demo:1"), '{"percent": 42}')
            try:
                frame = json.loads(socket.recv(timeout=0.25))
            except TimeoutError:
                continue
            return frame["video_id"] == "demo:1" and frame["percent"] == 42
    return False


def touch_until(module: Path, until: Callable[[], bool]) -> None:
    """Save the file, again and again: the reloader notices only what changes after its first look."""

    def touch_and_check() -> bool:
        module.touch()
        return until()

    wait_until(touch_and_check, "the change is noticed")


def test_it_starts_pages_bridge_and_workers_anew_when_the_code_changes(
    reloading_archive: ArchiveProcess, project_copy: Path
) -> None:
    url = reloading_archive.await_ready()
    assert bar_moves(reloading_archive, url)
    names = (" runserver ", "bridge_progress", " work", "unixsocket")
    *old_pids, redis_pid = [reloading_archive.child(name) for name in names]

    touch_until(project_copy / "downloads" / "models" / "video.py", until=lambda: not still_running(set(old_pids)))

    wait_until(lambda: get_status(url) == 200, "the page is back")
    assert bar_moves(reloading_archive, url)
    assert reloading_archive.child("unixsocket") == redis_pid
    assert {reloading_archive.child(name) for name in names[:3]}.isdisjoint(old_pids)


def test_it_recovers_from_code_that_does_not_start(reloading_archive: ArchiveProcess, project_copy: Path) -> None:
    module = project_copy / "downloads" / "models" / "video.py"
    original_source = module.read_text()
    url = reloading_archive.await_ready()
    bridge_pid = reloading_archive.child("bridge_progress")

    def is_broken() -> bool:
        return "RuntimeError: broken" in reloading_archive.output() and not still_running({bridge_pid})

    try:
        module.write_text(original_source + "\nraise RuntimeError('broken')\n")
        touch_until(module, until=is_broken)
    finally:
        module.write_text(original_source)

    # Repaired before the reloader's first look, it would not be noticed either.
    touch_until(module, until=lambda: get_status(url) == 200)
    assert bar_moves(reloading_archive, url)


def test_it_leaves_nothing_behind_when_killed(dev_archive: ArchiveProcess) -> None:
    dev_archive.start("runserver", "127.0.0.1:0", "--noreload")
    dev_archive.await_ready()
    pids = descendants(dev_archive.pid)
    assert len(pids) >= 4

    os.kill(dev_archive.pid, signal.SIGKILL)

    wait_until(lambda: not still_running(pids), "no process is left")


def test_it_leaves_the_rest_out_with_web_only(tmp_path: Path, project_copy: Path, empty_database: Path) -> None:
    with temporary_archive(tmp_path, project=project_copy, database=empty_database) as archive:
        archive.start("runserver", "127.0.0.1:0", "--web-only")

        assert get_status(archive.await_ready()) == 200

        lines = [line for pid in descendants(archive.pid) if (line := command_line(pid))]
        assert all(" runserver " in line for line in lines)
        assert "Created the first admin" in archive.output()
        assert archive.stop() == 0


def test_it_serves_static_files_as_they_are_written(pages_only: ArchiveProcess, project_copy: Path) -> None:
    css = next((project_copy / "static" / "css").glob("*.css"))

    assert get_status(f"{pages_only.await_ready()}static/css/{css.name}") == 200


def test_it_refuses_a_taken_port(pages_only: ArchiveProcess, tmp_path: Path) -> None:
    port = pages_only.await_ready().rsplit(":", 1)[1].rstrip("/")
    with temporary_archive(tmp_path, project=pages_only.project) as second:
        second.start("runserver", f"127.0.0.1:{port}")
        assert second.process
        assert second.process.wait(30) == 1
        assert f"Port {port} of 127.0.0.1 is in use" in second.output()
        assert "Traceback" not in second.output()
