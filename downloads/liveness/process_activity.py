"""Activity of the programs that a process has started, such as ffmpeg: whether any of them still does something."""

import os
from collections.abc import Iterator
from pathlib import Path

PROC = Path("/proc")
WAITS_FOR_DISK = "D"


class GroupActivity:
    """Counter that changes while the other processes of this process' group work; call it with `count`.

    It stands still only while there are such processes and all of them stand still: stopped, or asleep without any
    processor time. One that waits for a slow disk works. Without /proc (proc(5)) all count as working.
    """

    def __init__(self) -> None:
        self._count = 0
        self._last_ticks: dict[int, int] = {}

    def count(self) -> int:
        """Return the counter."""
        ticks, is_waiting_for_disk = {}, False
        for pid, state, used in _other_processes():
            ticks[pid] = used
            is_waiting_for_disk |= state == WAITS_FOR_DISK
        if not ticks or is_waiting_for_disk or ticks != self._last_ticks:
            self._count += 1
        self._last_ticks = ticks
        return self._count


def _other_processes() -> Iterator[tuple[int, str, int]]:
    """Yield the process id, the state and the clock ticks used of each other living process of this group."""
    group, own_pid = os.getpgrp(), os.getpid()
    for path in PROC.glob("[0-9]*/stat"):
        try:
            # The name, in parentheses, may hold anything; the fields after it are numbered from 3.
            fields = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            continue  # it has ended
        pid, state = int(path.parent.name), fields[0]
        if int(fields[2]) == group and pid != own_pid and state not in "ZX":
            yield pid, state, int(fields[11]) + int(fields[12])
