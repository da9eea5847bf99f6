"""Fixtures for the tests of the bridge and its conflator."""

from collections.abc import AsyncIterator

import pytest

from downloads.bridge import lease
from downloads.tests.support.bridge import BridgeHarness
from downloads.tests.support.conflator import ConflatorHarness
from downloads.tests.support.redis_server import RedisServer


@pytest.fixture
async def bridge_harness(redis_server: RedisServer, monkeypatch) -> AsyncIterator[BridgeHarness]:
    """A harness whose bridges do not lose their lease while a loaded machine pauses."""
    monkeypatch.setattr(lease, "BRIDGE_LEASE_SECONDS", 60.0)
    harness = BridgeHarness(redis_server)
    await harness.listener.join()
    yield harness
    await harness.close()


@pytest.fixture
def harness() -> ConflatorHarness:
    return ConflatorHarness()
