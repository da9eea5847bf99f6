"""Actions on the queue, on the pages and in the admin."""

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from downloads.models import Metadata, Queue, Status, StoredFiles, Video
from downloads.tests.support.responses import HTMX_HEADERS, message_texts, post_action

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


QUEUE_ACTIONS = ("queue-pause", "queue-resume", "queue-cancel-all", "queue-retry-failed", "many")


@pytest.mark.parametrize("name", QUEUE_ACTIONS)
def test_it_refuses_strangers(client, waiting_videos, name):
    response = post_action(client, name, do="cancel", id=[waiting_videos[0].video_id])
    assert response.status_code == 302
    assert "/accounts/login/" in response.url
    assert Video.objects.waiting().count() == 4
    assert not Queue.get_or_default().paused


@pytest.mark.parametrize("name", ["front", "again"])
def test_it_refuses_strangers_a_video(client, waiting_videos, name):
    assert "/accounts/login/" in post_action(client, name, waiting_videos[0].video_id).url
    waiting_videos[0].refresh_from_db()
    assert waiting_videos[0].priority == 0


@pytest.mark.parametrize("name", QUEUE_ACTIONS)
def test_it_refuses_get(superuser_client, name):
    answer = superuser_client.get(reverse(name))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "Use the button on the page" in answer.content.decode()


@pytest.mark.parametrize("name", ["front", "again"])
def test_it_knows_no_video_that_is_missing(superuser_client, name):
    assert post_action(superuser_client, name, "nothere").status_code == 404
    assert superuser_client.get(reverse(name, args=["nothere"])).status_code == 405


def test_it_starts_next_what_is_moved_to_the_front(superuser_client, waiting_videos):
    assert "c.example is next." in message_texts(post_action(superuser_client, "front", waiting_videos[2].video_id))
    assert Video.objects.claim("w") == waiting_videos[2]
    answer = message_texts(post_action(superuser_client, "front", waiting_videos[2].video_id))
    assert "c.example is no longer waiting: it is downloading." in answer


def test_it_keeps_the_order_of_many_moved_to_the_front(superuser_client, waiting_videos):
    post_action(superuser_client, "many", do="front", id=[waiting_videos[1].video_id, waiting_videos[3].video_id])
    assert [Video.objects.claim("w") for _ in range(3)] == [waiting_videos[1], waiting_videos[3], waiting_videos[0]]


def test_it_says_of_many_what_was_done_and_what_not(superuser_client, waiting_videos):
    waiting_videos[0].cancel()
    answer = message_texts(
        post_action(superuser_client, "many", do="cancel", id=[video.video_id for video in waiting_videos])
    )
    assert "Cancelled 3 videos." in answer
    assert "a.example had already finished: it is cancelled." in answer
    assert Video.objects.filter(status=Status.CANCELLED).count() == 4


@pytest.mark.parametrize("data", [{}, {"do": "cancel"}, {"do": "cancel", "id": ["nothere"]}, {"do": "harm"}])
def test_it_asks_for_a_selection(superuser_client, waiting_videos, data):
    assert "Select at least one video" in message_texts(post_action(superuser_client, "many", **data))


def test_it_refuses_more_than_it_does_at_once_in_words(superuser_client, waiting_videos):
    ids = [video.video_id for video in waiting_videos] + ["x"] * 497
    assert message_texts(post_action(superuser_client, "many", do="cancel", id=ids)) == (
        "You can select up to 500 videos at a time. Nothing was changed."
    )
    assert Video.objects.waiting().count() == 4


@pytest.mark.parametrize("then", ["video", "admin", "[", "logout", "foo", "//x.example/", "http://x.example/", "a\nb"])
def test_it_leads_back_to_pages_of_its_own_only(superuser_client, waiting_videos, then):
    assert post_action(superuser_client, "queue-pause", next=then).url == "/"
    assert post_action(superuser_client, "many", do="cancel", id=[waiting_videos[0].video_id], next=then).url == "/"
    assert post_action(superuser_client, "cancel", waiting_videos[1].video_id, next=then).url == "/"


@pytest.mark.parametrize("then", ["/?page=2", "http://testserver/?q=[", "/[", "/a\nb"])
def test_it_leads_back_to_where_one_was(superuser_client, then):
    response = post_action(superuser_client, "queue-pause", next=then)
    assert response.status_code == 302
    assert response.url == then.replace("\n", "%0A")


