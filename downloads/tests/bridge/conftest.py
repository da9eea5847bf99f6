"""Harnesses of the bridge and of its conflator."""

from collections.abc import AsyncIterator

import pytest

from downloads.tests.support.bridge import BridgeHarness
from downloads.tests.support.conflator import ConflatorHarness
from downloads.tests.support.redis_server import RedisServer


@pytest.fixture
async def bridge_harness(redis_server: RedisServer) -> AsyncIterator[BridgeHarness]:
    found = BridgeHarness(redis_server)
    await found.listener.join()
    yield found
    await found.close()


@pytest.fixture
def harness() -> ConflatorHarness:
    return ConflatorHarness()
