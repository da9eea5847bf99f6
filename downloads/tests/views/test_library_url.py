"""The URL of the library that htmx puts into the address bar when filters change."""

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.mark.parametrize(
    ("query", "url"),
    [
        ({}, "/"),
        ({"kind": "audio", "uploader": "", "sort": "newest"}, "/?kind=audio"),
        ({"q": " zebra ", "sort": "title"}, "/?q=zebra&sort=title"),
        ({"kind": "nonsense"}, "/"),
    ],
)
def test_it_has_only_what_differs_from_the_whole_library(client, query, url):
    response = client.get("/", query, headers={"HX-Request": "true"})
    assert response.status_code == 200
    assert response["HX-Push-Url"] == url


def test_typing_in_the_search_field_adds_no_step_to_the_history(client):
    response = client.get("/", {"q": "zebra"}, headers={"HX-Request": "true", "HX-Trigger": "search"})
    assert response["HX-Replace-Url"] == "/?q=zebra"
    assert "HX-Push-Url" not in response.headers


def test_a_plain_request_gets_no_url(client):
    response = client.get("/", {"kind": "audio"})
    assert not {"HX-Push-Url", "HX-Replace-Url"} & set(response.headers)
