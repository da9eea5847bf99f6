"""What a person does with the queue, on the pages and in the admin."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.urls import reverse

from downloads.models import Filed, Queue, Status, Video

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def ann(client, redis_server):
    user = get_user_model().objects.create_superuser("ann", password="x")
    client.force_login(user)
    return client


@pytest.fixture
def videos(redis_server):
    return [Video.objects.ingest(f"http://{n}.example/", f"http://{n}.example/")[0] for n in "abcd"]


def said(response):
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def press(client, name, *args, **data):
    return client.post(reverse(name, args=args), data)


ALL = ("queue-pause", "queue-resume", "queue-cancel-all", "queue-retry-failed", "many")


@pytest.mark.parametrize("name", ALL)
def test_it_refuses_strangers(client, videos, name):
    response = press(client, name, do="cancel", id=[videos[0].video_id])
    assert response.status_code == 302
    assert "/accounts/login/" in response.url
    assert Video.objects.waiting().count() == 4
    assert not Queue.now().paused


@pytest.mark.parametrize("name", ["front", "again"])
def test_it_refuses_strangers_a_video(client, videos, name):
    assert "/accounts/login/" in press(client, name, videos[0].video_id).url
    videos[0].refresh_from_db()
    assert videos[0].priority == 0


@pytest.mark.parametrize("name", ALL)
def test_it_changes_nothing_for_a_look(ann, name):
    assert ann.get(reverse(name)).status_code == 405


@pytest.mark.parametrize("name", ["front", "again"])
def test_it_knows_no_video_that_is_missing(ann, name):
    assert press(ann, name, "nothere").status_code == 404
    assert ann.get(reverse(name, args=["nothere"])).status_code == 405


def test_it_starts_next_what_is_moved_to_the_front(ann, videos):
    assert "c.example starts next." in said(press(ann, "front", videos[2].video_id))
    assert Video.objects.claim("w") == videos[2]
    answer = said(press(ann, "front", videos[2].video_id))
    assert "c.example does not wait any more: it is downloading." in answer


def test_it_keeps_the_order_of_many_moved_to_the_front(ann, videos):
    press(ann, "many", do="front", id=[videos[1].video_id, videos[3].video_id])
    assert [Video.objects.claim("w") for _ in range(3)] == [videos[1], videos[3], videos[0]]


def test_it_says_of_many_what_was_done_and_what_not(ann, videos):
    videos[0].cancel()
    answer = said(press(ann, "many", do="cancel", id=[video.video_id for video in videos]))
    assert "3 videos are cancelled." in answer
    assert "a.example had ended before: it is cancelled." in answer
    assert Video.objects.filter(status=Status.CANCELLED).count() == 4


@pytest.mark.parametrize("data", [{}, {"do": "cancel"}, {"do": "cancel", "id": ["nothere"]}, {"do": "harm"}])
def test_it_asks_for_a_selection(ann, videos, data):
    assert "Select videos first" in said(press(ann, "many", **data))


def test_it_downloads_again_what_is_complete(ann, videos):
    claimed = Video.objects.claim("w")
    claimed.finish(Filed("a/a.mp4", 1), lambda: None)
    assert "is downloaded again" in said(press(ann, "again", claimed.video_id))
    assert "was not complete" in said(press(ann, "again", claimed.video_id))


def test_it_pauses_and_resumes_with_its_reason_on_the_page(ann, videos):
    assert "is paused" in said(press(ann, "queue-pause"))
    assert "was paused already" in said(press(ann, "queue-pause"))
    page = ann.get("/").content.decode()
    assert "The queue was paused by ann." in page
    assert "Resume queue" in page
    assert "The queue was paused by ann." in ann.get(reverse("cards")).content.decode()
    assert "The queue goes on." in said(press(ann, "queue-resume"))
    assert "was not paused" in said(press(ann, "queue-resume"))
    assert "Pause queue" in ann.get("/").content.decode()


def test_it_says_on_resume_that_the_disk_is_full(ann):
    Queue.pause()
    Queue.hold("here", "The disk is nearly full.", 60)
    assert "The queue goes on. The disk is nearly full." in said(press(ann, "queue-resume"))


def test_it_cancels_all_and_retries_all_failed(ann, videos):
    claimed = Video.objects.claim("w")
    claimed.fail("no")
    assert "3 videos were cancelled." in said(press(ann, "queue-cancel-all"))
    assert "Nothing was waiting" in said(press(ann, "queue-cancel-all"))
    assert "1 video was put back" in said(press(ann, "queue-retry-failed"))
    assert "Nothing had failed" in said(press(ann, "queue-retry-failed"))


def test_it_shows_when_it_tries_again(ann, videos):
    claimed = Video.objects.claim("w")
    claimed.try_later("The site did not answer in time.")
    page = ann.get("/").content.decode()
    assert "Retrying in 1 s (1 of 3)" in page
    assert "The site did not answer in time." in page


def act(client, name, videos):
    data = {"action": name, "_selected_action": [video.pk for video in videos]}
    return client.post(reverse("admin:downloads_video_changelist"), data, follow=True).content.decode()


def test_it_does_the_same_in_the_admin(ann, videos):
    assert "start next" in act(ann, "front", videos[2:])
    assert Video.objects.claim("w") == videos[2]
    assert "was not complete" in act(ann, "again", videos[:1])
