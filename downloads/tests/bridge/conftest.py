"""Fixtures for the tests of the bridge and its conflator."""

from collections.abc import AsyncIterator

import pytest

from downloads.tests.support.bridge import BridgeHarness
from downloads.tests.support.conflator import ConflatorHarness
from downloads.tests.support.redis_server import RedisServer


@pytest.fixture
async def bridge_harness(redis_server: RedisServer) -> AsyncIterator[BridgeHarness]:
    harness = BridgeHarness(redis_server)
    await harness.listener.join()
    yield harness
    await harness.close()


@pytest.fixture
def harness() -> ConflatorHarness:
    return ConflatorHarness()
