"""Turns for checking passwords: one at a time in a process, and in turn between client addresses.

A check takes 0.1 s of a core and 100 MB of memory (Argon2). In one queue for all, a flood from one address would
leave no turn for others.
"""

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator

MAX_WAITING_PER_ADDRESS = 32
MAX_WAITING = 256
MAX_WAIT_SECONDS = 10.0


class QueueFull(Exception):
    """Too many sign-ins wait, of one address or in all, or the turn did not come in time."""


class SignInQueue:
    """The sign-ins that wait, by address; the address that has waited longest for a turn is next."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, deque[object]] = {}
        self._is_busy = False

    @contextlib.contextmanager
    def turn(self, address: str) -> Iterator[None]:
        """Wait for this address's turn, and keep it for the block; raise QueueFull."""
        ticket = object()
        with self._changed:
            self._enqueue(address, ticket)
            try:
                self._await_turn(address, ticket)
            finally:
                self._leave(address, ticket)
            self._is_busy = True
        try:
            yield
        finally:
            with self._changed:
                self._is_busy = False
                self._changed.notify_all()

    def _enqueue(self, address: str, ticket: object) -> None:
        tickets = self._waiting.get(address, ())
        if len(tickets) >= MAX_WAITING_PER_ADDRESS or sum(map(len, self._waiting.values())) >= MAX_WAITING:
            raise QueueFull
        self._waiting.setdefault(address, deque()).append(ticket)

    def _await_turn(self, address: str, ticket: object) -> None:
        deadline = time.monotonic() + MAX_WAIT_SECONDS
        while self._is_busy or next(iter(self._waiting)) != address or self._waiting[address][0] is not ticket:
            if not self._changed.wait(deadline - time.monotonic()):
                raise QueueFull

    def _leave(self, address: str, ticket: object) -> None:
        """Remove a ticket, and put its address behind the others."""
        tickets = self._waiting.pop(address)
        tickets.remove(ticket)
        if tickets:
            self._waiting[address] = tickets
        self._changed.notify_all()
