"""What a person does with the queue, on the pages and in the admin."""

import json
import re

import pytest
from django.test import Client
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
    assert "done by a button" in answer.content.decode()


@pytest.mark.parametrize("name", ["front", "again"])
def test_it_knows_no_video_that_is_missing(superuser_client, name):
    assert post_action(superuser_client, name, "nothere").status_code == 404
    assert superuser_client.get(reverse(name, args=["nothere"])).status_code == 405


def test_it_starts_next_what_is_moved_to_the_front(superuser_client, waiting_videos):
    assert "c.example starts next." in message_texts(post_action(superuser_client, "front", waiting_videos[2].video_id))
    assert Video.objects.claim("w") == waiting_videos[2]
    answer = message_texts(post_action(superuser_client, "front", waiting_videos[2].video_id))
    assert "c.example does not wait any more: it is downloading." in answer


def test_it_keeps_the_order_of_many_moved_to_the_front(superuser_client, waiting_videos):
    post_action(superuser_client, "many", do="front", id=[waiting_videos[1].video_id, waiting_videos[3].video_id])
    assert [Video.objects.claim("w") for _ in range(3)] == [waiting_videos[1], waiting_videos[3], waiting_videos[0]]


def test_it_says_of_many_what_was_done_and_what_not(superuser_client, waiting_videos):
    waiting_videos[0].cancel()
    answer = message_texts(
        post_action(superuser_client, "many", do="cancel", id=[video.video_id for video in waiting_videos])
    )
    assert "3 videos are cancelled." in answer
    assert "a.example had ended before: it is cancelled." in answer
    assert Video.objects.filter(status=Status.CANCELLED).count() == 4


@pytest.mark.parametrize("data", [{}, {"do": "cancel"}, {"do": "cancel", "id": ["nothere"]}, {"do": "harm"}])
def test_it_asks_for_a_selection(superuser_client, waiting_videos, data):
    assert "Select videos first" in message_texts(post_action(superuser_client, "many", **data))


