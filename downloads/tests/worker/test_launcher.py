"""When a worker has a fork server; what that does as a process is in system/test_fork_server.py."""

import pytest

from downloads.worker.processes import launcher as launcher_module
from downloads.worker.processes.launcher import WARM_SECONDS, Launcher

pytestmark = pytest.mark.skipif(not launcher_module.IS_SUPPORTED, reason="Linux only")


class FakeServer:
    """A fork server that runs until it is killed."""

    is_killed = False

    def poll(self) -> int | None:
        return -9 if self.is_killed else None

    def kill(self) -> None:
        self.is_killed = True

    def wait(self) -> int:
        return -9


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(launcher_module.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def launcher(monkeypatch: pytest.MonkeyPatch, now: list[float]) -> Launcher:
    monkeypatch.setattr(Launcher, "_spawn_server", lambda *_: FakeServer())
    return Launcher()


def test_it_starts_none_until_one_is_to_be_kept_warm(launcher: Launcher) -> None:
    launcher.prepare()
    assert launcher._server is None

    launcher.keep_warm()
    launcher.prepare()

    assert launcher._server is not None
    launcher.stop()


def test_it_ends_one_that_is_no_longer_kept_warm(launcher: Launcher, now: list[float]) -> None:
    launcher.keep_warm()
    launcher.prepare()
    server = launcher._server
    now[0] += WARM_SECONDS / 2
    launcher.keep_warm()
    now[0] += WARM_SECONDS / 2 + 1
    launcher.prepare()
    assert launcher._server is server, "it was to be kept warm again"

    now[0] += WARM_SECONDS / 2
    launcher.prepare()

    assert launcher._server is None
    assert server.is_killed
