"""Heartbeats: signs of life of a process' main loop, and who notices that they stop.

`up` watches the processes that it starts: each writes to a pipe, and is killed and restarted after
YTARCHIVE_WATCHDOG_SECONDS without a beat. A process that runs alone, as in a container, watches itself from a thread,
and ends, so that whatever started it does so again. A beat comes from the loop itself: it says that the loop turns.
"""

import asyncio
import contextlib
import faulthandler
import math
import os
import signal
import stat
import threading
import time
from collections.abc import Callable

CHECKS_PER_TIMEOUT = 12
# Until its first beat, a process may take at least this long: loading the program is slow on a busy machine.
START_TIMEOUT_SECONDS = 60.0
EXIT_STATUS_FROZEN = 70  # EX_SOFTWARE of sysexits.h


class MissedHeartbeatCounter:
    """Counter of checks that found no new heartbeat; call `poll` at least every `interval_seconds`.

    Checks are counted, not seconds: time in which the watching process did not run either, since the machine slept or
    both were stopped, misses none.
    """

    def __init__(self, timeout_seconds: float, start_timeout_seconds: float = START_TIMEOUT_SECONDS) -> None:
        self.timeout_seconds = timeout_seconds
        self.interval_seconds = timeout_seconds / CHECKS_PER_TIMEOUT
        self._checks_at_start = max(CHECKS_PER_TIMEOUT, math.ceil(start_timeout_seconds / self.interval_seconds))
        self.reset()

    def reset(self) -> None:
        """Begin again, for a process that is just being started."""
        self._missed_checks = 0
        self._max_missed_checks = self._checks_at_start
        self.next_check_at = time.monotonic() + self.interval_seconds

    def poll(self, has_new_beat: Callable[[], bool]) -> bool:
        """Check, if it is time to, whether there was a beat since the last check; True once too many are missed."""
        now = time.monotonic()
        if now >= self.next_check_at:
            self.next_check_at = now + self.interval_seconds
            if has_new_beat():
                self._missed_checks, self._max_missed_checks = 0, CHECKS_PER_TIMEOUT
            else:
                self._missed_checks += 1
        return self._missed_checks >= self._max_missed_checks


class Heartbeat:
    """The heartbeat of this process: `start` once, then `beat` from the main loop, as often as it turns."""

    def __init__(self) -> None:
        self._pipe_fd: int | None = None
        self._interval_seconds = 1.0
        self._write_at = 0.0
        self._beats = 0

    def start(self, pipe_fd: int, timeout_seconds: float) -> None:
        """Send beats through an inherited pipe; without one (0), watch this process from a thread of its own."""
        self._interval_seconds = timeout_seconds / CHECKS_PER_TIMEOUT
        if pipe_fd and _is_pipe(pipe_fd):
            self._pipe_fd = pipe_fd
        else:
            counter = MissedHeartbeatCounter(timeout_seconds)
            threading.Thread(target=self._watch_main_loop, args=(counter,), name="watchdog", daemon=True).start()

    def beat(self) -> None:
        """Say that the main loop turns. Call it in long work of the main loop as well, after each step."""
        self._beats += 1
        now = time.monotonic()
        if self._pipe_fd is not None and now >= self._write_at:
            self._write_at = now + self._interval_seconds / 2
            # Full while nobody reads, broken when nobody will: neither is this process' problem.
            with contextlib.suppress(OSError):
                os.write(self._pipe_fd, b".")

    async def beat_forever(self) -> None:
        """Beat as long as the running event loop turns."""
        while True:
            self.beat()
            await asyncio.sleep(self._interval_seconds / 2)

    def _watch_main_loop(self, counter: MissedHeartbeatCounter) -> None:
        last_beats = 0

        def has_new_beat() -> bool:
            nonlocal last_beats
            last_beats, before = self._beats, last_beats
            return last_beats != before

        while not counter.poll(has_new_beat):
            # Code that never releases Python's lock stops this thread too; then the kernel ends the process with
            # SIGPROF after so many seconds of processor time. Real time would count what the machine slept.
            signal.setitimer(signal.ITIMER_PROF, counter.timeout_seconds)
            time.sleep(counter.interval_seconds)
        _exit_frozen(counter.timeout_seconds)


def _exit_frozen(seconds: float) -> None:
    """End this process at once. Not by logging or sys.exit, which may wait for what the main loop waits for."""
    os.write(2, f"The main loop has stood still for {seconds:g} s: this process ends, to be started again.\n".encode())
    faulthandler.dump_traceback(file=2, all_threads=True)
    os._exit(EXIT_STATUS_FROZEN)


def _is_pipe(fd: int) -> bool:
    try:
        return stat.S_ISFIFO(os.fstat(fd).st_mode)
    except OSError:
        return False


process_heartbeat = Heartbeat()
