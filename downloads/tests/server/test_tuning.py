"""The tuning of a web process."""

import daphne.server  # noqa: F401, I001  # first, since it installs Twisted's asyncio reactor
import autobahn.twisted.websocket
import autobahn.websocket.protocol
import pytest
from autobahn.twisted.websocket import WebSocketServerFactory, WebSocketServerProtocol

from ytarchive.server import tuning


@pytest.fixture
def untouched_autobahn(monkeypatch):
    """Restore autobahn afterwards."""
    for module in (autobahn.websocket.protocol, autobahn.twisted.websocket):
        for name in ("pformat", "hltype", "hlval"):
            monkeypatch.setattr(module, name, getattr(module, name, None), raising=False)


def test_autobahn_describes_no_connection(untouched_autobahn, monkeypatch):
    """A handshake of 2,000 clients at once must not pretty-print their options."""
    described = []
    monkeypatch.setattr(autobahn.websocket.protocol, "pformat", described.append)
    tuning.skip_autobahn_descriptions()
    server = WebSocketServerProtocol()
    server.factory = WebSocketServerFactory()
    server._connectionMade()
    assert server.state == server.STATE_CONNECTING
    assert described == []
