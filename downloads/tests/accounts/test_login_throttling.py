"""Throttling of failed sign-ins."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import AsyncClient, Client

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
PASSWORD = "correct horse battery staple"
MAX_LOGIN_ATTEMPTS = 10


@pytest.fixture(autouse=True)
def superuser(db):
    return get_user_model()._default_manager.create_superuser("ann", password=PASSWORD)


def post_login(client: Client, password: str, name: str = "ann", **headers: str):
    return client.post("/accounts/login/", {"username": name, "password": password, "next": "/?q=a"}, headers=headers)


def expect_lockout(client: Client, **headers: str) -> None:
    for _ in range(MAX_LOGIN_ATTEMPTS - 1):
        assert post_login(client, "wrong", **headers).status_code == 200
    answer = post_login(client, "wrong", **headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "300")


def test_it_locks_out_after_ten_failures(client) -> None:
    expect_lockout(client)
    answer = post_login(client, PASSWORD)
    assert answer.status_code == 429
    assert "Too many failed attempts. Try again in 5 minutes." in answer.content.decode()
    assert 'value="ann"' in answer.content.decode()
    assert 'value="/?q=a"' in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_it_lets_others_in_meanwhile(client) -> None:
    get_user_model()._default_manager.create_user("bob", password=PASSWORD)
    expect_lockout(client)
    assert post_login(client, PASSWORD, "bob").status_code == 302
    elsewhere = Client(REMOTE_ADDR="10.0.0.7")
    assert post_login(elsewhere, PASSWORD).status_code == 302


def test_a_lockout_ends_however_many_attempts_follow(client, time_machine) -> None:
    time_machine.move_to(datetime(2026, 11, 27, tzinfo=UTC))
    expect_lockout(client)
    for seconds, text in ((2 * 60 + 30, "3 minutes"), (90, "60 seconds"), (59, "1 second.")):
        time_machine.shift(seconds)
        answer = post_login(client, PASSWORD)
        assert answer.status_code == 429
        assert f"Try again in {text}" in answer.content.decode()
    time_machine.shift(2)
    assert post_login(client, PASSWORD).status_code == 302


def test_a_successful_login_resets_the_count() -> None:
    for _ in range(2):
        for _ in range(MAX_LOGIN_ATTEMPTS - 1):
            assert post_login(Client(), "wrong").status_code == 200
        assert post_login(Client(), PASSWORD).status_code == 302


def test_forged_addresses_count_as_one_client(client) -> None:
    for number in range(MAX_LOGIN_ATTEMPTS):
        answer = post_login(client, "wrong", **{"X-Forwarded-For": f"10.0.0.{number}"})
    assert answer.status_code == 429


@pytest.mark.django_db(transaction=True)
async def test_it_holds_in_the_server_as_well(superuser) -> None:
    client = AsyncClient()
    for _ in range(MAX_LOGIN_ATTEMPTS):
        answer = await client.post("/accounts/login/", {"username": "ann", "password": "wrong"})
    assert answer.status_code == 429
    assert "Too many failed attempts" in answer.content.decode()


def test_nothing_is_kept_of_who_signed_in_nor_of_what_was_typed(client) -> None:
    from axes.models import AccessAttempt, AccessLog

    post_login(client, PASSWORD)
    post_login(Client(), "wrong", name=PASSWORD)
    assert not AccessLog.objects.exists()
    (kept,) = AccessAttempt.objects.values()
    assert PASSWORD not in str(kept)
    assert "wrong" not in str({**kept, "http_accept": ""})


def test_a_name_may_be_of_any_length(client) -> None:
    from axes.models import AccessAttempt

    expect_lockout(client, name="n" * 100_000)
    assert len(str(AccessAttempt.objects.values().get())) < 2000


def test_addresses_of_one_ipv6_network_count_as_one(settings) -> None:
    for number in range(MAX_LOGIN_ATTEMPTS):
        answer = post_login(Client(REMOTE_ADDR=f"2001:db8:1:2::{number:x}"), "wrong")
    assert answer.status_code == 429
    assert post_login(Client(REMOTE_ADDR="2001:db8:1:3::1"), PASSWORD).status_code == 302


def test_concurrent_attempts_are_all_counted(transactional_db, superuser, client) -> None:
    with ThreadPoolExecutor(3 * MAX_LOGIN_ATTEMPTS) as pool:
        answers = list(pool.map(lambda _: login_in_thread("wrong"), range(3 * MAX_LOGIN_ATTEMPTS)))
    assert answers.count(200) == MAX_LOGIN_ATTEMPTS - 1
    assert answers.count(429) == 2 * MAX_LOGIN_ATTEMPTS + 1


def login_in_thread(password: str) -> int:
    try:
        return post_login(Client(), password).status_code
    finally:
        connection.close()
