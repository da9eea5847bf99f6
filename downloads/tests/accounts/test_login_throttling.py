"""Passwords cannot be tried without end."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import AsyncClient, Client, RequestFactory

from downloads.accounts import client_address

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
RIGHT = "correct horse battery staple"
TRIES = 10


@pytest.fixture(autouse=True)
def ann(db):
    return get_user_model()._default_manager.create_superuser("ann", password=RIGHT)


def tried(client: Client, password: str, name: str = "ann", page: str = "/accounts/login/", **headers: str):
    return client.post(page, {"username": name, "password": password, "next": "/?q=a"}, headers=headers)


def locked(client: Client, **how: str) -> None:
    for _ in range(TRIES - 1):
        assert tried(client, "wrong", **how).status_code == 200
    answer = tried(client, "wrong", **how)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "300")


@pytest.mark.parametrize("page", ["/accounts/login/", "/admin/login/"])
def test_it_tries_no_more_after_ten(client, page) -> None:
    locked(client)
    answer = tried(client, RIGHT, page=page)
    assert answer.status_code == 429
    assert "Too many wrong passwords for this name" in answer.content.decode()
    assert "5 minutes" in answer.content.decode()
    assert 'value="/?q=a"' in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_it_lets_others_in_meanwhile(client) -> None:
    get_user_model()._default_manager.create_user("bob", password=RIGHT)
    locked(client)
    assert tried(client, RIGHT, "bob").status_code == 302
    elsewhere = Client(REMOTE_ADDR="10.0.0.7")
    assert tried(elsewhere, RIGHT).status_code == 302


def test_it_tries_again_after_a_while_however_often_somebody_knocks(client, time_machine) -> None:
    time_machine.move_to(datetime(2026, 11, 27, tzinfo=UTC))
    locked(client)
    time_machine.shift(4 * 60)
    assert tried(client, RIGHT).status_code == 429
    time_machine.shift(61)
    assert tried(client, RIGHT).status_code == 302


def test_a_right_one_begins_the_count_anew() -> None:
    for _ in range(2):
        for _ in range(TRIES - 1):
            assert tried(Client(), "wrong").status_code == 200
        assert tried(Client(), RIGHT).status_code == 302


def test_whoever_invents_addresses_is_one_all_the_same(client) -> None:
    for number in range(TRIES):
        answer = tried(client, "wrong", **{"X-Forwarded-For": f"10.0.0.{number}"})
    assert answer.status_code == 429


@pytest.mark.django_db(transaction=True)
async def test_it_holds_in_the_server_as_well(ann) -> None:
    client = AsyncClient()
    for _ in range(TRIES):
        answer = await client.post("/accounts/login/", {"username": "ann", "password": "wrong"})
    assert answer.status_code == 429
    assert "Too many wrong passwords" in answer.content.decode()


def test_nothing_is_kept_of_who_signed_in_nor_of_what_was_typed(client) -> None:
    from axes.models import AccessAttempt, AccessLog

    tried(client, RIGHT)
    tried(Client(), "wrong", name=RIGHT)
    assert not AccessLog.objects.exists()
    (kept,) = AccessAttempt.objects.values()
    assert RIGHT not in str(kept)
    assert "wrong" not in str({**kept, "http_accept": ""})


def test_a_name_may_be_of_any_length(client) -> None:
    from axes.models import AccessAttempt

    locked(client, name="n" * 100_000)
    assert len(str(AccessAttempt.objects.values().get())) < 2000


def test_all_addresses_of_a_line_are_one(settings) -> None:
    for number in range(TRIES):
        answer = tried(Client(REMOTE_ADDR=f"2001:db8:1:2::{number:x}"), "wrong")
    assert answer.status_code == 429
    assert tried(Client(REMOTE_ADDR="2001:db8:1:3::1"), RIGHT).status_code == 302


def test_those_who_knock_at_once_are_counted_one_by_one(transactional_db, ann, client) -> None:
    with ThreadPoolExecutor(3 * TRIES) as pool:
        answers = list(pool.map(lambda _: in_a_thread("wrong"), range(3 * TRIES)))
    assert answers.count(200) == TRIES - 1
    assert answers.count(429) == 2 * TRIES + 1


def in_a_thread(password: str) -> int:
    try:
        return tried(Client(), password).status_code
    finally:
        connection.close()


@pytest.mark.parametrize(("proxies", "said", "found"), [
    (0, "1.2.3.4", "9.9.9.9"),
    (1, "1.2.3.4", "1.2.3.4"),
    (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
    (2, "6.6.6.6, 1.2.3.4, 5.5.5.5", "1.2.3.4"),
    (2, "1.2.3.4", "9.9.9.9"),
    (1, "", "9.9.9.9"),
    (1, "nonsense", "9.9.9.9"),
    (1, "2001:DB8:1:2::1", "2001:db8:1:2::"),
    (1, "[2001:db8:1:2::1]:4711", "2001:db8:1:2::"),
    (1, "1.2.3.4:4711", "1.2.3.4"),
    (1, "::ffff:1.2.3.4", "1.2.3.4"),
])  # fmt: skip
def test_it_believes_its_own_proxies_only(settings, proxies, said, found) -> None:
    settings.PROXIES = proxies
    request = RequestFactory(REMOTE_ADDR="9.9.9.9").get("/", headers={"X-Forwarded-For": said})
    assert client_address.client_address(request) == found
