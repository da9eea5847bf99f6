"""Errors and lines of a start, for modules that know nothing of Django's models."""

import contextlib
from collections.abc import Callable

from django.core.management.base import OutputWrapper

WriteLine = Callable[[str], None]


class StartupError(Exception):
    """The archive cannot be started; the message is one line with the reason and what to do."""


def line_writer(output: OutputWrapper) -> WriteLine:
    """Return a function that writes one line and flushes it, so that a pipe gets it at once."""

    def write_line(line: str) -> None:
        with contextlib.suppress(OSError):  # a closed terminal or pipe is no reason to stop
            output.write(line)
            output.flush()

    return write_line


def first_error_line(error: BaseException) -> str:
    """Return the first line of an error's message, without a full stop."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(". ")
