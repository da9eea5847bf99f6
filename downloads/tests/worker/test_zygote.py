"""The zygote: what it forks is as a new interpreter would be, and its death is noticed."""

import subprocess
import sys

from django.conf import settings

from downloads.files import ffmpeg

PRELUDE = """
import importlib.abc, importlib.util, os, shutil, sys, time
import django
django.setup()
from downloads.worker.processes.launcher import Launcher
from downloads.worker.processes.zygote import fork_zygote

class StubImporter(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    '''In place of the fork server: it holds a file from its import on, and says what it would download with.'''

    def find_spec(self, name, path, target=None):
        return importlib.util.spec_from_loader(name, self) if name.endswith(".fork_server") else None

    def exec_module(self, module):
        module.held = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
        module.main = lambda requests, worker_pid: print(
            shutil.which("ffmpeg"), os.readlink(f"/proc/self/fd/{module.held}"), flush=True
        )

sys.meta_path.insert(0, StubImporter())
zygote = fork_zygote()
launcher = Launcher(zygote=zygote)
"""


def run_program(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PRELUDE + program, *map(str, arguments)],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_its_servers_have_the_programs_and_files_of_their_own(tmp_path) -> None:
    result = run_program("launcher.keep_warm(); launcher.prepare(); launcher._server.wait()", tmp_path / "held")

    assert result.stderr == ""
    program, held = result.stdout.split()
    assert program == f"{ffmpeg.build_search_path().partition(':')[0]}/ffmpeg"
    assert held == str(tmp_path / "held")


def test_one_that_has_died_is_given_up_and_reaped(tmp_path) -> None:
    result = run_program(
        "zygote.process.send_signal(9)\n"
        "while os.waitid(os.P_PID, zygote.process.pid, os.WEXITED | os.WNOWAIT) is None: pass\n"
        "launcher._restart_at = float('inf')\n"
        "launcher.prepare()\n"
        "print(launcher._zygote, os.path.exists(f'/proc/{zygote.process.pid}'))",
        tmp_path / "held",
    )

    assert result.stdout == "None False\n"
    assert "The zygote has died" in result.stderr
