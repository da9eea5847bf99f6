"""The page ends with the state of the rows, whatever messages are lost, late, repeated or out of order.

Hypothesis generates histories: changes of rows, messages that are lost, repeated or delayed, batches
that do not arrive, bridges that restart and sockets that reconnect. Each history runs through the
bridge's rules, the web process' fan-out and the page's own store (in Node), until nothing is pending.
"""

import asyncio
import subprocess
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downloads.tests.support import required_programs
from downloads.tests.support.pipeline_simulation import PipelineSimulation

ACTIONS = (
    *("start", "advance", "advance", "process", "finish", "fail", "cancel", "retry", "release", "foreign_publish"),
    *("deliver", "deliver", "late", "repeat", "lose", "tick", "tick", "lost_batch", "restart_bridge", "wipe_redis"),
    *("reconcile", "wait", "reconnect", "fetch"),
)
HISTORIES = st.lists(st.tuples(st.sampled_from(ACTIONS), st.integers(0, 11), st.integers(0, 99)), max_size=60)


@pytest.fixture(scope="module")
def store_process() -> Iterator["subprocess.Popen[str]"]:
    script = "downloads/tests/javascript/store_driver.js"
    process = subprocess.Popen(
        [required_programs.require_program("node"), script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield process
    process.kill()
    process.wait()


def run_history(node: "subprocess.Popen[str]", history: list[tuple[str, int, int]]) -> None:
    async def run() -> None:
        simulation = PipelineSimulation(node)
        await simulation.play(history)
        await simulation.quiet()
        simulation.check()

    asyncio.run(run())


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORIES)
def test_it_ends_with_the_page_equal_to_the_rows(store_process, history):
    run_history(store_process, history)


@pytest.mark.soak
@settings(max_examples=20_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORIES)
def test_it_ends_with_the_page_equal_to_the_rows_for_a_long_time(store_process, history):
    run_history(store_process, history)
