"""A supervised process that runs a Python program."""

import sys

from ytarchive.supervisor.process import ManagedProcess


def python_process(program: str, **options) -> ManagedProcess:
    return ManagedProcess("part", [sys.executable, "-c", program], **options)
