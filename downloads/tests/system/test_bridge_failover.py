"""Failover of the bridge's leader, with real processes."""

import functools
import signal
import time

import pytest

from downloads.progress.keys import LEADER_KEY
from downloads.tests.support.bridge import read_epoch
from downloads.tests.support.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.alone
@pytest.mark.processes
def test_another_bridge_takes_over_when_the_leader_is_killed_or_paused(redis_server, run_manage, transactional_db):
    client = redis_server.client()
    epoch = functools.partial(read_epoch, client)

    first_bridge = run_manage("bridge_progress")
    wait_until(epoch, "the first bridge leads")
    second_bridge = run_manage("bridge_progress")
    old_epoch = epoch()
    first_bridge.kill()
    killed_at = time.monotonic()
    wait_until(lambda: epoch() != old_epoch, "the second bridge leads")
    assert time.monotonic() - killed_at <= 5
    # A paused leader that resumes sends nothing with its stale lease.
    run_manage("bridge_progress")
    old_epoch = epoch()
    batches: list[bytes] = []
    with client.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.subscribe("ytarchive__group__progress")

        def newest_batch_has(epoch_name: str) -> bool:
            """Tell whether the newest batch is of this epoch, and so newer than all that came before a pause."""
            if message := pubsub.get_message(timeout=0.2):
                batches.append(message["data"])
            return bool(batches) and epoch_name.encode() in batches[-1]

        wait_until(lambda: newest_batch_has(old_epoch), "the second bridge is heard")
        second_bridge.send_signal(signal.SIGSTOP)
        wait_until(lambda: epoch() != old_epoch, "the third bridge leads")
        new_epoch = epoch()
        wait_until(lambda: newest_batch_has(new_epoch), "the third bridge is heard")
        batches.clear()
        old_log = second_bridge.log.read_text()
        second_bridge.send_signal(signal.SIGCONT)
        wait_until(lambda: second_bridge.log.read_text() != old_log, "it notices")
        for _ in range(20):
            newest_batch_has(new_epoch)
    assert batches
    assert not [batch for batch in batches if old_epoch.encode() in batch]
    assert epoch() == new_epoch
    assert client.get(LEADER_KEY)
