"""Clients of the WebSocket."""

from collections.abc import AsyncIterator

import pytest
from channels.testing import WebsocketCommunicator

from downloads.tests.support.websockets import websocket_communicator


@pytest.fixture
async def v1_client(channel_layer) -> AsyncIterator[WebsocketCommunicator]:
    client = websocket_communicator()
    assert (await client.connect())[0]
    yield client
    await client.disconnect()
