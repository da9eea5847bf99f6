"""Closing of sockets whose session has ended, with the real channel layer and the real tables."""

import asyncio
import contextlib

import pytest
from asgiref.sync import sync_to_async
from channels.layers import channel_layers
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import InterfaceError, OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from downloads.accounts import session_monitor
from downloads.fanout import hub
from downloads.tests.support.waiting import PATIENCE_SECONDS
from downloads.tests.support.websockets import PatientCommunicator
from ytarchive.asgi import application

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
async def private_archive(redis_server, settings, monkeypatch):
    """A private archive that checks sessions often, with a channel layer of this test's event loop."""
    settings.PRIVATE = True
    monkeypatch.setattr(session_monitor, "SESSION_CHECK_INTERVAL_SECONDS", 0.02)
    channel_layers.backends.pop("default", None)
    yield
    await hub.get_hub().close_redis()
    channel_layers.backends.pop("default", None)


def sign_in_client() -> Client:
    users = get_user_model()._default_manager
    users.filter(username="ann").exists() or users.create_user("ann", password=PASSWORD)
    client = Client()
    client.force_login(users.get(username="ann"))
    return client


async def open_socket(client: Client) -> PatientCommunicator:
    """Open a socket with this browser's cookie."""
    name = settings.SESSION_COOKIE_NAME
    cookie = f"{name}={client.cookies[name].value}".encode()
    socket = PatientCommunicator(application, "/ws/progress", [(b"host", b"127.0.0.1"), (b"cookie", cookie)])
    assert (await socket.connect())[0]
    return socket


def sign_out(client: Client) -> None:
    client.logout()


def change_password(client: Client) -> None:
    user = get_user_model()._default_manager.get(username="ann")
    user.set_password("another one that is long")
    user.save()


def close_the_account(client: Client) -> None:
    get_user_model()._default_manager.filter(username="ann").update(is_active=False)


def delete_the_account(client: Client) -> None:
    get_user_model()._default_manager.filter(username="ann").delete()


@pytest.mark.parametrize("end", [sign_out, change_password, close_the_account, delete_the_account])
async def test_a_socket_ends_with_its_session(end) -> None:
    client = await sync_to_async(sign_in_client)()
    socket = await open_socket(client)
    await sync_to_async(end)(client)
    assert await socket.receive_output() == {"type": "websocket.close", "code": 4401}
    await socket.disconnect()


async def test_it_ends_no_other_and_goes_on_looking() -> None:
    one, other = await sync_to_async(sign_in_client)(), await sync_to_async(sign_in_client)()
    first, second = await open_socket(one), await open_socket(other)
    for client, socket in ((one, first), (other, second)):
        await sync_to_async(sign_out)(client)
        assert (await socket.receive_output())["code"] == 4401
        if socket is first:
            assert await second.receive_nothing(0.2)
        await socket.disconnect()


async def test_it_asks_about_each_session_and_about_nothing_when_nobody_is_there(monkeypatch) -> None:
    checked_keys: list[set[str]] = []
    all_checked = asyncio.Event()

    def ended(keys: set[str]) -> set[str]:
        checked_keys.append(keys)
        # Checks that begin before the last tab is open ask about fewer.
        if keys == expected_keys:
            loop.call_soon_threadsafe(all_checked.set)
        return set()

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(session_monitor, "find_ended_sessions", ended)
    clients = [await sync_to_async(sign_in_client)() for _ in range(2)]
    expected_keys = {client.cookies[settings.SESSION_COOKIE_NAME].value for client in clients}
    tabs = [await open_socket(clients[0]), await open_socket(clients[0]), await open_socket(clients[1])]
    await asyncio.wait_for(all_checked.wait(), 30)
    assert all(keys <= expected_keys for keys in checked_keys)
    check_task = session_monitor.get_session_monitor()._check_task
    for tab in tabs:
        await tab.disconnect()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait_for(check_task, 5)
    assert session_monitor.get_session_monitor()._check_task is None


def test_it_asks_the_database_twice_however_many_sessions_there_are() -> None:
    clients = [sign_in_client() for _ in range(5)]
    keys = {client.cookies[settings.SESSION_COOKIE_NAME].value for client in clients}
    sign_out(clients[0])
    with CaptureQueriesContext(connection) as queries:
        assert len(set(session_monitor._valid_session_keys(sorted(keys)))) == 4
    assert len(queries) == 2
    assert session_monitor.find_ended_sessions({*keys, "nonsense"}) == {"nonsense", *keys} - set(
        session_monitor._valid_session_keys(sorted(keys))
    )


@pytest.mark.parametrize("problem", [OperationalError("no connection"), InterfaceError("closed"), KeyError("x")])
async def test_sockets_stay_open_while_sessions_cannot_be_checked(monkeypatch, caplog, problem) -> None:
    calls: list[set[str]] = []
    first_has_failed = asyncio.Event()

    def raise_problem(keys: set[str]) -> set[str]:
        calls.append(keys)
        if len(calls) == 2:
            loop.call_soon_threadsafe(first_has_failed.set)
        raise problem

    loop = asyncio.get_running_loop()

    client = await sync_to_async(sign_in_client)()
    socket = await open_socket(client)
    with monkeypatch.context() as patched:
        patched.setattr(session_monitor, "find_ended_sessions", raise_problem)
        await asyncio.wait_for(first_has_failed.wait(), PATIENCE_SECONDS)
        assert await socket.receive_nothing(0.1)
        assert "Cannot check for ended sessions" in caplog.text
    await sync_to_async(sign_out)(client)
    assert (await socket.receive_output())["code"] == 4401
    await socket.disconnect()
