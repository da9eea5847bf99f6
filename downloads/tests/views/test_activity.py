"""The activity page: what downloads, waits, has failed or was cancelled, apart from the library."""

import datetime as dt
import re

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from downloads.models import Queue, Status, Video
from downloads.tests.support.factories import complete, create_videos, failed, running, waiting
from downloads.tests.support.responses import opening_tag

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def page_text(client, path: str = "/activity/") -> str:
    return client.get(path).content.decode()


def place(text: str, video: Video) -> int:
    """Return where a video's element is on a page, of which there is one; -1: nowhere."""
    marker = f'data-video-id="{video.video_id}"'
    assert text.count(marker) <= 1
    return text.find(marker)


@pytest.fixture
def one_of_each() -> dict[str, Video]:
    videos = {"failed": failed("f", "The site refused (403).\nHTTP Error 403: <b>"), "complete": complete("c")}
    videos["cancelled"] = waiting("x")
    assert videos["cancelled"].cancel()
    return {**videos, "running": running("r"), "waiting": waiting("w")}


def test_what_happens_is_apart_from_what_can_be_watched(client, one_of_each) -> None:
    activity, library = page_text(client), page_text(client, "/")

    assert place(activity, one_of_each.pop("complete")) == -1
    places = [place(activity, one_of_each[name]) for name in ("running", "waiting", "failed", "cancelled")]
    assert -1 < places[0] < places[1] < places[2] < places[3]
    assert {place(library, video) for video in one_of_each.values()} == {-1}


@pytest.mark.parametrize("state", ["failed", "cancelled", "queued", "downloading", "processing"])
def test_old_addresses_of_a_state_lead_to_it(client, state) -> None:
    response = client.get("/", {"state": state, "page": "2"})

    assert response.url == f"{reverse('activity')}?state={state}"


@pytest.mark.parametrize(
    ("state", "shown"), [("failed", "failed"), ("processing", "running"), ("queued", "waiting"), ("odd", None)]
)
def test_a_section_is_shown_by_itself(client, one_of_each, state, shown) -> None:
    text = page_text(client, f"/activity/?state={state}")

    listed = {name for name, video in one_of_each.items() if place(text, video) > -1}
    assert listed == ({shown} if shown else one_of_each.keys() - {"complete"})


def test_a_failure_shows_its_first_line_only(client, one_of_each) -> None:
    text = page_text(client)

    assert "The site refused (403)." in text
    assert "HTTP Error" not in text


def test_long_sections_have_pages_of_stable_order(client) -> None:
    create_videos(120, status=Status.FAILED)
    Video.objects.update(added_at=timezone.now())

    seen = [
        video.pk
        for number in (1, 2, 3)
        for video in client.get(f"/activity/?state=failed&page={number}").context["browse"].sections[0].videos
    ]

    assert len(seen) == len(set(seen)) == 120
    assert "See all" in page_text(client)
    assert 'rel="next"' in page_text(client, "/activity/?state=failed")
    assert "120" in page_text(client, "/activity/?state=failed&page=x")


def test_a_paused_queue_is_said_once_and_by_each_row(superuser_client, one_of_each) -> None:
    waiting = page_text(superuser_client)
    assert "data-turn" in waiting
    assert "state-queued plain" in waiting
    Queue.pause("Queue paused by ada.")

    text = page_text(superuser_client)

    assert text.count("Queue paused by ada.") == 1
    assert ">Paused<" in text
    assert ">Waiting</span>" not in text
    assert "plain" not in text  # which is hidden below the heading “Waiting”
    assert "data-turn" not in text


