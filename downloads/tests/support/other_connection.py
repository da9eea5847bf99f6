"""Calls that use a connection of their own to the database, as another process does."""

import threading
from collections.abc import Callable

from django.db import connection


def call_elsewhere(function: Callable[[], object]) -> None:
    """Call the function in a thread of its own, and wait for its end."""

    def call() -> None:
        try:
            function()
        finally:
            connection.close()

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