def test_it_redownloads_a_complete_video(superuser_client, waiting_videos):
    claimed = Video.objects.claim("w")
    claimed.finish(StoredFiles("a/a.mp4", 1), lambda: None)
    assert "Downloading a.example again" in message_texts(post_action(superuser_client, "again", claimed.video_id))
    assert "wasn’t complete" in message_texts(post_action(superuser_client, "again", claimed.video_id))


def test_it_pauses_and_resumes_with_its_reason_on_the_page(superuser_client, waiting_videos):
    assert "Queue paused. Current downloads will finish" in message_texts(post_action(superuser_client, "queue-pause"))
    assert "The queue is already paused." in message_texts(post_action(superuser_client, "queue-pause"))
    page = superuser_client.get("/activity/").content.decode()
    assert "Queue paused by ann." in page
    assert "Resume queue" in page
    assert "Queue paused by ann." in superuser_client.get(reverse("cards"), {"as": "activity"}).content.decode()
    assert "Queue resumed." in message_texts(post_action(superuser_client, "queue-resume"))
    assert "The queue isn’t paused." in message_texts(post_action(superuser_client, "queue-resume"))
    assert "Pause queue" in superuser_client.get("/activity/").content.decode()


def test_it_says_on_resume_that_the_disk_is_full(superuser_client):
    Queue.pause()
    Queue.hold("here", "The disk is nearly full.", 60)
    assert "Queue resumed. The disk is nearly full." in message_texts(post_action(superuser_client, "queue-resume"))


def test_it_cancels_all_and_retries_all_failed(superuser_client, waiting_videos):
    claimed = Video.objects.claim("w")
    claimed.fail("no")
    assert "Cancelled 3 videos." in message_texts(post_action(superuser_client, "queue-cancel-all"))
    assert "Nothing to cancel" in message_texts(post_action(superuser_client, "queue-cancel-all"))
    assert "Retrying 1 video." in message_texts(post_action(superuser_client, "queue-retry-failed"))
    assert "Nothing to retry" in message_texts(post_action(superuser_client, "queue-retry-failed"))


def test_it_shows_when_it_retries(superuser_client, waiting_videos):
    claimed = Video.objects.claim("w")
    claimed.retry_later("The site didn’t answer in time.")
    page = superuser_client.get("/activity/").content.decode()
    assert "Retrying in 1 s: the site didn’t answer in time (1 of 3)" in strip_tags(page)


def test_it_says_that_a_retry_waits_for_its_turn(superuser_client, waiting_videos):
    Video.objects.claim("w").retry_later("The site didn’t answer in time.")
    Video.objects.filter(retry_count=1).update(not_before=timezone.now())
    assert "Retrying soon: the site didn’t answer in time (1 of 3)" in strip_tags(
        superuser_client.get("/activity/").content.decode()
    )


def test_it_shows_titles_in_messages_as_text(superuser_client, waiting_videos):
    claimed = Video.objects.claim("w")
    claimed.save_metadata(Metadata(title='<b onclick="x">bold'))
    page = superuser_client.post(reverse("cancel", args=[claimed.video_id]), **HTMX_HEADERS).content.decode()
    assert "&lt;b onclick=&quot;x&quot;&gt;bold." in page


def test_it_does_once_what_is_pressed_twice(superuser_client, waiting_videos):
    for message in ("Cancelled a.example.", "had already finished: it is cancelled"):
        assert message in message_texts(post_action(superuser_client, "cancel", waiting_videos[0].video_id))
    for message in ("Retrying a.example", "doesn’t need a retry: it is waiting"):
        assert message in message_texts(post_action(superuser_client, "retry", waiting_videos[0].video_id))
    assert [event.reason for event in waiting_videos[0].events.all()] == ["Added", "Cancelled by ann", "Retried by ann"]


def act(client, name, videos):
    data = {"action": name, "_selected_action": [video.pk for video in videos]}
    return client.post(reverse("admin:downloads_video_changelist"), data, follow=True).content.decode()


def test_it_does_the_same_in_the_admin(superuser_client, waiting_videos):
    assert "2 videos are next." in act(superuser_client, "front", waiting_videos[2:])
    assert Video.objects.claim("w") == waiting_videos[2]
    assert "wasn’t complete" in act(superuser_client, "again", waiting_videos[:1])