def test_it_refuses_more_than_it_does_at_once_in_words(superuser_client, waiting_videos):
    ids = [video.video_id for video in waiting_videos] + ["x"] * 497
    assert message_texts(post_action(superuser_client, "many", do="cancel", id=ids)) == (
        "500 videos at once are the most. Nothing was done: select fewer."
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
    assert "is downloaded again" in message_texts(post_action(superuser_client, "again", claimed.video_id))
    assert "was not complete" in message_texts(post_action(superuser_client, "again", claimed.video_id))


def test_it_pauses_and_resumes_with_its_reason_on_the_page(superuser_client, waiting_videos):
    assert "is paused" in message_texts(post_action(superuser_client, "queue-pause"))
    assert "was paused already" in message_texts(post_action(superuser_client, "queue-pause"))
    page = superuser_client.get("/").content.decode()
    assert "The queue was paused by ann." in page
    assert "Resume queue" in page
    assert "The queue was paused by ann." in superuser_client.get(reverse("cards")).content.decode()
    assert "The queue goes on." in message_texts(post_action(superuser_client, "queue-resume"))
    assert "was not paused" in message_texts(post_action(superuser_client, "queue-resume"))
    assert "Pause queue" in superuser_client.get("/").content.decode()


def test_it_says_on_resume_that_the_disk_is_full(superuser_client):
    Queue.pause()
    Queue.hold("here", "The disk is nearly full.", 60)
    assert "The queue goes on. The disk is nearly full." in message_texts(post_action(superuser_client, "queue-resume"))


def test_it_cancels_all_and_retries_all_failed(superuser_client, waiting_videos):
    claimed = Video.objects.claim("w")
    claimed.fail("no")
    assert "3 videos were cancelled." in message_texts(post_action(superuser_client, "queue-cancel-all"))
    assert "Nothing was waiting" in message_texts(post_action(superuser_client, "queue-cancel-all"))
    assert "1 video was put back" in message_texts(post_action(superuser_client, "queue-retry-failed"))
    assert "Nothing had failed" in message_texts(post_action(superuser_client, "queue-retry-failed"))


def test_it_shows_when_it_retries(superuser_client, waiting_videos):
    claimed = Video.objects.claim("w")
    claimed.retry_later("The site did not answer in time.")
    page = superuser_client.get("/").content.decode()
    assert "Retrying in 1 s (1 of 3)" in strip_tags(page)
    assert "The site did not answer in time." in page


def press_undo(client, response):
    """Press the message's button on the page that comes next."""
    page = (client.get("/") if response.status_code == 302 else response).content.decode()
    form = re.search(r'<div class="message .*?<form method="post"\s+action="(.*?)"[^>]*>(.*?)</form>', page, re.DOTALL)
    inputs = re.findall(r'name="(do|id|place)" value="(.*?)"', form[2])
    assert ">Undo<" in form[2]
    return client.post(form[1], {name: [value for each, value in inputs if each == name] for name, _ in inputs})


def test_undo_cancel_restores_the_queue_position(superuser_client, waiting_videos):
    response = post_action(superuser_client, "cancel", waiting_videos[1].video_id)
    assert message_texts(press_undo(superuser_client, response)) == "b.example waits again."
    assert list(Video.objects.waiting()) == waiting_videos


def test_undo_of_bulk_actions(superuser_client, waiting_videos):
    response = post_action(superuser_client, "many", do="cancel", id=[video.video_id for video in waiting_videos[:3]])
    assert message_texts(press_undo(superuser_client, response)) == "3 videos wait again."
    response = post_action(superuser_client, "many", do="front", id=[video.video_id for video in waiting_videos[2:]])
    assert message_texts(press_undo(superuser_client, response)) == "2 videos are back in their places."
    assert list(Video.objects.waiting()) == waiting_videos
    response = post_action(superuser_client, "queue-cancel-all")
    assert message_texts(press_undo(superuser_client, response)) == "4 videos wait again."


def test_undo_retry_ignores_a_video_that_was_not_retried(superuser_client, waiting_videos):
    answer = message_texts(
        post_action(superuser_client, "many", **{"do": "take-back", "id": [waiting_videos[0].video_id]})
    )
    assert answer == "a.example had ended before: it is waiting."
    assert Video.objects.waiting().count() == 4


@pytest.mark.parametrize("running", [False, True])
def test_undo_retry_restores_the_failure_each_time(superuser_client, waiting_videos, running):
    Video.objects.claim("w").fail("The site says no.\nHTTP 403")
    Video.objects.filter(pk__in=[video.pk for video in waiting_videos[1:]]).delete()
    for _ in range(2):
        response = post_action(superuser_client, "retry", waiting_videos[0].video_id)
        claimed = Video.objects.claim("w") if running else None
        assert message_texts(press_undo(superuser_client, response)) == "a.example is as it was before."
        waiting_videos[0].refresh_from_db()
        assert (waiting_videos[0].status, waiting_videos[0].error) == (Status.FAILED, "The site says no.\nHTTP 403")
        assert claimed is None or not claimed.holds_lease()


def test_undo_retry_restores_the_cancellation(superuser_client, waiting_videos):
    waiting_videos[0].cancel()
    assert (
        message_texts(press_undo(superuser_client, post_action(superuser_client, "retry", waiting_videos[0].video_id)))
        == "a.example is as it was before."
    )
    waiting_videos[0].refresh_from_db()
    assert (waiting_videos[0].status, waiting_videos[0].error) == (Status.CANCELLED, "")


def test_undo_retry_all_restores_each_failure(superuser_client, waiting_videos):
    for words in ("no", "never"):
        Video.objects.claim("w").fail(words)
    assert (
        message_texts(press_undo(superuser_client, post_action(superuser_client, "queue-retry-failed")))
        == "2 videos are as they were before."
    )
    assert [*Video.objects.filter(status=Status.FAILED).order_by("pk").values_list("error", flat=True)] == [
        "no",
        "never",
    ]


def test_undo_retry_leaves_a_retry_that_has_ended(superuser_client, waiting_videos):
    Video.objects.claim("w").fail("no")
    Video.objects.filter(pk__in=[video.pk for video in waiting_videos[1:]]).delete()
    response = post_action(superuser_client, "retry", waiting_videos[0].video_id)
    Video.objects.claim("w").fail("never")
    assert message_texts(press_undo(superuser_client, response)) == "a.example had ended before: it is failed."
    waiting_videos[0].refresh_from_db()
    assert waiting_videos[0].error == "never"


def test_undo_redownload_restores_the_complete_video(superuser_client, waiting_videos):
    claimed = Video.objects.claim("w")
    claimed.finish(StoredFiles("a/a.mp4", 1), lambda: None)
    response = press_undo(superuser_client, post_action(superuser_client, "again", claimed.video_id))
    claimed.refresh_from_db()
    assert claimed.status == Status.COMPLETE
    # Complete again, so nothing of it can wait again.
    assert "Undo" not in superuser_client.get("/").content.decode()
    assert message_texts(response) == "a.example is not downloaded again; it is as it was."


def test_undo_redownload_of_a_playlist(superuser_client, waiting_videos):
    listed = Video.objects.claim("w")
    listed.complete_as_playlist("Many films", "A list: 2 videos added.")
    looking = post_action(superuser_client, "again", listed.video_id)
    assert message_texts(looking) == "Many films is looked through for new videos."
    assert (
        message_texts(press_undo(superuser_client, looking)) == "Many films is not downloaded again; it is as it was."
    )
    listed.refresh_from_db()
    assert (listed.status, listed.is_list) == (Status.COMPLETE, True)
    listed.redownload()
    while (claimed := Video.objects.claim("w")) != listed:
        pass
    assert claimed.fail("The site says no.")
    assert (claimed.status, claimed.error) == (Status.COMPLETE, "The site says no.")


def test_it_tells_what_is_cancelled_from_what_is_there_still(superuser_client, waiting_videos):
    done = Video.objects.claim("w")
    done.finish(StoredFiles("a/a.mp4", 1), lambda: None)
    for name, data in (
        ("queue-cancel-all", {}),
        ("many", {"do": "cancel", "id": [video.video_id for video in waiting_videos]}),
    ):
        done.redownload()
        response = post_action(superuser_client, name, **data)
        assert "a.example is not downloaded again; it is as it was." in message_texts(response)
        assert re.search(r"3 videos (were|are) cancelled\.", message_texts(response))
        press_undo(superuser_client, response)
        assert Video.objects.waiting().count() == 3


def test_undo_start_next_restores_the_queue_position(superuser_client, waiting_videos):
    for number in (1, 3):
        post_action(superuser_client, "front", waiting_videos[number].video_id)
        superuser_client.get("/")
    before = list(Video.objects.waiting())
    assert (
        message_texts(press_undo(superuser_client, post_action(superuser_client, "front", waiting_videos[1].video_id)))
        == "b.example is back in its place."
    )
    assert (
        list(Video.objects.waiting())
        == before
        == [waiting_videos[3], waiting_videos[1], waiting_videos[0], waiting_videos[2]]
    )


def test_undo_start_next_restores_the_retry_delay(superuser_client, waiting_videos):
    Video.objects.claim("w").retry_later("The site did not answer in time.")
    waiting_videos[0].refresh_from_db()
    at = waiting_videos[0].retries_at
    moved = post_action(superuser_client, "front", waiting_videos[0].video_id)
    waiting_videos[0].refresh_from_db()
    assert waiting_videos[0].retries_at is None
    press_undo(superuser_client, moved)
    waiting_videos[0].refresh_from_db()
    assert waiting_videos[0].retries_at == at


@pytest.mark.parametrize("place", [
    *("", "x", "9" * 5000, "-99999999999 nonsense", "1 2026-01-01", "1 9999-12-31T23:59:59Z"),
    *("1 9999-12-31T23:59:59-14:00", "1 0001-01-01T00:00:00+14:00", "2147483647 ", "2147483648", "-2147483649"),
])  # fmt: skip
def test_an_invalid_queue_position_is_ignored(superuser_client, waiting_videos, place):
    assert (
        post_action(superuser_client, "many", do="behind", id=[waiting_videos[0].video_id], place=[place]).status_code
        == 302
    )
    assert post_action(superuser_client, "front", waiting_videos[1].video_id).status_code == 302
    assert superuser_client.get("/").status_code == 200
    assert next(iter(Video.objects.waiting())) == waiting_videos[1]
    assert Video.objects.waiting().count() == 4


def test_it_says_that_a_retry_waits_for_its_turn(superuser_client, waiting_videos):
    Video.objects.claim("w").retry_later("The site did not answer in time.")
    Video.objects.filter(tries=1).update(not_before=timezone.now())
    assert "Retrying when its turn comes (1 of 3)" in strip_tags(superuser_client.get("/").content.decode())


def test_undo_pause_and_undo_resume(superuser_client):
    assert "goes on" in message_texts(press_undo(superuser_client, post_action(superuser_client, "queue-pause")))
    post_action(superuser_client, "queue-pause")
    superuser_client.get("/")
    assert "is paused" in message_texts(press_undo(superuser_client, post_action(superuser_client, "queue-resume")))


def test_undo_of_a_deleted_video_says_so(superuser_client, waiting_videos):
    response = post_action(superuser_client, "cancel", waiting_videos[0].video_id)
    waiting_videos[0].refresh_from_db()
    waiting_videos[0].remove()
    assert "Select videos first" in message_texts(press_undo(superuser_client, response))


def test_an_action_without_effect_offers_no_undo(superuser_client, waiting_videos):
    waiting_videos[0].cancel()
    post_action(superuser_client, "cancel", waiting_videos[0].video_id)
    page = superuser_client.get("/").content.decode()
    assert "had ended before" in page
    assert "Undo" not in page


def test_it_shows_titles_in_messages_as_text(superuser_client, waiting_videos):
    claimed = Video.objects.claim("w")
    claimed.save_metadata(Metadata(title='<b onclick="x">bold'))
    page = superuser_client.post(reverse("cancel", args=[claimed.video_id]), **HTMX_HEADERS).content.decode()
    assert "&lt;b onclick=&quot;x&quot;&gt;bold is cancelled." in page


def test_it_does_once_what_is_pressed_twice(superuser_client, waiting_videos):
    for words in ("is cancelled", "had ended before: it is cancelled"):
        assert words in message_texts(post_action(superuser_client, "cancel", waiting_videos[0].video_id))
    for words in ("waits for another try", "needs no other try: it is waiting"):
        assert words in message_texts(post_action(superuser_client, "retry", waiting_videos[0].video_id))
    assert [event.reason for event in waiting_videos[0].events.all()] == ["Added", "Cancelled by ann", "Retried by ann"]


class TestHtmx:
    """Answers for a page that stays where it is."""

    def test_it_leads_to_the_sign_in_when_the_session_has_ended(self, client, waiting_videos):
        address = reverse("cancel", args=[waiting_videos[0].video_id])
        response = client.post(address, HTTP_REFERER="http://testserver/?page=2", **HTMX_HEADERS)
        assert response.status_code == 200
        assert response["HX-Redirect"] == "/accounts/login/?next=http%3A//testserver/%3Fpage%3D2"

    def test_it_says_that_the_form_has_expired(self, superuser_client, waiting_videos):
        client = Client(enforce_csrf_checks=True)
        response = client.post(reverse("cancel", args=[waiting_videos[0].video_id]), **HTMX_HEADERS)
        assert response.status_code == 200
        assert "Reload it, then try again." in response.content.decode()
        assert client.post(reverse("cancel", args=[waiting_videos[0].video_id])).status_code == 403

    def test_it_says_that_a_video_is_gone(self, superuser_client):
        response = superuser_client.post("/videos/nope/cancel", **HTMX_HEADERS)
        assert "This video is not in the archive any more." in response.content.decode()
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": ["nope"]}}

    def test_it_answers_with_words_and_what_changed(self, superuser_client, waiting_videos):
        response = superuser_client.post(reverse("front", args=[waiting_videos[1].video_id]), **HTMX_HEADERS)
        page = response.content.decode()
        assert re.match(r'\s*<div class="messages"\s+data-part="messages"\s+role="status"', page)
        assert "b.example starts next." in page
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": [waiting_videos[1].video_id]}}
        # Said once: the next page does not repeat it.
        assert "starts next." not in superuser_client.get("/").content.decode()

    def test_bulk_actions_refresh_the_whole_list(self, superuser_client):
        urls = [f"http://{n}.example/" for n in range(21)]
        ids = [Video.objects.ingest(url, url)[0].video_id for url in urls]
        response = superuser_client.post(reverse("many"), {"do": "cancel", "id": ids}, **HTMX_HEADERS)
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": []}}
        assert json.loads(superuser_client.post(reverse("queue-pause"), **HTMX_HEADERS)["HX-Trigger"]) == {
            "acted": {"ids": []}
        }

    def test_it_redirects_a_boosted_page(self, superuser_client, waiting_videos):
        response = superuser_client.post(
            reverse("front", args=[waiting_videos[1].video_id]), HTTP_HX_BOOSTED="true", **HTMX_HEADERS
        )
        assert response.status_code == 302

    def test_it_adds_and_gives_the_form_back(self, superuser_client, settings):
        settings.ALLOW_PRIVATE_HOSTS = True
        good = {"urls": "http://127.0.0.1:1/a", "quality": "best"}
        response = superuser_client.post(reverse("add"), {**good, "urls": f"{good['urls']}\nnonsense"}, **HTMX_HEADERS)
        page = response.content.decode()
        assert response.status_code == 200
        assert "<html" not in page
        assert re.search(r">\s*nonsense</textarea>", page)
        assert re.search(r"hx-swap-oob=\"outerHTML:\[data-part='messages'\]\"", page)
        video = Video.objects.get()
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": [video.video_id]}}
        again = superuser_client.post(reverse("add"), good, **HTMX_HEADERS)
        assert "HX-Trigger" not in again
        assert "already" in again.content.decode()
        empty = superuser_client.post(reverse("add"), {"urls": "", "quality": "best"}, **HTMX_HEADERS)
        assert "Paste the address" in empty.content.decode()


def act(client, name, videos):
    data = {"action": name, "_selected_action": [video.pk for video in videos]}
    return client.post(reverse("admin:downloads_video_changelist"), data, follow=True).content.decode()


def test_it_does_the_same_in_the_admin(superuser_client, waiting_videos):
    assert "start next" in act(superuser_client, "front", waiting_videos[2:])
    assert Video.objects.claim("w") == waiting_videos[2]
    assert "was not complete" in act(superuser_client, "again", waiting_videos[:1])
