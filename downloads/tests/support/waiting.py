"""Waiting for the state of outside processes, which send no event."""

import time


def wait_until(holds, seconds: float, what: str) -> None:
    """Poll an outside process' state (which sends no event) until `holds()`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {seconds} s"
        time.sleep(0.02)
