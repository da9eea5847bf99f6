"""Two programs on one host: browsers send the cookies of one port to the others."""

import http.cookiejar
import re
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model

from downloads.tests.support import other_program
from downloads.tests.support.ports import free_port
from downloads.tests.support.processes import get_status, wait_until_answered
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]


class Browser:
    """A client that keeps cookies per host, whatever the port, as browsers do."""

    def __init__(self) -> None:
        self.jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def open(self, url: str, data: dict[str, str] | None = None) -> tuple[str, str]:
        """Return the final URL and the page."""
        body = urllib.parse.urlencode(data).encode() if data else None
        with self.opener.open(url, body, timeout=20) as response:
            return response.url, response.read().decode()

    def sign_in(self, archive: str) -> None:
        page = self.open(f"{archive}/accounts/login/")[1]
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', page)[0]
        self.open(f"{archive}/accounts/login/", {"username": "ann", "password": "x", "csrfmiddlewaretoken": token})


@pytest.fixture
def other_url(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, other_program.__file__, str(port), str(tmp_path)], stderr=subprocess.DEVNULL
    )
    wait_until(lambda: get_status(f"http://127.0.0.1:{port}/") == 200, "the other program answers")
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


@pytest.fixture
def start_archive(run_manage, static_files):
    """Start a web process with another secret key; return its URL."""

    def start(secret_key: str) -> str:
        port = free_port()
        env = {"DJANGO_SECRET_KEY": secret_key, "YTARCHIVE_PRIVATE": "1"}
        process = run_manage("web", "--port", str(port), env=env)
        url = f"http://127.0.0.1:{port}"
        wait_until_answered(f"{url}/accounts/login/", process)
        return url

    return start


def test_signing_in_to_another_program_signs_nobody_out(other_url, start_archive):
    get_user_model().objects.create_user("ann", password="x")
    archive = start_archive(settings.SECRET_KEY)
    browser = Browser()

    browser.sign_in(archive)
    browser.open(f"{other_url}/sign-in")

    assert browser.open(f"{archive}/")[0] == f"{archive}/"
    assert browser.open(f"{other_url}/")[1] == "bob ['Welcome']"
    assert browser.open(f"{archive}/")[0] == f"{archive}/"


def test_two_archives_on_one_host_keep_their_sessions(start_archive):
    get_user_model().objects.create_user("ann", password="x")
    archives = [start_archive("the key of one archive"), start_archive("the key of another archive")]
    browser = Browser()

    for archive in archives:
        browser.sign_in(archive)

    assert [browser.open(f"{archive}/")[0] for archive in archives] == [f"{archive}/" for archive in archives]
