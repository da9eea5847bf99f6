"""WebSocket clients of the ASGI application, without a network."""

from channels.testing import WebsocketCommunicator

from ytarchive.asgi import application

HOST_HEADER = (b"host", b"127.0.0.1:8000")


def websocket_communicator(*, subprotocols=(), headers=(), path="/ws/progress") -> WebsocketCommunicator:
    return WebsocketCommunicator(application, path, [HOST_HEADER, *headers], subprotocols=list(subprotocols))