@pytest.mark.parametrize(
    ("fields", "phrase"),
    [
        ({"status": "downloading", "phase": "looking up"}, "Finding video…"),
        ({"status": "downloading"}, "Finding video…"),
        ({"status": "downloading", "percent": 3.0}, "Downloading"),
        ({"status": "downloading", "phase": "audio"}, "Downloading audio"),
        ({"status": "processing", "phase": "filing"}, "Saving"),
        ({"status": "queued"}, "Waiting"),
        ({"status": "queued", "retry_count": 2, "error": ""}, "Retrying soon</time> (2 of 3)"),
        (
            {"status": "queued", "retry_count": 1, "error": "The site has a problem (503). Try again later.\nX"},
            "soon</time>: the site has a problem (503) (1 of 3)",
        ),
        ({"status": "queued", "retry_count": 1, "error": "HTTP <b>."}, "soon</time>: HTTP &lt;b&gt; (1 of 3)"),
    ],
)
def test_a_row_says_one_phrase(client, fields, phrase) -> None:
    past = timezone.now() - dt.timedelta(minutes=1)
    create_videos(1, **{"title": "T", "not_before": past if fields.get("retry_count") else None} | fields)

    text = page_text(client)

    badge = text.partition("data-state")[2].partition("</span>")[0]
    assert phrase.split("</time>")[-1].rstrip() in badge


def test_remove_all_cancelled(superuser_client, one_of_each) -> None:
    text = superuser_client.post(reverse("queue-remove-cancelled"), follow=True).content.decode()

    assert "Deleted 1 video." in text
    assert not Video.objects.filter(status=Status.CANCELLED).exists()
    assert Video.objects.count() == 4


def test_it_asks_the_database_little(client, one_of_each, django_assert_max_num_queries) -> None:
    create_videos(60, status=Status.FAILED)

    with django_assert_max_num_queries(12):
        client.get("/activity/")


@pytest.mark.parametrize("state", [Status.FAILED, Status.CANCELLED])
def test_what_ended_last_comes_first_on_all_pages(client, state) -> None:
    now = timezone.now()
    videos = create_videos(60, status=state, media_file="")
    for number, video in enumerate(videos):
        # Added last, ended first; of one without a time of its end, when it was added counts.
        video.ended_at = now + dt.timedelta(minutes=60 - number) if number else None
        video.added_at = now + dt.timedelta(seconds=number)
    Video.objects.bulk_update(videos, ["ended_at", "added_at"])

    shown = [
        video.pk
        for number in (1, 2)
        for video in client.get(f"/activity/?state={state}&page={number}").context["browse"].sections[0].videos
    ]
    assert shown == [video.pk for video in [*videos[1:], videos[0]]]
    orders = [
        int(order) for order in re.findall(r'data-order="(-?\d+)"', page_text(client, f"/activity/?state={state}"))
    ]
    assert orders == sorted(orders)
    assert len(set(orders)) == 50


def test_the_order_of_what_ended_comes_from_an_index() -> None:
    plan = Video.objects.last_ended_first(Status.FAILED)[:12].explain()
    if connection.vendor == "sqlite":
        assert "downloads_newest_ended" in plan
        assert "TEMP B-TREE" not in plan


def test_a_search_finds_what_waits_and_failed(client) -> None:
    create_videos(2, title="Harbour {n}", status=Status.FAILED, media_file="")
    create_videos(1, title="Harbour waits", status=Status.QUEUED, media_file="")
    create_videos(1, title="Another", status=Status.FAILED, media_file="")
    create_videos(1, title="Harbour here")

    library = page_text(client, "/?q=harbour")
    link = re.search(r'<a class="whole"\s+href="(.*?)"[^>]*>3 more in Activity</a>', library)
    text = page_text(client, link[1].replace("&amp;", "&"))

    assert text.count("data-video-id=") == 3
    assert "Another" not in text.partition("<main")[2]
    assert "Harbour here" not in text
    assert 'href="/activity/?state=failed&amp;q=harbour"' in text
    assert "Nothing here matches “zebra”." in page_text(client, "/activity/?q=zebra")
    assert page_text(client, "/activity/?q=harbour&state=failed").count("data-video-id=") == 2


def test_a_row_that_does_not_match_the_search_is_elsewhere(client) -> None:
    video, other = create_videos(1, title="Harbour", status=Status.FAILED, media_file="") + create_videos(
        1, title="Other", status=Status.FAILED, media_file=""
    )
    text = page_text(client, f"/videos/cards?as=activity&q=harbour&id={video.video_id}&id={other.video_id}")
    assert 'data-place="failed"' in opening_tag(text, video)
    assert 'data-place="elsewhere"' in opening_tag(text, other)
