"""A flood of sign-ins with a new name each time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from downloads.accounts import sign_in_queue
from downloads.accounts.sign_in_queue import QueueFull, SignInQueue
from downloads.tests.support.waiting import wait_until
from downloads.views import login

PASSWORD = "correct horse battery staple"
FLOOD = "192.0.2.66"
SITE = "/accounts/login/"


@pytest.fixture(autouse=True)
def superuser(transactional_db, static_files):
    return get_user_model()._default_manager.create_superuser("ann", password=PASSWORD)


@pytest.fixture(autouse=True)
def low_limit(monkeypatch):
    monkeypatch.setattr(login, "MAX_FAILURES_PER_ADDRESS", 6)


def sign_in(name: str, password: str, *, address: str = FLOOD, **headers: str):
    try:
        return Client(REMOTE_ADDR=address).post(SITE, {"username": name, "password": password}, headers=headers)
    finally:
        connection.close()


def fill_limit(address: str = FLOOD) -> list[int]:
    return [sign_in(f"name{n}", "wrong", address=address).status_code for n in range(login.MAX_FAILURES_PER_ADDRESS)]


def test_new_names_do_not_make_new_attempts():
    assert fill_limit() == [200] * login.MAX_FAILURES_PER_ADDRESS
    response = sign_in("bob<b>", "wrong")
    assert response.status_code == 429
    assert 280 <= int(response.headers["Retry-After"]) <= 300  # since the first of them
    assert "Too many failed attempts. Try again in 5 minutes." in response.content.decode()
    assert 'value="bob&lt;b&gt;"' in response.content.decode()  # what was typed
    assert "wrong" not in response.content.decode()
    assert sign_in("ann", PASSWORD).status_code == 429
    assert sign_in("ann", PASSWORD, address="192.0.2.7").status_code == 302


def test_refused_attempts_are_not_stored():
    fill_limit()
    for number in range(20):
        sign_in(f"other{number}", "wrong")
    assert AccessAttempt.objects.count() == login.MAX_FAILURES_PER_ADDRESS


def test_rows_of_old_failures_are_deleted(time_machine):
    time_machine.move_to("2026-11-27 12:00 +0000")
    fill_limit()
    time_machine.shift(301)
    assert sign_in("ann", PASSWORD).status_code == 302
    assert not AccessAttempt.objects.exists()


@pytest.mark.parametrize(("proxies", "addresses", "headers"), [
    (0, [f"2001:db8:1:2::{n:x}" for n in range(1, 40)], [{}]),  # of one network
    (1, ["127.0.0.1"], [{"X-Forwarded-For": f"6.6.6.{n}, 192.0.2.9"} for n in range(1, 40)]),  # forged
])  # fmt: skip
def test_one_client_with_many_addresses_has_one_limit(settings, proxies, addresses, headers):
    settings.PROXIES = proxies
    for number in range(login.MAX_FAILURES_PER_ADDRESS + 1):
        address = addresses[number % len(addresses)]
        response = sign_in(f"name{number}", "wrong", address=address, **headers[number % len(headers)])
    assert response.status_code == 429


def test_the_right_password_comes_through_during_a_flood(monkeypatch):
    monkeypatch.setattr(login, "MAX_FAILURES_PER_ADDRESS", 10_000)  # so that each one is checked
    is_over = threading.Event()

    def flood(number: int) -> None:
        while not is_over.is_set():
            sign_in(f"{number}-{time.monotonic()}", "wrong")

    with ThreadPoolExecutor(12) as pool:
        for number in range(12):
            pool.submit(flood, number)
        try:
            wait_until(AccessAttempt.objects.exists, "the flood runs")
            statuses = [sign_in("ann", PASSWORD, address="192.0.2.7").status_code for _ in range(3)]
        finally:
            is_over.set()
    assert statuses == [302] * 3


@pytest.mark.parametrize(
    "name", ["n" * 100_000, "a\0nn", "ａｎｎ", "\ud800".encode("utf-8", "replace").decode(), "' OR 1=1--"]
)
@pytest.mark.parametrize("password", ["p" * 100_000, "\0", "wrong"])
def test_odd_names_and_passwords_are_answered(name, password):
    assert sign_in(name, password).status_code == 200


# The queue ------------------------------------------------------------------------------------------


class Turns:
    """Threads that want a turn, and the order in which they had one."""

    def __init__(self) -> None:
        self.queue = SignInQueue()
        self.order: list[str] = []
        self.refused: list[str] = []
        self.threads: list[threading.Thread] = []

    def want(self, address: str) -> None:
        before = self.waiting()
        self.threads.append(threading.Thread(target=self._take, args=[address]))
        self.threads[-1].start()
        wait_until(lambda: self.waiting() > before or not self.threads[-1].is_alive(), "it waits")

    def _take(self, address: str) -> None:
        try:
            with self.queue.turn(address):
                self.order.append(address)
        except QueueFull:
            self.refused.append(address)

    def waiting(self) -> int:
        return sum(map(len, self.queue._waiting.values()))

    def join(self) -> None:
        for thread in self.threads:
            thread.join(10)


def test_addresses_take_turns():
    turns = Turns()
    with turns.queue.turn("first"):
        for address in ("flood", "flood", "flood", "ann", "bob", "ann"):
            turns.want(address)
    turns.join()
    assert turns.order == ["flood", "ann", "bob", "flood", "ann", "flood"]


def test_one_address_may_not_fill_the_queue(monkeypatch):
    monkeypatch.setattr(sign_in_queue, "MAX_WAITING_PER_ADDRESS", 2)
    turns = Turns()
    with turns.queue.turn("first"):
        for address in ("flood", "flood", "flood", "ann"):
            turns.want(address)
    turns.join()
    assert (turns.refused, sorted(turns.order)) == (["flood"], ["ann", "flood", "flood"])


def test_a_turn_that_does_not_come_is_given_up(monkeypatch):
    monkeypatch.setattr(sign_in_queue, "MAX_WAIT_SECONDS", 0.05)
    queue = SignInQueue()
    with queue.turn("first"), pytest.raises(QueueFull), queue.turn("second"):
        pass
    with queue.turn("second"):  # nothing is left of it
        assert not queue._waiting


def test_an_error_ends_the_turn():
    queue = SignInQueue()
    with pytest.raises(ZeroDivisionError), queue.turn("ann"):
        raise ZeroDivisionError
    with queue.turn("ann"):
        pass


def test_a_full_queue_is_answered_429(monkeypatch):
    monkeypatch.setattr(sign_in_queue, "MAX_WAITING_PER_ADDRESS", 0)
    response = sign_in("ann", PASSWORD)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "10")
    assert "Too many people are signing in" in response.content.decode()
    assert 'value="ann"' in response.content.decode()
