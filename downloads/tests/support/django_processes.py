"""Processes with Django set up that run the programs of tests, one after the other: each start takes a second."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

SERVER_PROGRAM = """
import django, json, sys
from django.db import connections
django.setup()
while line := sys.stdin.readline():
    program, arguments = json.loads(line)
    exec(program, {"arguments": arguments, "__name__": "__main__"})
    connections.close_all()
    print("done", flush=True)
"""


class DjangoProcess:
    """A process of its own; its programs get `arguments`, and read and print lines."""

    def __init__(self, env: dict[str, str]) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVER_PROGRAM], env=env, cwd=settings.BASE_DIR, **pipes
        )

    def start(self, program: str, *arguments: object) -> None:
        """Begin with a program."""
        self.write_line(json.dumps([program, arguments]))

    def write_line(self, line: str) -> None:
        self._process.stdin.write(f"{line}\n")

    def read_line(self) -> str:
        """Return the next line that the program printed."""
        line = self._process.stdout.readline()
        assert line, f"the process ended with {self._process.wait(10)}"
        return line.rstrip("\n")

    def finish(self) -> list[str]:
        """Wait for the end of the program; return the lines that it printed meanwhile."""
        return list(iter(self.read_line, "done"))

    def run(self, program: str, *arguments: object) -> list[str]:
        """Run a program to its end; return the lines that it printed."""
        self.start(program, *arguments)
        return self.finish()

    def close(self) -> None:
        self._process.communicate(timeout=20)


@contextmanager
def django_processes(count: int, env: dict[str, str]) -> Iterator[list[DjangoProcess]]:
    """Yield processes, which set Django up side by side."""
    processes = [DjangoProcess(env) for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            process.close()
