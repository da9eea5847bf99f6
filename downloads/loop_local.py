"""What each event loop has one of, made when it is first asked for."""

import asyncio
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class OnePerLoop(Generic[Thing]):
    """Return the running loop's own, when called; it goes with the loop."""

    def __init__(self, make: Callable[[], Thing]) -> None:
        self._make = make
        self._found: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Thing] = weakref.WeakKeyDictionary()

    def __call__(self) -> Thing:
        loop = asyncio.get_running_loop()
        found = self._found.get(loop)
        if found is None:
            found = self._found[loop] = self._make()
        return found
