"""Turns of one client's requests: a client with hundreds at once leaves time and memory for others."""

import asyncio
import contextlib
from typing import Any

from downloads.accounts.client_address import find_client_address

# Each takes a thread, up to 1 MB and some 10 ms. More than sign_in_queue.MAX_WAITING_PER_ADDRESS, so that sign-ins
# that wait leave some for pages.
MAX_REQUESTS_AT_ONCE = 48  # of one address


class _Client:
    """The turns of one address, kept while it has requests."""

    def __init__(self) -> None:
        self.turns = asyncio.Semaphore(MAX_REQUESTS_AT_ONCE)
        self.requests = 0


class RequestTurns:
    """ASGI middleware that works on a few requests of an address at once; the others wait, in their order."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.clients: dict[str, _Client] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        address = _client_address(scope)
        client = self.clients.setdefault(address, _Client())
        client.requests += 1
        try:
            await self._answer(client, scope, receive, send)
        finally:
            client.requests -= 1
            if not client.requests:
                del self.clients[address]

    async def _answer(self, client: _Client, scope: Any, receive: Any, send: Any) -> None:
        async with contextlib.AsyncExitStack() as turn:
            await turn.enter_async_context(client.turns)

            async def send_answer(message: dict[str, Any]) -> None:
                await turn.aclose()  # the work is done, while sending may take hours (videos)
                await send(message)

            await self.inner(scope, receive, send_answer)


def _client_address(scope: Any) -> str:
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return find_client_address(forwarded.decode("latin1"), (scope.get("client") or [""])[0])
