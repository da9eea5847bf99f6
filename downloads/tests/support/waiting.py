"""Waiting for the state of outside processes, which send no event."""

import time

PATIENCE_SECONDS = 60.0  # far beyond what anything takes on a loaded machine: only what never comes waits so long


def wait_until(holds, what: str, within: float = PATIENCE_SECONDS) -> None:
    """Poll an outside process' state (which sends no event) until `holds()`; fail after `within` seconds.

    Give `within` where the time is what the test is about, or where more than the usual is needed.
    """
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {within} s"
        time.sleep(0.02)
