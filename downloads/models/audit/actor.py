"""The actor: the person on whose behalf the code runs, named in the audit log."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any


@dataclasses.dataclass(frozen=True)
class Actor:
    """A user, or a name without an account such as "shell"; without a name it is the program itself."""

    user_id: int | None = None
    name: str = ""


PROGRAM = Actor()
SHELL = Actor(name="shell")
# A function, since finding the user of a request takes a query that most requests do not need.
_find_actor: ContextVar[Callable[[], Actor]] = ContextVar("find_actor", default=lambda: PROGRAM)


def current_actor() -> Actor:
    """Return the actor of the running code; PROGRAM where nobody is known."""
    return _find_actor.get()()


def set_actor(find_actor: Callable[[], Actor]) -> None:
    """Set the function that returns the actor, for the rest of this thread or task."""
    _find_actor.set(find_actor)


@contextlib.contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Run a block on behalf of `actor`."""
    token = _find_actor.set(lambda: actor)
    try:
        yield
    finally:
        _find_actor.reset(token)


def actor_of(user: Any) -> Actor:
    """Return the actor for a user of a request; PROGRAM for one who is not signed in."""
    return Actor(user.pk, user.get_username()) if getattr(user, "is_authenticated", False) else PROGRAM
