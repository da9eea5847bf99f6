"""Limit of the concurrent requests of one address."""

import asyncio

import pytest

from ytarchive.server import request_concurrency
from ytarchive.server.request_concurrency import RequestConcurrencyMiddleware


class Work:
    """An application whose requests are worked on until `release`."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.is_released = asyncio.Event()
        self.is_sent = asyncio.Event()

    async def __call__(self, scope, receive, send) -> None:
        self.begun.append(scope["client"][0])
        await self.is_released.wait()
        await send({"type": "http.response.start"})
        await self.is_sent.wait()


@pytest.fixture
def work():
    return Work()


@pytest.fixture
def middleware(work, monkeypatch):
    monkeypatch.setattr(request_concurrency, "MAX_CONCURRENT_REQUESTS", 2)
    return RequestConcurrencyMiddleware(work)


async def ignore(message) -> None:
    """Send nothing."""


def request(middleware: RequestConcurrencyMiddleware, address: str, forwarded: bytes = b"") -> asyncio.Task:
    headers = [(b"x-forwarded-for", forwarded)] if forwarded else []
    return asyncio.create_task(middleware({"client": [address, 1], "headers": headers}, None, ignore))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_many_requests_of_one_address_wait_for_each_other_only(middleware, work):
    tasks = [request(middleware, address) for address in ("192.0.2.1",) * 5 + ("192.0.2.2",)]
    await settle()
    assert work.begun == ["192.0.2.1", "192.0.2.1", "192.0.2.2"]
    work.is_released.set()
    work.is_sent.set()
    await asyncio.gather(*tasks)
    assert work.begun.count("192.0.2.1") == 5
    assert not middleware.limits


async def test_responses_that_are_being_sent_take_no_slot(middleware, work):
    tasks = [request(middleware, "192.0.2.1") for _ in range(5)]
    work.is_released.set()
    await settle()
    assert len(work.begun) == 5
    work.is_sent.set()
    await asyncio.gather(*tasks)


async def test_requests_that_are_given_up_leave_no_slot_behind(middleware, work):
    tasks = [request(middleware, "192.0.2.1") for _ in range(5)]
    await settle()
    for task in tasks[:4]:
        task.cancel()
    await settle()
    assert len(work.begun) == 3
    work.is_released.set()
    work.is_sent.set()
    await tasks[4]
    assert not middleware.limits


async def test_behind_a_proxy_it_is_the_visitor_who_waits(middleware, work, settings):
    settings.PROXIES = 1
    tasks = [request(middleware, "127.0.0.1", f"198.51.100.{number}".encode()) for number in range(4)]
    await settle()
    assert len(work.begun) == 4
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
