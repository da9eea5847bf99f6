"""Error pages."""

import pytest

from downloads.models import event as models_event

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.mark.parametrize("path", ["/videos/nope/", "/videos/nope/extra", "/nowhere"])
def test_it_has_a_way_back_from_what_is_not_there(client, path):
    response = client.get(path)
    assert response.status_code == 404
    assert 'href="/"' in response.content.decode()


def test_an_error_page_has_the_site_layout(client, monkeypatch):
    def broken(*args):
        raise RuntimeError("a bug")

    monkeypatch.setattr(models_event, "latest_event", broken)
    client.raise_request_exception = False
    response = client.get("/")
    assert response.status_code == 500
    assert "The error is in the server log" in response.content.decode()


@pytest.mark.parametrize(
    "path", ["/videos/%00/", "/videos/a%00b/retry", "/media/%00/video", "/videos/" + "x" * 65 + "/"]
)
def test_it_takes_nothing_for_an_id_that_cannot_be_one(client, path) -> None:
    assert client.get(path).status_code == 404
    assert client.get("/videos/cards?id=%00").status_code == 200


def test_a_page_that_broke_does_not_tell_who_has_signed_in(client, monkeypatch):
    client.raise_request_exception = False
    monkeypatch.setattr(models_event, "latest_event", lambda *args: 1 / 0)
    answer = client.get("/")
    assert answer.status_code == 500
    assert "Something went wrong" in answer.content.decode()
    assert "Sign in" not in answer.content.decode()
