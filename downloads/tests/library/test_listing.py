"""Listings for the parameters of a URL: filters, orders, pages, places; any URL gives a page."""

import datetime as dt
import gzip
import random
import re
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downloads.library.listing import PAGE_SIZE, Listing
from downloads.models import Status, Video, VideoEvent
from downloads.tests.support.factories import create_videos
from downloads.tests.support.responses import library_titles

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
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
    # What happens is listed on a page of its own.
    assert client.get(path, query, follow=True).status_code == 200


def test_it_answers_a_very_long_query_with_a_page(client):
    create_videos(title="word")
    assert client.get("/", {"q": "word " * 5000}).status_code == 200
    assert client.get("/?q=%ff%fe%00%ed%a0%80").status_code == 200


def test_it_says_what_to_do_when_nothing_matches(client):
    create_videos()
    page = client.get("/", {"q": "<zebra>"}).content.decode()
    assert ">No results for “&lt;zebra&gt;”</h2>" in page
    assert 'href="/">Clear search</a>' in page
    assert "Titles, uploaders, descriptions and subtitles were searched." in page
    assert 'aria-label="Kind"' not in page
    page = client.get("/", {"q": "zebra", "kind": "audio"}).content.decode()
    assert 'href="/?q=zebra">Search everything</a>' in page
    assert 'href="/?kind=audio">Clear search</a>' in page
    page = client.get("/", {"kind": "audio"}).content.decode()
    assert "No videos match these filters." in page
    assert 'href="/">Clear filters</a>' in page


def test_it_ends_a_search_without_results_with_the_newest_videos(client, admin_client, django_assert_max_num_queries):
    create_videos(8, uploader="Ada")
    create_videos(title="Waiting", status=Status.QUEUED, media_file="")
    with django_assert_max_num_queries(12):
        page = admin_client.get("/", {"q": "zebra"}).content.decode()
    recent = page.partition(">Recently added</h2>")[2]
    assert re.findall(r'dir="auto">(.*?)</a>', recent) == [f"Film {number}" for number in range(7, 1, -1)]
    # No card of the list, which live updates would take for a result.
    assert "data-video-id" not in page
    assert ">Recently added</h2>" not in client.get("/", {"q": "film"}).content.decode()


def test_cards_say_their_order_as_it_is_listed(client):
    """A row may be of an earlier time than the row before it: clocks of two machines differ."""
    videos = create_videos(5)
    now = timezone.now()
    for video, microseconds in zip(videos, (3, 1, 4, 0, 2), strict=True):
        Video.objects.filter(pk=video.pk).update(added_at=now + dt.timedelta(microseconds=microseconds))
    orders = [int(order) for order in re.findall(r'data-order="(-?\d+)"', client.get("/").content.decode())]
    assert len(orders) == len(videos)
    assert orders == sorted(set(orders))


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


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", ("elsewhere", "elsewhere", "library")),
        ("q=run", ("elsewhere",) * 3),
        ("q=there", ("elsewhere", "elsewhere", "library")),
        ("uploader=Ada", ("elsewhere",) * 3),
        ("uploader=Bob&q=there", ("elsewhere", "elsewhere", "library")),
        ("kind=audio", ("elsewhere",) * 3),
        ("page=7&sort=size", ("elsewhere", "elsewhere", "library")),
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
    places_by_id = dict(re.findall(r'data-video-id="(\w+)".*?data-place="(\w+)"', page, re.DOTALL))
    assert tuple(places_by_id[video.video_id] for video in videos) == places
    on_page = client.get(f"/?{query}").content.decode()
    listed = dict(re.findall(r'data-video-id="(\w+)".*?data-place="(\w+)"', on_page, re.DOTALL))
    assert listed == {video_id: place for video_id, place in places_by_id.items() if place != "elsewhere"}


