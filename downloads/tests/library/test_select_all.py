"""Actions on all videos that a listing shows, over all its pages, by plain forms as without JavaScript."""

import re
from urllib.parse import parse_qs

import pytest
from django.urls import reverse

from downloads.actions import bulk_actions
from downloads.actions.bulk_runner import run_slices
from downloads.library.selection import find_listed_videos
from downloads.models import BulkAction, Status, Video, WatchState
from downloads.tests.support.factories import create_videos
from downloads.tests.support.responses import HTMX_HEADERS, message_texts
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "child_environment")]


@pytest.fixture
def many_videos() -> list[Video]:
    create_videos(70, title="Other film")
    return create_videos(65, title="Harbour {n}", uploader="Ada", extractor="Site", size=1_000_000)


def selection_form(client, url: str) -> dict[str, str]:
    """Return the fields of a page's selection, with all of the listing selected."""
    form = client.get(url).content.decode().partition('id="many"')[2].partition("</form>")[0]
    fields = dict(re.findall(r'name="(listing|all)"\s+value="(.*?)"', form))
    return {name: value.replace("&amp;", "&") for name, value in fields.items()}


def confirmation_form(response) -> dict[str, str]:
    form = response.content.decode().partition('data-part="deletion"')[2]
    fields = re.findall(r'type="hidden" name="(do|confirmed|all|listing|id)" value="(.*?)"', form)
    return {name: value.replace("&amp;", "&") for name, value in fields}


def perform_pending() -> None:
    while run_slices():
        pass


@pytest.mark.parametrize(
    "url", ["/?q=harbour", "/?uploader=Ada", "/?uploader=Ada&sort=title&page=2", "/?q=harbour&kind=video"]
)
def test_it_deletes_what_the_listing_shows_on_all_its_pages(superuser_client, many_videos, url):
    fields = selection_form(superuser_client, url)
    assert fields["all"] == "65"

    question = superuser_client.post(reverse("many"), {"do": "delete", **fields}, headers={"referer": url})
    text = question.content.decode()
    assert "Delete 65 videos?" in text
    assert "their files (65 MB) and history" in text
    assert "and 55 more" in text
    assert Video.objects.count() == 135
    answer = superuser_client.post(reverse("many"), confirmation_form(question))
    assert message_texts(answer) == "Deleting 65 videos."
    perform_pending()

    assert set(Video.objects.values_list("title", flat=True)) == {"Other film"}


def test_it_asks_again_if_the_listing_has_changed_meanwhile(superuser_client, many_videos):
    fields = selection_form(superuser_client, "/?q=harbour")
    question = superuser_client.post(reverse("many"), {"do": "delete", **fields})
    create_videos(1, title="Harbour too")

    again = superuser_client.post(reverse("many"), confirmation_form(question))

    assert "Delete 66 videos?" in again.content.decode()
    assert "What matches has changed since you selected it." in again.content.decode()
    assert not BulkAction.objects.exists()
    superuser_client.post(reverse("many"), confirmation_form(again))
    assert BulkAction.objects.get().total == 66


def test_it_downloads_all_again_after_a_question(superuser_client, many_videos):
    fields = selection_form(superuser_client, "/?uploader=Ada")
    question = superuser_client.post(reverse("many"), {"do": "again", **fields}, **HTMX_HEADERS)
    assert "Download 65 videos again?" in question.content.decode()
    assert "(65 MB in all)" in question.content.decode()
    assert (question["HX-Retarget"], question["HX-Reswap"]) == ("#dialog", "innerHTML")

    superuser_client.post(reverse("many"), confirmation_form(question), **HTMX_HEADERS)
    perform_pending()

    assert Video.objects.waiting().count() == 65


