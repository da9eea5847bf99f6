"""The origin of WebSocket connections."""

import pytest

from downloads.tests.support.websockets import PatientCommunicator, websocket_communicator
from ytarchive.asgi import application


@pytest.mark.parametrize(
    "origin",
    [
        b"https://127.0.0.1:8000",
        b"http://127.0.0.1:8001",
        b"http://127.0.0.1",
        b"http://evil.example:8000",
        b"http://127.0.0.1:8000.evil.example",
        b"http://user@127.0.0.1:8000",
        b"http://127.0.0.1:8000/path",
        b"ftp://127.0.0.1:8000",
        b"null",
        b"",
        b"http://[",
    ],
)
async def test_it_refuses_a_foreign_origin(channel_layer, origin):
    assert await websocket_communicator(headers=[(b"origin", origin)]).connect() == (False, 1000)


async def test_it_refuses_a_host_that_is_not_ours_and_two_origins(channel_layer):
    rebound = PatientCommunicator(
        application, "/ws/progress", [(b"host", b"evil.example"), (b"origin", b"http://evil.example")]
    )
    assert not (await rebound.connect())[0]
    twice = [(b"origin", b"http://127.0.0.1:8000"), (b"origin", b"http://evil.example")]
    assert not (await websocket_communicator(headers=twice).connect())[0]


@pytest.mark.parametrize("origin", [b"http://127.0.0.1:8000", b"HTTP://127.0.0.1:8000"])
async def test_it_takes_its_own_origin(channel_layer, origin):
    socket = websocket_communicator(headers=[(b"origin", origin)])
    assert (await socket.connect())[0]
    await socket.disconnect()


async def test_it_takes_a_trusted_origin_behind_a_proxy(channel_layer, settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://videos.example"]
    socket = websocket_communicator(headers=[(b"origin", b"https://videos.example")])
    assert (await socket.connect())[0]
    await socket.disconnect()
