"""Filters and orders of the library."""

import re

import pytest
from django.utils.html import escape

from downloads.library.listing import PAGE_SIZE
from downloads.models import Quality, Status
from downloads.tests.support.factories import create_videos
from downloads.tests.support.responses import library_titles

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.mark.parametrize(
    "query",
    [
        {"state": "broken"},
        {"kind": "x", "date": "x", "sort": "x"},
        {"sort": "best"},
        {"state": "", "uploader": "", "site": "", "q": ""},
        {"uploader": "x" * 256},
        {"uploader": "a\x00b", "site": "\x00"},
        {"q": '"*('},
        {"unknown": "1"},
    ],
)
def test_it_takes_what_it_does_not_know_as_if_it_were_not_there(client, query):
    create_videos()
    assert library_titles(client, **query) == ["Film 0"]


def test_it_searches_without_javascript_within_what_is_filtered(client):
    create_videos(uploader="Ada", extractor="x")

    def hidden(query: str) -> dict[str, str]:
        form = re.search(r'<form class="search".*?</form>', client.get(f"/{query}").content.decode(), re.DOTALL)[0]
        kept = re.search(r"<noscript>(.*?)</noscript>", form, re.DOTALL)
        return dict(re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)"', kept[1])) if kept else {}

    assert hidden("?q=film&sort=title&kind=nonsense") == {}
    assert hidden("?uploader=Ada%22&site=x&q=film") == {
        "uploader": "Ada&quot;",
        "site": "x",
    }


def test_it_filters_by_each_and_by_all(client):
    create_videos(title="wanted", uploader="Ada & Co", extractor="Tube", media_file="v/v.mp3")
    create_videos(title="by another", uploader="Bob", extractor="Tube", media_file="v/v.mp3")
    create_videos(title="elsewhere", uploader="Ada & Co", extractor="Other", media_file="v/v.mp3")
    create_videos(title="seen", uploader="Ada & Co", extractor="Tube", media_file="v/v.mp4")
    create_videos(
        title="old", uploader="Ada & Co", extractor="Tube", media_file="v/v.mp3", added_at="2020-01-01T00:00Z"
    )
    create_videos(title="a list", is_list=True, media_file="")
    create_videos(title="failed", status=Status.FAILED, quality=Quality.AUDIO, media_file="")
    all_filters = {"uploader": "Ada & Co", "site": "Tube", "kind": "audio", "date": "week", "state": "complete"}
    assert library_titles(client, **all_filters) == ["wanted"]
    assert library_titles(client, **all_filters, sort="title") == ["wanted"]
    assert library_titles(client, **all_filters, q="want") == ["wanted"]
    assert library_titles(client, uploader="Bob") == ["by another"]
    assert library_titles(client, site="Other") == ["elsewhere"]
    assert library_titles(client, kind="audio") == ["elsewhere", "by another", "wanted", "old"]
    assert library_titles(client, kind="list") == ["a list"]
    assert "old" not in library_titles(client, date="year")


def test_it_orders_by_title_length_and_size_with_the_unknown_last(client):
    create_videos(title="beta", duration=10.0, size=3)
    create_videos(title="Alpha", duration=30.0, size=1)
    create_videos(title="gamma", duration=None, size=None)
    create_videos(title="", duration=20.0, size=2)
    assert library_titles(client, sort="title") == ["Alpha", "beta", "gamma", "3.example"]
    assert library_titles(client, sort="duration") == ["Alpha", "3.example", "beta", "gamma"]
    assert library_titles(client, sort="size") == ["beta", "3.example", "Alpha", "gamma"]
    assert library_titles(client, sort="newest") == ["3.example", "gamma", "Alpha", "beta"]


def test_it_keeps_the_query_from_page_to_page(client):
    create_videos(PAGE_SIZE + 1, uploader="Ada & Co", extractor="Tube")
    create_videos(status=Status.FAILED, uploader="Ada & Co")
    query = {"uploader": "Ada & Co", "sort": "size", "q": "film"}
    page = client.get("/", query).content.decode()
    kept = "q=film&uploader=Ada+%26+Co&sort=size"
    assert escape(f"/?{kept}&page=2") in page
    assert re.search(r'<option value="Ada &amp; Co" selected>', page)
    assert re.search(r'<option value="size" selected>', page)
    assert 'value="film"' in re.search(r'<input type="search".*?/>', page, re.DOTALL)[0]


def test_it_offers_the_orders_that_make_sense(client):
    create_videos()
    assert "Best match" not in client.get("/").content.decode()
    assert '<option value="best" selected>' in client.get("/?q=film").content.decode()


def test_it_offers_the_uploaders_and_sites_that_most_videos_have(client):
    create_videos(2, uploader="Often", extractor="Tube")
    for n in range(60):
        create_videos(uploader=f"Rarely {n:02}")
    page = client.get("/", {"uploader": "Unheard of"}).content.decode()
    offered = re.findall('<option value="(.*?)"', re.search('<select name="uploader".*?</select>', page, re.DOTALL)[0])
    assert len(offered) == 52
    assert {"", "Often", "Unheard of", "Rarely 00"} <= set(offered)
    assert "Rarely 59" not in offered
