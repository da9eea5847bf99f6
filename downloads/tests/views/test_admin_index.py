"""The first page of the admin."""

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User

from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def index_text(client) -> str:
    return " ".join(client.get("/admin/").content.decode().split())


def test_it_says_that_nothing_was_done_yet(superuser_client):
    assert "Nothing yet." in index_text(superuser_client)


def test_it_says_what_was_done_in_words(superuser_client):
    ann = User.objects.get(username="ann")
    bob = make_user("bob", "viewer")
    for action in (ADDITION, CHANGE, DELETION):
        LogEntry.objects.log_actions(ann.pk, [bob], action)
    page = index_text(superuser_client)
    for verb in ("Added", "Changed"):
        assert f'{verb} user <a href="/admin/auth/user/{bob.pk}/change/">bob</a>' in page
    assert "Deleted user bob" in page
