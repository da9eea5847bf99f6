"""Signing in and out."""

import re

import pytest
from django.contrib.auth import get_user_model

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def test_it_signs_in_and_out(client):
    get_user_model().objects.create_user("ada", password="x")
    page = client.get("/accounts/login/").content.decode()
    assert re.findall(r"<label[^>]*>(.*?)</label>", page) == ["Username", "Password"]
    assert (
        "Wrong username or password."
        in client.post("/accounts/login/", {"username": "ada", "password": "y"}).content.decode()
    )
    assert client.post("/accounts/login/", {"username": "ada", "password": "x", "next": ""})["Location"] == "/"
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/")["Location"] == "/"
