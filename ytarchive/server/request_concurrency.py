"""Limit of the concurrent requests of one client address: hundreds at once leave time and memory for others."""

import asyncio
import contextlib
from typing import Any

from downloads.accounts.client_address import find_client_address

# Each takes a thread, up to 1 MB and some 10 ms. More than sign_in_queue.MAX_WAITING_PER_ADDRESS, so that sign-ins
# that wait leave some for pages.
MAX_CONCURRENT_REQUESTS = 48  # of one address


class _AddressLimit:
    """The limit of one address, kept while it has requests."""

    def __init__(self) -> None:
        self.semaphore = asyncio.Semaphore(MAX_CONCURRENT_REQUESTS)
        self.request_count = 0


class RequestConcurrencyMiddleware:
    """ASGI middleware that limits the concurrent requests of one client address; others wait in order."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.limits: dict[str, _AddressLimit] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        address = _client_address(scope)
        limit = self.limits.setdefault(address, _AddressLimit())
        limit.request_count += 1
        try:
            await self._answer(limit, scope, receive, send)
        finally:
            limit.request_count -= 1
            if not limit.request_count:
                del self.limits[address]

    async def _answer(self, limit: _AddressLimit, scope: Any, receive: Any, send: Any) -> None:
        async with contextlib.AsyncExitStack() as slot:
            await slot.enter_async_context(limit.semaphore)

            async def send_answer(message: dict[str, Any]) -> None:
                await slot.aclose()  # the work is done, while sending may take hours (videos)
                await send(message)

            await self.inner(scope, receive, send_answer)


def _client_address(scope: Any) -> str:
    forwarded = b",".join(value for name, value in scope["headers"] if name == b"x-forwarded-for")
    return find_client_address(forwarded.decode("latin1"), (scope.get("client") or [""])[0])