@pytest.mark.parametrize(
    ("query", "takes"),
    [
        ("", True),
        ("uploader=x", True),
        ("page=2", False),
        ("sort=title", False),
        ("q=film", False),
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
        client.get("/")  # reads the choices of the filters, which are kept for a minute
        for query in (
            "",
            "q=film",
            "q=film&sort=size&uploader=Ada&site=Tube&state=complete&page=2",
            "sort=title&page=2",
            "q=film+a",
            "q=film+a&uploader=Ada",
            "q=zebra&uploader=Ada",
        ):
            with django_assert_max_num_queries(12):
                admin_client.get(f"/?{query}")
    ids = "&".join(f"id={video.video_id}" for video in Video.objects.all()[:50])
    with django_assert_max_num_queries(9):
        client.get(f"/videos/cards?as=card&q=film&uploader=Ada&{ids}")


def count_videos(query: dict[str, str]) -> int:
    return sum(Listing(QueryDict(urlencode(query))).status_counts.values())


def test_it_counts_once_until_something_changes(client):
    create_videos(3, uploader="Ada")
    VideoEvent.objects.create(public_id="queue", status=Status.QUEUED, at=timezone.now() - dt.timedelta(minutes=1))
    for query in ({}, {"uploader": "Ada"}, {"date": "week"}):
        with CaptureQueriesContext(connection) as first:
            assert count_videos(query) == 3
        with CaptureQueriesContext(connection) as again:
            assert count_videos(query) == 3
        assert len(again) < len(first)
    Video.objects.first().remove()
    for query in ({}, {"uploader": "Ada"}, {"date": "week"}):
        assert count_videos(query) == 2


def test_counts_are_not_cached_while_an_older_change_may_still_commit(client):
    create_videos(3)
    VideoEvent.objects.create(public_id="queue", status=Status.QUEUED)
    assert count_videos({}) == 3
    create_videos()  # no event is newer
    assert count_videos({}) == 4


def test_it_fits_into_30_kb_compressed(admin_client):
    rng = random.Random(1)
    words = ["".join(rng.choices("abcdefghijklmnoprstuvw", k=rng.randint(3, 9))) for _ in range(400)]
    for _ in range(PAGE_SIZE):
        title, uploader = (" ".join(rng.choices(words, k=count)) for count in (9, 2))
        create_videos(title=f"film {title}", uploader=uploader, thumbnail="t.jpg", duration=rng.uniform(9, 9999))
    for query in ("", "?q=film", "?sort=title"):
        assert len(gzip.compress(admin_client.get(f"/{query}").content)) <= 30_000


def test_it_says_where_the_words_were_found(client, tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "v.en.vtt").write_text("WEBVTT\n\n00:02:03.500 --> 00:02:05.000\nThe <b>harbour</b> & the sea\n")
    create_videos(2, title="Harbour {n}")
    create_videos(1, title="Boats", uploader="Harbour TV")
    create_videos(3, title="Boats", description="At the harbour.")
    hit = create_videos(1, title="Boats", subtitle_files=[{"language": "en", "file": "v.en.vtt"}])[0]
    page = client.get("/?q=harbour").content.decode()
    head = re.sub(r"\s+", " ", re.sub("<.*?>", "", page.partition('class="total"')[2].partition("</p>")[0]))
    assert "7 results: 2 in titles, 1 by uploader, 3 in descriptions, 1 in subtitles" in head
    # To the second at which it is said.
    assert f'href="/videos/{hit.video_id}/?t=123"' in page
    assert "“The <mark>harbour</mark> &amp; the sea”" in page


def test_it_filters_by_subtitles_and_keeps_filters_through_a_search(client, admin_client):
    tracks = [{"language": "en", "file": "v.en.vtt"}]
    create_videos(2, title="Spoken {n}", subtitle_files=tracks)
    create_videos(3)
    assert sorted(library_titles(client, subtitles="yes")) == ["Spoken 0", "Spoken 1"]
    assert library_titles(client, subtitles="yes", q="film") == []
    assert len(library_titles(client, subtitles="yes", q="spoken", sort="title")) == 2
    assert len(library_titles(client, subtitles="odd")) == 5
    page = admin_client.get("/?subtitles=yes&watched=no&kind=video").content.decode()
    search_form = page.partition('id="search"')[2].partition("</form>")[0]
    for name in ("subtitles", "watched", "kind"):
        assert f'name="{name}"' in search_form
    included = re.search(r'hx-include="(.*?)"', search_form)[1]
    assert included == ":is(#q, .filters :is(select, input):not([name=sort], [name=q]))"
    filters = page.partition('class="filters"')[2].partition("</form>")[0]
    assert re.search(r'name="watched" value="no"', filters)
    assert re.search(r'name="subtitles"[^>]*checked', filters)


@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("", "Library"),
        ("q=boats", "No results for “boats”"),
        ("q=film", "Results for “film”"),
        ("uploader=Ada", "Ada"),
        ("site=www.site.example", "site.example"),
        ("kind=list", "Playlists"),
        ("watched=no", "Unwatched"),
        ("page=2", "Library, page 2"),
    ],
)
def test_the_title_of_the_page_says_what_it_shows(admin_client, query, title):
    create_videos(PAGE_SIZE + 1)
    page = admin_client.get(f"/?{query}").content.decode()
    assert f"<title>{title} · ytarchive</title>" in page


def test_the_filter_by_subtitles_is_indexed():
    plan = Video.objects.with_subtitles().watchable().newest_first()[:60].values("pk").explain()
    if connection.vendor == "sqlite":
        assert "downloads_newest_subtitled" in plan
        assert "TEMP B-TREE" not in plan
