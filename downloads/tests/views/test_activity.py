"""The activity page: what downloads, waits, has failed or was cancelled, apart from the library."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone

from downloads.models import Queue, Status, Video
from downloads.tests.support.factories import complete, create_videos, failed, running, waiting

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
    assert "data-turn" in page_text(superuser_client)
    Queue.pause("Queue paused by ada.")

    text = page_text(superuser_client)

    assert text.count("Queue paused by ada.") == 1
    assert ">Paused<" in text
    assert ">Waiting</span>" not in text
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
