"""Termination of a process when its parent ends: prctl(2), PR_SET_PDEATHSIG."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

# Loaded at import, before any fork: a forked child may not load libraries.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def kill_when_parent_dies(parent_pid: int | None = None) -> None:
    """Have the kernel kill this process when its parent ends, by whatever signal; does nothing except on Linux.

    With `parent_pid`, exit at once if that parent ended before the call. The kernel takes the end of the
    *thread* that started this process for the end of its parent.
    """
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent_pid is not None and os.getppid() != parent_pid:
        os._exit(1)
