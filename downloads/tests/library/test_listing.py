"""The part of the library that an address asks for: filters, orders, pages, places; and any address gives a page."""

import datetime as dt
import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import escape
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downloads.library.listing import PAGE_SIZE
from downloads.models import Quality, Status, Video, VideoEvent
from downloads.tests.support.factories import create_videos
from downloads.tests.support.responses import library_titles

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "empty_cache")]
PARAMETER_NAMES = ("q", "state", "uploader", "site", "kind", "date", "sort", "page", "as", "id")
PARAMETER_VALUES = (
    "complete",
    "queued",
    "audio",
    "today",
    "size",
    "title",
    "best",
    "2",
    "-1",
    "9" * 30,
    "Ada",
    "card",
    "zebra",
)


@pytest.fixture
def empty_cache():
    cache.clear()
    yield
    cache.clear()


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


@given(
    st.lists(
        st.tuples(st.sampled_from(PARAMETER_NAMES), st.sampled_from(PARAMETER_VALUES) | st.text(max_size=30)),
        max_size=8,
    )
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@pytest.mark.parametrize("path", ["/", "/videos/list", "/videos/cards"])
def test_it_answers_any_query_with_a_page(client, path, pairs):
    query: dict[str, list[str]] = {}
    for name, value in pairs:
        query.setdefault(name, []).append(value.encode("utf-8", "replace").decode())
    assert client.get(path, query).status_code == 200


def test_it_searches_without_javascript_within_what_is_filtered(client):
    create_videos(uploader="Ada", extractor="x")

    def hidden(query: str) -> dict[str, str]:
        form = re.search(r'<form class="search".*?</form>', client.get(f"/{query}").content.decode(), re.DOTALL)[0]
        kept = re.search(r"<noscript>(.*?)</noscript>", form, re.DOTALL)
        return dict(re.findall(r'<input type="hidden" name="(.*?)" value="(.*?)"', kept[1])) if kept else {}

    assert hidden("?q=film&sort=title&kind=nonsense") == {}
    assert hidden("?state=failed&uploader=Ada%22&site=x&q=film") == {
        "state": "failed",
        "uploader": "Ada&quot;",
        "site": "x",
    }


def test_it_answers_a_very_long_query_with_a_page(client):
    create_videos(title="word")
    assert client.get("/", {"q": "word " * 5000}).status_code == 200
    assert client.get("/?q=%ff%fe%00%ed%a0%80").status_code == 200


def test_it_says_what_to_do_when_nothing_matches(client):
    create_videos()
    page = client.get("/", {"q": "<zebra>"}).content.decode()
    assert "Nothing matches “&lt;zebra&gt;”." in page
    assert 'href="/">Clear the search</a>' in page
    page = client.get("/", {"q": "zebra", "kind": "audio"}).content.decode()
    assert 'href="/?q=zebra">Search everything</a>' in page
    assert 'href="/?kind=audio">clear the search</a>' in page
    page = client.get("/", {"state": "failed"}).content.decode()
    assert 'No video is like that. <a href="/">Show all videos</a>' in page


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
    every = {"uploader": "Ada & Co", "site": "Tube", "kind": "audio", "date": "week", "state": "complete"}
    assert library_titles(client, **every) == ["wanted"]
    assert library_titles(client, **every, sort="title") == ["wanted"]
    assert library_titles(client, **every, q="want") == ["wanted"]
    assert library_titles(client, uploader="Bob") == ["by another"]
    assert library_titles(client, site="Other") == ["elsewhere"]
    assert library_titles(client, kind="audio") == ["failed", "elsewhere", "by another", "wanted", "old"]
    assert library_titles(client, kind="list") == ["a list"]
    assert library_titles(client, state="failed") == ["failed"]
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


def test_it_shows_what_waits_as_the_queue_has_it(client):
    create_videos(3, status="queued")
    third = Video.objects.get(title="Film 2")
    assert library_titles(client, state="queued") == ["Film 0", "Film 1", "Film 2"]
    assert third.move_to_front()
    assert library_titles(client, state="queued") == ["Film 2", "Film 0", "Film 1"]
    assert library_titles(client, state="queued", sort="newest") == ["Film 2", "Film 1", "Film 0"]
    assert library_titles(client, sort="turn") == []


@pytest.mark.parametrize("sort", ["newest", "title", "duration", "size"])
@pytest.mark.parametrize("query", [{}, {"state": "complete"}, {"kind": "video"}, {"q": "film"}])
def test_it_shows_each_video_on_one_page(client, sort, query):
    create_videos(3 * PAGE_SIZE - 1, duration=1.0)
    pages = [library_titles(client, page=page, sort=sort, **query) for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [PAGE_SIZE, PAGE_SIZE, PAGE_SIZE - 1]
    assert len({title for page in pages for title in page}) == 3 * PAGE_SIZE - 1
    assert library_titles(client, page=99, sort=sort, **query) == pages[-1]
    if sort != "title":
        assert pages[0][0] == f"Film {3 * PAGE_SIZE - 2}"
        assert pages[-1][-1] == "Film 0"


def test_it_keeps_the_query_from_page_to_page_and_from_state_to_state(client):
    create_videos(PAGE_SIZE + 1, uploader="Ada & Co", extractor="Tube")
    create_videos(status=Status.FAILED, uploader="Ada & Co")
    query = {"uploader": "Ada & Co", "sort": "size", "q": "film"}
    page = client.get("/", query).content.decode()
    kept = "q=film&uploader=Ada+%26+Co&sort=size"
    assert escape(f"/?{kept}&page=2") in page
    assert re.search(
        rf'href="{re.escape(escape("/?q=film&state=failed&uploader=Ada+%26+Co&sort=size"))}"\s*>Failed', page
    )
    assert re.search(r'aria-current="true">All <span class="count">26</span>', page)
    assert re.search(r'<option value="Ada &amp; Co" selected>', page)
    assert re.search(r'<option value="size" selected>', page)
    assert 'value="film"' in page.partition("<nav")[0]


def test_it_offers_the_orders_that_make_sense(client):
    create_videos()
    assert "Best match" not in client.get("/").content.decode()
    assert '<option value="best" selected>' in client.get("/?q=film").content.decode()


def test_it_has_a_chosen_state_in_the_library_alone(client):
    (waiting,) = create_videos(status=Status.QUEUED, title="waits", media_file="")
    (running,) = create_videos(status=Status.DOWNLOADING, title="runs", media_file="")
    create_videos(title="there")
    whole = client.get("/").content.decode()
    for state, title in (("queued", "waits"), ("downloading", "runs"), ("complete", "there")):
        assert library_titles(client, state=state) == [title]
        page = client.get("/", {"state": state}).content.decode()
        assert page.count("data-video-id") == 1
        assert 'data-place-for="active"' not in page
    assert whole.count("data-video-id") == 3
    assert re.search(
        f'<li class="row"\\s+data-video-id="{waiting.video_id}"', client.get("/?state=queued").content.decode()
    )
    assert client.get("/", {"q": "runs"}).content.decode().count("data-video-id") == 1
    assert running.video_id in client.get("/", {"q": "runs"}).content.decode()


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", ("active", "waiting", "library")),
        ("q=run", ("active", "elsewhere", "elsewhere")),
        ("q=zebra", ("elsewhere",) * 3),
        ("q=*", ("active", "waiting", "library")),
        ("uploader=Ada", ("active", "waiting", "elsewhere")),
        ("uploader=Ada&q=wait", ("elsewhere", "waiting", "elsewhere")),
        ("state=complete", ("elsewhere", "elsewhere", "library")),
        ("state=queued", ("elsewhere", "library", "elsewhere")),
        ("kind=audio", ("elsewhere",) * 3),
        ("page=7&sort=size", ("active", "waiting", "library")),
    ],
)
def test_it_says_where_each_card_belongs(client, query, places):
    videos = [
        *create_videos(status=Status.DOWNLOADING, title="runs", uploader="Ada", media_file=""),
        *create_videos(status=Status.QUEUED, title="waits", uploader="Ada", media_file=""),
        *create_videos(title="there", uploader="Bob"),
    ]
    ids = "&".join(f"id={video.video_id}" for video in videos)
    page = client.get(f"/videos/cards?as=card&{ids}&{query}").content.decode()
    found = dict(re.findall(r'data-video-id="(\w+)".*?data-place="(\w+)"', page, re.DOTALL))
    assert tuple(found[video.video_id] for video in videos) == places
    assert 'data-part="states"' in page
    on_page = client.get(f"/?{query}").content.decode()
    listed = dict(re.findall(r'data-video-id="(\w+)".*?data-place="(\w+)"', on_page, re.DOTALL))
    assert listed == {video_id: place for video_id, place in found.items() if place != "elsewhere"}


