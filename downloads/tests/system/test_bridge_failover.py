"""Failover of the bridge's leader, with real processes."""

import json
import signal
import time

import pytest

from downloads.progress.keys import LEADER_KEY, SNAPSHOT_KEY
from downloads.tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.alone
@pytest.mark.processes
def test_another_bridge_takes_over_when_the_leader_is_killed_or_paused(redis_server, run_manage, transactional_db):
    client = redis_server.client()

    def epoch() -> str:
        return json.loads(client.hget(SNAPSHOT_KEY, "@") or b"{}").get("epoch", "")

    one = run_manage("bridge_progress")
    wait_until(epoch, 20, "the first bridge leads")
    two = run_manage("bridge_progress")
    before = epoch()
    one.kill()
    killed = time.monotonic()
    wait_until(lambda: epoch() != before, 20, "the second bridge leads")
    assert time.monotonic() - killed <= 5
    # A paused leader that wakes up does not speak with its stale lease.
    run_manage("bridge_progress")
    before = epoch()
    heard: list[bytes] = []
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("ytarchive__group__progress")

        def hears(name: str) -> bool:
            """Whether the newest batch is of that epoch: what a bridge sent before its pause came before it."""
            if message := pubsub.get_message(timeout=0.2):
                heard.append(message["data"])
            return bool(heard) and name.encode() in heard[-1]

        wait_until(lambda: hears(before), 20, "the second bridge is heard")
        two.send_signal(signal.SIGSTOP)
        wait_until(lambda: epoch() != before, 20, "the third bridge leads")
        after = epoch()
        wait_until(lambda: hears(after), 20, "the third bridge is heard")
        heard.clear()
        log = two.log.read_text()
        two.send_signal(signal.SIGCONT)
        wait_until(lambda: two.log.read_text() != log, 20, "it notices")
        for _ in range(20):
            hears(after)
    assert heard
    assert not [data for data in heard if before.encode() in data]
    assert epoch() == after
    assert client.get(LEADER_KEY)