@pytest.mark.parametrize(
    ("action", "changed"),
    [("retry", {Status.FAILED, Status.CANCELLED}), ("cancel", {Status.QUEUED}), ("front", {Status.QUEUED})],
)
def test_it_acts_on_those_of_activity_that_the_action_is_for(superuser_client, action, changed):
    for status in (Status.QUEUED, Status.FAILED, Status.CANCELLED, Status.COMPLETE):
        create_videos(60, status=status, media_file="v/v.mp4" if status == Status.COMPLETE else "")
    fields = selection_form(superuser_client, "/activity/")
    assert fields["all"] == "180"

    superuser_client.post(reverse("many"), {"do": action, **fields})

    chosen = BulkAction.objects.get().items.values_list("video__status", flat=True)
    assert (set(chosen), len(chosen)) == (changed, 60 * len(changed))


def test_it_takes_one_section_of_activity(superuser_client):
    create_videos(60, status=Status.FAILED, media_file="")
    create_videos(3, status=Status.CANCELLED, media_file="")
    assert selection_form(superuser_client, "/activity/?state=failed&page=2")["all"] == "60"


@pytest.mark.parametrize(
    "query", ["", "%", "q=%00&page_of=activity", "channel=x&sort=best", "page_of=activity&state=x", "watched=no"]
)
def test_any_text_names_a_listing(superuser_client, signed_in_user, query):
    create_videos(2)
    assert find_listed_videos(query, signed_in_user).count() in (0, 2)


@pytest.mark.parametrize("counted", ["", "x", "-1", "9" * 30, "²"])
def test_a_number_that_is_none_asks(superuser_client, counted):
    create_videos(3)
    response = superuser_client.post(reverse("many"), {"do": "delete", "all": counted, "listing": "", "confirmed": "1"})
    assert "Delete 3 videos?" in response.content.decode()
    assert Video.objects.count() == 3


def test_it_does_nothing_where_there_is_nothing(superuser_client):
    for action in ("delete", "retry", "restore", "x", ""):
        response = superuser_client.post(reverse("many"), {"do": action, "all": "0", "listing": ""})
        assert message_texts(response).endswith("Select at least one video.")


def test_it_needs_the_permission_of_the_action(client):
    create_videos(2)
    client.force_login(make_user("eve", "editor"))
    response = client.post(reverse("many"), {"do": "delete", "all": "2", "listing": "", "confirmed": "1"})
    assert response.status_code == 403
    assert Video.objects.count() == 2


def test_a_channel_selects_its_own_videos(superuser_client, many_videos):
    channel = Video.objects.get(pk=many_videos[0].pk).channel_id
    fields = selection_form(superuser_client, f"/channels/{channel}/")
    assert fields["all"] == "65"
    assert parse_qs(fields["listing"])["channel"] == [str(channel)]


def test_some_are_downloaded_again_at_once_and_more_after_a_question(superuser_client):
    ids = [video.video_id for video in create_videos(6)]
    superuser_client.post(reverse("many"), {"do": "again", "id": ids[:5]})
    assert Video.objects.waiting().count() == 5
    question = superuser_client.post(reverse("many"), {"do": "again", "id": ids})
    assert "Download 6 videos again?" in question.content.decode()
    superuser_client.post(reverse("many"), {"do": "again", "id": ids, "confirmed": "1"})
    assert Video.objects.waiting().count() == 6


def test_the_number_of_queries_does_not_grow(superuser_client, many_videos, django_assert_max_num_queries):
    assert bulk_actions.MAX_IMMEDIATE_VIDEOS < 65
    fields = selection_form(superuser_client, "/?q=harbour")
    with django_assert_max_num_queries(14):
        superuser_client.post(reverse("many"), {"do": "delete", **fields})


def test_all_are_marked_as_watched(superuser_client, many_videos):
    fields = selection_form(superuser_client, "/?uploader=Ada")
    superuser_client.post(reverse("watched-many"), {"do": "watched", **fields, "id": many_videos[0].video_id})
    assert WatchState.objects.filter(is_finished=True).count() == 65
