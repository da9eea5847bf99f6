"""Launcher of the processes of downloads: by the fork server while it can be used, else by a new interpreter."""

import contextlib
import ctypes
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass

from django.conf import settings

from downloads.forked_process import IS_SUPPORTED, ForkedProcess
from downloads.worker.processes import protocol
from downloads.worker.processes.zygote import ANSWER_TIMEOUT_SECONDS, Zygote
from downloads.ytdlp_update import selection

logger = logging.getLogger(__name__)

PR_SET_CHILD_SUBREAPER = 36
RESTART_DELAY_SECONDS = 5.0  # of a fork server that died
WARM_SECONDS = 600.0  # how long there is a fork server after `keep_warm`; it takes 45 MB


@dataclass
class LaunchedProcess:
    """A child of this process, the leader of a session and a process group, with its two pipes (non-blocking)."""

    pid: int
    control_fd: int
    progress_fd: int

    def has_exited(self) -> bool:
        """Return whether the process has ended; it stays a zombie, so that its id is not used again."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def wait(self) -> int:
        """Wait for the end of the process; return its exit status, or the negative number of the signal."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def signal_group(self, signal_number: signal.Signals) -> None:
        """Send a signal to all processes of the group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal_number)

    def close_pipes(self) -> None:
        """Close this end of both pipes."""
        os.close(self.control_fd)
        os.close(self.progress_fd)


class Launcher:
    """Starts processes of downloads, which inherit `fds`; `start` raises OSError. One per worker.

    There is a fork server while downloads are wanted: it is forked from the zygote, or is a new interpreter where
    there is none.
    """

    def __init__(self, fds: tuple[int, ...] = (), zygote: Zygote | None = None) -> None:
        self._inherited_fds = fds
        self._zygote = zygote
        self._server: subprocess.Popen[bytes] | ForkedProcess | None = None
        self._requests: socket.socket | None = None
        self._is_ready = False
        self._restart_at = 0.0
        self._ytdlp_changed_at = 0
        self._keep_warm_until = float("-inf")

    def keep_warm(self) -> None:
        """Have a fork server for WARM_SECONDS from now on: somebody has a page open, or there is something to do."""
        self._keep_warm_until = time.monotonic() + WARM_SECONDS

    def prepare(self) -> None:
        """Start a fork server if one is wanted, another if it has died or imported another yt-dlp; never blocks."""
        if not IS_SUPPORTED:
            return
        if self._zygote is not None and self._zygote.process.poll() is not None:
            self._give_up_zygote("has died")
        reap_orphans()
        is_kept_warm = time.monotonic() < self._keep_warm_until
        if self._server is not None and not (is_kept_warm and self._is_server_usable(self._server)):
            self._stop_server()
        if self._server is None and is_kept_warm and time.monotonic() >= self._restart_at:
            self._start_server()

    def _is_server_usable(self, server: subprocess.Popen[bytes] | ForkedProcess) -> bool:
        return server.poll() is None and self._ytdlp_changed_at == selection.read_changed_at()

    def start(self) -> LaunchedProcess:
        """Start a process, which reads its job from standard input."""
        control_read_fd, control_write_fd = os.pipe()
        progress_read_fd, progress_write_fd = os.pipe()
        try:
            pid = self._fork(control_read_fd, progress_write_fd) or self._spawn(control_read_fd, progress_write_fd)
        except BaseException:
            os.close(control_write_fd)
            os.close(progress_read_fd)
            raise
        finally:
            os.close(control_read_fd)
            os.close(progress_write_fd)
        os.set_blocking(control_write_fd, False)
        os.set_blocking(progress_read_fd, False)
        return LaunchedProcess(pid, control_write_fd, progress_read_fd)

    def stop(self) -> None:
        """End the fork server and its zygote; downloads go on."""
        self._stop_server()
        self._stop_zygote()

    def _stop_server(self) -> None:
        self._is_ready = False
        if self._requests is not None:
            self._requests.close()
            self._requests = None
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    # The fork server ---------------------------------------------------------------------------

    def _start_server(self) -> None:
        _become_subreaper()
        self._restart_at = time.monotonic() + RESTART_DELAY_SECONDS
        self._ytdlp_changed_at = selection.read_changed_at()
        ours, theirs = protocol.create_socket_pair()
        with theirs:
            try:
                self._server = self._fork_server(theirs) or self._spawn_server(theirs)
            except OSError as error:
                logger.warning("The fork server cannot be started, downloads start slower: %s", error)
                ours.close()
            else:
                self._requests = ours

    def _fork_server(self, requests: socket.socket) -> ForkedProcess | None:
        if self._zygote is None:
            return None
        server = self._zygote.fork_server(requests, self._inherited_fds)
        if server is None:
            self._give_up_zygote("does not answer")
        return server

    def _fork_from_zygote(self, control_read_fd: int, progress_write_fd: int) -> int | None:
        if self._zygote is None:
            return None
        pid = self._zygote.fork_download((control_read_fd, progress_write_fd), self._inherited_fds)
        if pid is None:
            self._give_up_zygote("does not answer")
        return pid

    def _give_up_zygote(self, reason: str) -> None:
        logger.warning("The zygote %s: fork servers are new interpreters from now on.", reason)
        self._stop_zygote()

    def _stop_zygote(self) -> None:
        if self._zygote is not None:
            self._zygote.stop()
            self._zygote = None

    def _spawn_server(self, requests: socket.socket) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", protocol.PACKAGE, str(requests.fileno()), str(os.getpid())],
            cwd=settings.BASE_DIR,
            stdin=subprocess.DEVNULL,
            pass_fds=(*self._inherited_fds, requests.fileno()),
            start_new_session=True,
            env=protocol.build_environment(),
        )

    def _fork(self, control_read_fd: int, progress_write_fd: int) -> int | None:
        """Return the process id of a child that the fork server or the zygote has forked; None if neither can."""
        self.keep_warm()
        self.prepare()
        if self._requests is None or not (self._is_ready or self._receive(0.0) == protocol.READY):
            return self._fork_from_zygote(control_read_fd, progress_write_fd)
        self._is_ready = True
        try:
            socket.send_fds(self._requests, [protocol.FORK], [control_read_fd, progress_write_fd])
        except OSError as error:
            logger.warning("The fork server cannot be reached: %s", error)
        else:
            if answer := self._receive(ANSWER_TIMEOUT_SECONDS):
                return int(answer)
            logger.warning("The fork server does not answer, and is started anew.")
        # A child that it may have forked ends when its pipe is closed.
        self._stop_server()
        return None

    def _receive(self, timeout: float) -> bytes:
        """Return the next packet; b"" if there is none in time, or if the server has died."""
        if self._requests is None or not select.select([self._requests], [], [], timeout)[0]:
            return b""
        try:
            return self._requests.recv(protocol.MAX_PACKET_BYTES)
        except OSError:
            return b""

    # A new interpreter -------------------------------------------------------------------------

    def _spawn(self, control_read_fd: int, progress_write_fd: int) -> int:
        process = subprocess.Popen(
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "download"],
            stdin=control_read_fd,
            stdout=progress_write_fd,
            pass_fds=self._inherited_fds,
            # A session of its own: its group can be killed as a whole, and Ctrl-C reaches the supervisor only.
            start_new_session=True,
            env=protocol.build_environment(),
        )
        process.returncode = 0  # LaunchedProcess waits for it
        return process.pid


def _become_subreaper() -> None:
    """Have the kernel make this process the parent of the orphans among its descendants."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def reap_orphans() -> None:
    """Reap what killed children have left, such as an ffmpeg: this process, the subreaper, is now their parent.

    Its own children are leaders of sessions, or in its own session, and are left to those who started them.
    """
    while ended := _peek_ended_child():
        if os.getsid(ended) in (ended, os.getsid(0)):
            return
        os.waitpid(ended, os.WNOHANG)


def _peek_ended_child() -> int:
    """Return the process id of a child that has ended, which stays a zombie; 0 if there is none."""
    try:
        ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return 0
    return ended.si_pid if ended else 0
