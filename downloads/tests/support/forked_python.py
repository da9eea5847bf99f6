"""Python programs that are forked from a process that has loaded Django: each starts in a tenth of the time.

Nothing of ours is loaded before the fork, so that each program reads the settings itself, from its own environment.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

from django.conf import settings

SERVER_PROGRAM = """
import json, os, sys, time
import django.conf.locale, django.core.management, django.db.models, django.utils.log
import csp.constants, environ, langcodes, redis.asyncio.retry

request = None
for line in sys.stdin:
    request = json.loads(line)
    if not os.fork():
        break
    status = os.wait()[1]
    print(os.waitstatus_to_exitcode(status), flush=True)
else:
    sys.exit()

assert not [name for name in sys.modules if name.split(".")[0] in ("ytarchive", "downloads", "manage")]
for target, (path, flags) in enumerate(
    [(os.devnull, os.O_RDONLY), (request["stdout"], os.O_WRONLY), (request["stderr"], os.O_WRONLY)]
):
    os.dup2(os.open(path, flags), target)
os.environ.clear()
os.environ.update(request["env"])
time.tzset()
if request["command"][0] == "-c":
    sys.argv = ["-c", *request["command"][2:]]
    source, name = request["command"][1], "<string>"
else:
    sys.argv = request["command"]
    source, name = open(sys.argv[0]).read(), sys.argv[0]
exec(compile(source, name, "exec"), {"__name__": "__main__", "__file__": name})
"""


class ForkedPython:
    """The process from which programs are forked; ended by `close`."""

    def __init__(self) -> None:
        self._server: subprocess.Popen[str] | None = None

    def run(self, *command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run `python -c PROGRAM …` or `python FILE …` in the project's folder, with this environment."""
        server = self._start()
        assert server.stdin
        assert server.stdout
        with tempfile.TemporaryDirectory() as folder:
            files = {name: Path(folder, name) for name in ("stdout", "stderr")}
            for file in files.values():
                file.touch()
            request = {"command": command, "env": env, **{name: str(file) for name, file in files.items()}}
            server.stdin.write(json.dumps(request) + "\n")
            server.stdin.flush()
            returncode = int(server.stdout.readline())
            return subprocess.CompletedProcess(
                command, returncode, files["stdout"].read_text(), files["stderr"].read_text()
            )

    def close(self) -> None:
        if self._server:
            for pipe in (self._server.stdin, self._server.stdout):
                _close(pipe)
            self._server.wait()
            self._server = None

    def _start(self) -> subprocess.Popen[str]:
        if not self._server:
            self._server = subprocess.Popen(
                [sys.executable, "-c", SERVER_PROGRAM],
                cwd=settings.BASE_DIR,
                env={name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "LC_ALL")},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._server


def _close(pipe: IO[str] | None) -> None:
    assert pipe
    pipe.close()
