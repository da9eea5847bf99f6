"""Callbacks for asyncio tasks."""

import asyncio
from typing import Any


def mark_exception_retrieved(future: asyncio.Future[Any]) -> None:
    """Keep asyncio from logging the error of a task that nobody awaits any more.

    A done callback for shielded tasks: each waiter gets the error, but all of them may have given up.
    """
    if not future.cancelled():
        future.exception()
