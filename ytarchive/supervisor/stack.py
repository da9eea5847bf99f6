"""The processes of one machine: started in order, watched, restarted, and stopped in order."""

import contextlib
import fcntl
import logging
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Iterator
from types import FrameType

from django.conf import settings

from ytarchive.supervisor import bootstrap, readiness
from ytarchive.supervisor.bootstrap import CannotStart, Say
from ytarchive.supervisor.listener import FirstPage, is_loopback, url
from ytarchive.supervisor.process import Part, in_words

logger = logging.getLogger(__name__)

LOOK = 0.05  # seconds between two looks at what sends no event
READY_WITHIN = 120.0
REDIS_WITHIN = 60.0  # a long log takes a while to be read
TRIES = 3  # of a part that has never run well


def manage(*words: str) -> list[str]:
    """Return the command line of one of our own commands."""
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *words]


def environment(listener: socket.socket) -> dict[str, str]:
    """Return the parts' environment: an archive that others can reach is private unless told otherwise."""
    given = dict(os.environ)
    if not is_loopback(listener) and not given.get("YTARCHIVE_PRIVATE"):
        given["YTARCHIVE_PRIVATE"] = "1"
    return given


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Hold the data folder against a second stack; raise CannotStart if there is one."""
    with (settings.DATA / "up.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotStart(
                f"ytarchive already runs on the data folder {settings.DATA}: stop it first, "
                "or give this one another folder in YTARCHIVE_DATA."
            ) from error
        yield


class Stack:
    """Redis (unless it is somebody else's), pages, bridge and workers, as one.

    `front` (pages and workers) stops first, then `bridge`, then `server`. A part that ends with
    `reload_status` asks for all but the server to be started anew.
    """

    def __init__(
        self,
        listener: socket.socket,
        front: list[Part],
        bridge: list[Part],
        server: Part | None,
        say: Say,
        reload_status: int | None = None,
    ) -> None:
        self.listener = listener
        self.front = front
        self.bridge = bridge
        self.server = server
        self.say = say
        self.reload_status = reload_status
        self.ready = False
        self.stopping = False
        self._page = FirstPage(listener)
        self._watching = False
        self._selector = selectors.DefaultSelector()

    # The story, in order ---------------------------------------------------------------------

    def run(self) -> None:
        """Start everything, keep it running until a signal orders the stop, and stop it; raise CannotStart."""
        with self._wakened_by_signals():
            try:
                self._begin()
                self._watch()
            except KeyboardInterrupt:
                pass  # the stop was ordered during the preparations
            finally:
                self._end()

    def _begin(self) -> None:
        if self.server:
            self.server.start()
        elif self.bridge:
            readiness.check_redis()
        bootstrap.everything(self.say)
        if self.server:
            self._await(self.server)
            readiness.forget_the_dead()
        for part in [*self.front, *self.bridge]:
            part.start()

    def _await(self, part: Part) -> None:
        deadline = time.monotonic() + REDIS_WITHIN
        while not readiness.answers():
            if part.reap() is not None:
                raise CannotStart(f"The embedded Redis-compatible server does not start: {part.last_words()}")
            if time.monotonic() > deadline:
                raise CannotStart("The embedded Redis-compatible server does not answer.")
            self._sleep(LOOK)

    def _watch(self) -> None:
        self._watching = True
        deadline = time.monotonic() + READY_WITHIN
        while not self.stopping:
            self._tend()
            if not self.ready:
                self._look_whether_ready(deadline)
            self._sleep(self._patience())

    def _end(self) -> None:
        self._watching = self.stopping = True
        self._page.close()
        self._stop(self.front)
        self._stop(self.bridge)
        self._stop([self.server] if self.server else [])

    def _parts(self) -> list[Part]:
        return [*self.front, *self.bridge, *([self.server] if self.server else [])]

    # Watching --------------------------------------------------------------------------------

    def _tend(self) -> None:
        """Start what is due, plan what has died."""
        for part in self._parts():
            if (status := part.reap()) is not None:
                if status == self.reload_status:
                    self._reload()
                    return
                self._put_off(part, status)
            elif part.due is not None and part.due <= time.monotonic():
                part.start()

    def _put_off(self, part: Part, status: int) -> None:
        delay = part.put_off()
        if not self.ready and part.early_ends >= TRIES and self.reload_status is None:
            raise CannotStart(f"The part “{part.name}” does not start ({in_words(status)}): its own lines are above.")
        logger.warning("%s ended (%s); it is started again in %g s", part.name, in_words(status), delay)

    def _reload(self) -> None:
        self._stop(self.front)
        self._stop(self.bridge)
        for part in [*self.front, *self.bridge]:
            part.early_ends = 0
            if not self.stopping:
                part.start()

    def _look_whether_ready(self, deadline: float) -> None:
        missing = self._missing()
        if not missing:
            self.ready = True
            self.say(f"Ready on {url(self.listener)}")
        elif time.monotonic() > deadline and self.reload_status is None:
            raise CannotStart(f"Not ready after {READY_WITHIN:.0f} s: {', '.join(missing)}.")

    def _missing(self) -> list[str]:
        wanted = {"no page is answered": self._page.poll}
        if self.bridge:
            wanted |= {"no bridge leads": readiness.bridge_leads, "no worker claims": readiness.worker_claims}
        return [what for what, holds in wanted.items() if not holds()]

    def _patience(self) -> float | None:
        """Return the seconds until there is something to do; None: until a signal."""
        if not self.ready:
            return LOOK
        due = [part.due for part in self._parts() if part.due is not None]
        return max(0.0, min(due) - time.monotonic()) if due else None

    # Stopping ----------------------------------------------------------------------------------

    def _stop(self, parts: list[Part]) -> None:
        """End these parts, first by asking, then by force; return when they are gone."""
        deadline = time.monotonic() + max((part.grace for part in parts), default=0)
        for part in parts:
            part.ask_to_stop()
        while self._alive(parts) and time.monotonic() < deadline:
            self._sleep(max(0.0, deadline - time.monotonic()))
        for part in self._alive(parts):
            logger.warning("%s did not stop within %g s and is killed", part.name, part.grace)
            part.kill()
        while self._alive(parts):
            self._sleep(None)

    @staticmethod
    def _alive(parts: list[Part]) -> list[Part]:
        for part in parts:
            part.reap()
        return [part for part in parts if part.running]

    # Signals -------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _wakened_by_signals(self) -> Iterator[None]:
        """Let a child's end, and an order to stop, end any sleep of ours; nothing is missed in between."""
        receiver, sender = socket.socketpair()
        with receiver, sender, self._selector:
            receiver.setblocking(False)
            sender.setblocking(False)
            self._selector.register(receiver, selectors.EVENT_READ)
            signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
            signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                if not (number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN):  # nohup
                    signal.signal(number, self._order_stop)
            try:
                yield
            finally:
                signal.set_wakeup_fd(-1)

    def _order_stop(self, _number: int, _frame: FrameType | None) -> None:
        if not self.stopping and not self._watching:
            self.stopping = True
            raise KeyboardInterrupt
        self.stopping = True

    def _sleep(self, seconds: float | None) -> None:
        for key, _ in self._selector.select(seconds):
            with contextlib.suppress(BlockingIOError):
                while key.fileobj.recv(1024):  # type: ignore[union-attr]
                    pass