@pytest.mark.parametrize(
    ("query", "takes"),
    [
        ("", True),
        ("uploader=x", True),
        ("page=2", False),
        ("sort=title", False),
        ("q=film", False),
        ("state=failed", True),
    ],
)
def test_it_lets_new_cards_in_only_where_their_order_says_where(client, query, takes):
    create_videos(PAGE_SIZE + 1)
    assert ('data-place-for="library"' in client.get(f"/?{query}").content.decode()) is takes


def test_it_marks_hits_and_shows_where_else_they_are(client):
    create_videos(title="Über <b>alles</b>", uploader="Uberta")
    create_videos(title="Another", description="Here lives an <i>über</i>zebra.")
    page = client.get("/?q=uber").content.decode()
    assert "<mark>Über</mark> &lt;b&gt;alles&lt;/b&gt;" in page
    assert "<mark>Uber</mark>ta" in page
    assert re.search(r'class="excerpt"[^>]*>Here lives an &lt;i&gt;<mark>über</mark>&lt;/i&gt;zebra\.', page)


def test_the_number_of_queries_does_not_grow(client, admin_client, django_assert_max_num_queries):
    create_videos(3, uploader="Ada", status=Status.QUEUED, media_file="")
    for count in (2, 3 * PAGE_SIZE):
        create_videos(count, uploader="Ada", extractor="Tube", description="told " * 50)
        for query in (
            "",
            "q=film",
            "q=film&sort=size&uploader=Ada&site=Tube&state=complete&page=2",
            "sort=title&page=2",
        ):
            with django_assert_max_num_queries(12):
                admin_client.get(f"/?{query}")
    ids = "&".join(f"id={video.video_id}" for video in Video.objects.all()[:50])
    with django_assert_max_num_queries(9):
        client.get(f"/videos/cards?as=card&q=film&uploader=Ada&{ids}")


