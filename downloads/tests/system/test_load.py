"""Load on real processes: thousands of viewers see all updates of many downloads, and come back all at once."""

import os

import pytest

from downloads.tests.support.load.run import LoadRun, LoadShape
from downloads.tests.support.load.stack import LoadStack
from downloads.tests.support.result_file import ResultFile

pytestmark = [pytest.mark.processes, pytest.mark.alone, pytest.mark.django_db(transaction=True)]

LONG_SECONDS = float(os.environ.get("LOAD_SECONDS", "3600"))
VIEWERS = int(os.environ.get("LOAD_VIEWERS", "2000"))
MAX_STORM_SECONDS = 15.0
MAX_MEMORY_GROWTH = 0.03


@pytest.fixture
def load_stack(tmp_path, redis_server, static_files):
    stack = LoadStack(tmp_path, redis_server, {})
    stack.start()
    yield stack
    stack.stop()


def run_load(stack, shape):
    results = ResultFile("load.jsonl")
    summary = LoadRun(stack, shape, results.append).run()
    print(f"\n{summary}")  # noqa: T201
    assert summary["wrong"] == 0, summary["example"]
    assert summary["gaps"] == 0
    assert not any(summary["dropped"].values())
    for storm in summary["storms"]:
        assert storm["all_live_seconds"] <= MAX_STORM_SECONDS
        assert storm["probes"]["over_1s"] == 0
    return summary


def test_all_viewers_see_the_last_update_after_a_storm(load_stack):
    run_load(load_stack, LoadShape(viewers=200, videos=20, rate=5, seconds=2, kills_web=False))


@pytest.mark.soak
def test_two_thousand_viewers_for_an_hour(load_stack):
    summary = run_load(load_stack, LoadShape(viewers=VIEWERS, videos=100, rate=5, seconds=LONG_SECONDS))
    for name, memory in summary["memory"].items():
        # Not the proportional size: that grows when other programs end which had the same libraries in memory.
        growth = memory["rss_mb"][2]
        assert growth <= MAX_MEMORY_GROWTH, (name, memory)