def test_it_counts_once_until_something_changes(client):
    create_videos(3, uploader="Ada")
    VideoEvent.objects.create(public_id="queue", status=Status.QUEUED, at=timezone.now() - dt.timedelta(minutes=1))
    for query in ({}, {"uploader": "Ada"}, {"date": "week"}):
        with CaptureQueriesContext(connection) as first:
            assert ' <span class="count">3</span>' in client.get("/", query).content.decode()
        with CaptureQueriesContext(connection) as again:
            assert ' <span class="count">3</span>' in client.get("/", query).content.decode()
        assert len(again) < len(first)
    Video.objects.first().remove()
    for query in ({}, {"uploader": "Ada"}, {"date": "week"}):
        assert ' <span class="count">2</span>' in client.get("/", query).content.decode()


def test_counts_are_not_cached_while_an_older_change_may_still_commit(client):
    create_videos(3)
    VideoEvent.objects.create(public_id="queue", status=Status.QUEUED)
    assert ' <span class="count">3</span>' in client.get("/").content.decode()
    create_videos()  # no event is newer
    assert ' <span class="count">4</span>' in client.get("/").content.decode()


def test_it_fits_into_100_kb_with_the_longest_titles(admin_client):
    long = {"uploader": "u" * 255, "description": "told " * 5000, "thumbnail": "t.jpg", "duration": 9.0, "size": 10**9}
    create_videos(2 * PAGE_SIZE, title="word " * 100, **long)
    create_videos(20, title="word " * 100, status=Status.QUEUED, media_file="")
    sizes = [len(admin_client.get(f"/{query}").content) for query in ("", "?q=word+told", "?q=word&state=queued")]
    assert max(sizes) <= 100_000, sizes


def test_it_offers_the_uploaders_and_sites_that_most_videos_have(client):
    create_videos(2, uploader="Often", extractor="Tube")
    for n in range(60):
        create_videos(uploader=f"Rarely {n:02}")
    page = client.get("/", {"uploader": "Unheard of"}).content.decode()
    offered = re.findall('<option value="(.*?)"', re.search('<select name="uploader".*?</select>', page, re.DOTALL)[0])
    assert len(offered) == 52
    assert {"", "Often", "Unheard of", "Rarely 00"} <= set(offered)
    assert "Rarely 59" not in offered


def test_it_knows_the_neighbours_of_a_video():
    oldest, failed, older, video, newer = create_videos(5)
    Video.objects.filter(pk=failed.pk).update(status=Status.FAILED)
    Video.objects.filter(pk=older.pk).update(added_at=video.added_at)
    video = Video.objects.get(pk=video.pk)
    assert Video.objects.neighbours(video) == (newer, older)
    assert Video.objects.neighbours(Video.objects.get(pk=older.pk)) == (video, oldest)
    assert Video.objects.neighbours(newer)[0] is None
    assert Video.objects.neighbours(oldest)[1] is None


@pytest.mark.parametrize("order", ["newest", "duration", "size"])
def test_it_reads_each_order_from_its_index(order):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by what the table holds")
    plan = Video.objects.terminal().sorted_by(order).values_list("pk")[:PAGE_SIZE].explain()
    assert "USING COVERING INDEX downloads_" in plan
    assert "TEMP B-TREE" not in plan
