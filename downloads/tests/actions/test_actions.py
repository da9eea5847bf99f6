"""What a person does with the queue, on the pages and in the admin."""

import json
import re

import pytest
from django.contrib.auth import get_user_model
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from downloads.models import Metadata, Queue, Status, StoredFiles, Video

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def ann(client, redis_server):
    user = get_user_model().objects.create_superuser("ann")
    client.force_login(user)
    return client


@pytest.fixture
def videos(redis_server):
    return [Video.objects.ingest(f"http://{n}.example/", f"http://{n}.example/")[0] for n in "abcd"]


def said(response):
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


def press(client, name, *args, **data):
    return client.post(reverse(name, args=args), data)


HTMX = {"HTTP_HX_REQUEST": "true"}
ALL = ("queue-pause", "queue-resume", "queue-cancel-all", "queue-retry-failed", "many")


@pytest.mark.parametrize("name", ALL)
def test_it_refuses_strangers(client, videos, name):
    response = press(client, name, do="cancel", id=[videos[0].video_id])
    assert response.status_code == 302
    assert "/accounts/login/" in response.url
    assert Video.objects.waiting().count() == 4
    assert not Queue.get_or_default().paused


@pytest.mark.parametrize("name", ["front", "again"])
def test_it_refuses_strangers_a_video(client, videos, name):
    assert "/accounts/login/" in press(client, name, videos[0].video_id).url
    videos[0].refresh_from_db()
    assert videos[0].priority == 0


@pytest.mark.parametrize("name", ALL)
def test_it_changes_nothing_for_a_look(ann, name):
    answer = ann.get(reverse(name))
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "done by a button" in answer.content.decode()


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


def test_it_refuses_more_than_it_does_at_once_in_words(ann, videos):
    ids = [video.video_id for video in videos] + ["x"] * 497
    assert said(press(ann, "many", do="cancel", id=ids)) == (
        "500 videos at once are the most. Nothing was done: select fewer."
    )
    assert Video.objects.waiting().count() == 4


@pytest.mark.parametrize("then", ["video", "admin", "[", "logout", "foo", "//x.example/", "http://x.example/", "a\nb"])
def test_it_leads_back_to_pages_of_its_own_only(ann, videos, then):
    assert press(ann, "queue-pause", next=then).url == "/"
    assert press(ann, "many", do="cancel", id=[videos[0].video_id], next=then).url == "/"
    assert press(ann, "cancel", videos[1].video_id, next=then).url == "/"


@pytest.mark.parametrize("then", ["/?page=2", "http://testserver/?q=[", "/[", "/a\nb"])
def test_it_leads_back_to_where_one_was(ann, then):
    response = press(ann, "queue-pause", next=then)
    assert response.status_code == 302
    assert response.url == then.replace("\n", "%0A")


def test_it_downloads_again_what_is_complete(ann, videos):
    claimed = Video.objects.claim("w")
    claimed.finish(StoredFiles("a/a.mp4", 1), lambda: None)
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
    claimed.retry_later("The site did not answer in time.")
    page = ann.get("/").content.decode()
    assert "Retrying in 1 s (1 of 3)" in strip_tags(page)
    assert "The site did not answer in time." in page


def undo(client, response):
    """Press the message's button on the page that comes next."""
    page = (client.get("/") if response.status_code == 302 else response).content.decode()
    form = re.search(r'<div class="message .*?<form method="post"\s+action="(.*?)"[^>]*>(.*?)</form>', page, re.DOTALL)
    inputs = re.findall(r'name="(do|id|place)" value="(.*?)"', form[2])
    assert ">Undo<" in form[2]
    return client.post(form[1], {name: [value for each, value in inputs if each == name] for name, _ in inputs})


def test_it_takes_a_cancellation_back_to_its_old_place(ann, videos):
    response = press(ann, "cancel", videos[1].video_id)
    assert said(undo(ann, response)) == "b.example waits again."
    assert list(Video.objects.waiting()) == videos


def test_it_takes_back_what_was_done_with_many(ann, videos):
    response = press(ann, "many", do="cancel", id=[video.video_id for video in videos[:3]])
    assert said(undo(ann, response)) == "3 videos wait again."
    response = press(ann, "many", do="front", id=[video.video_id for video in videos[2:]])
    assert said(undo(ann, response)) == "2 videos are back in their places."
    assert list(Video.objects.waiting()) == videos
    response = press(ann, "queue-cancel-all")
    assert said(undo(ann, response)) == "4 videos wait again."


def test_it_takes_back_no_retry_that_never_was(ann, videos):
    answer = said(press(ann, "many", **{"do": "take-back", "id": [videos[0].video_id]}))
    assert answer == "a.example had ended before: it is waiting."
    assert Video.objects.waiting().count() == 4


@pytest.mark.parametrize("running", [False, True])
def test_it_takes_a_retry_back_to_its_failure_and_that_again(ann, videos, running):
    Video.objects.claim("w").fail("The site says no.\nHTTP 403")
    Video.objects.filter(pk__in=[video.pk for video in videos[1:]]).delete()
    for _ in range(2):
        response = press(ann, "retry", videos[0].video_id)
        claimed = Video.objects.claim("w") if running else None
        assert said(undo(ann, response)) == "a.example is as it was before."
        videos[0].refresh_from_db()
        assert (videos[0].status, videos[0].error) == (Status.FAILED, "The site says no.\nHTTP 403")
        assert claimed is None or not claimed.holds_lease()


def test_it_takes_a_retry_back_to_its_cancellation(ann, videos):
    videos[0].cancel()
    assert said(undo(ann, press(ann, "retry", videos[0].video_id))) == "a.example is as it was before."
    videos[0].refresh_from_db()
    assert (videos[0].status, videos[0].error) == (Status.CANCELLED, "")


def test_it_takes_the_retry_of_all_back(ann, videos):
    for words in ("no", "never"):
        Video.objects.claim("w").fail(words)
    assert said(undo(ann, press(ann, "queue-retry-failed"))) == "2 videos are as they were before."
    assert [*Video.objects.filter(status=Status.FAILED).order_by("pk").values_list("error", flat=True)] == [
        "no",
        "never",
    ]


def test_it_takes_no_retry_back_that_has_ended_since(ann, videos):
    Video.objects.claim("w").fail("no")
    Video.objects.filter(pk__in=[video.pk for video in videos[1:]]).delete()
    response = press(ann, "retry", videos[0].video_id)
    Video.objects.claim("w").fail("never")
    assert said(undo(ann, response)) == "a.example had ended before: it is failed."
    videos[0].refresh_from_db()
    assert videos[0].error == "never"


def test_it_takes_a_second_download_back(ann, videos):
    claimed = Video.objects.claim("w")
    claimed.finish(StoredFiles("a/a.mp4", 1), lambda: None)
    response = undo(ann, press(ann, "again", claimed.video_id))
    claimed.refresh_from_db()
    assert claimed.status == Status.COMPLETE
    # Complete again, so nothing of it can wait again.
    assert "Undo" not in ann.get("/").content.decode()
    assert said(response) == "a.example is not downloaded again; it is as it was."


def test_it_takes_another_look_at_a_list_back(ann, videos):
    listed = Video.objects.claim("w")
    listed.complete_as_playlist("Many films", "A list: 2 videos added.")
    looking = press(ann, "again", listed.video_id)
    assert said(looking) == "Many films is looked through for new videos."
    assert said(undo(ann, looking)) == "Many films is not downloaded again; it is as it was."
    listed.refresh_from_db()
    assert (listed.status, listed.is_list) == (Status.COMPLETE, True)
    listed.redownload()
    while (claimed := Video.objects.claim("w")) != listed:
        pass
    assert claimed.fail("The site says no.")
    assert (claimed.status, claimed.error) == (Status.COMPLETE, "The site says no.")


def test_it_tells_what_is_cancelled_from_what_is_there_still(ann, videos):
    done = Video.objects.claim("w")
    done.finish(StoredFiles("a/a.mp4", 1), lambda: None)
    for name, data in (
        ("queue-cancel-all", {}),
        ("many", {"do": "cancel", "id": [video.video_id for video in videos]}),
    ):
        done.redownload()
        response = press(ann, name, **data)
        assert "a.example is not downloaded again; it is as it was." in said(response)
        assert re.search(r"3 videos (were|are) cancelled\.", said(response))
        undo(ann, response)
        assert Video.objects.waiting().count() == 3


def test_it_puts_back_exactly_what_started_next(ann, videos):
    for number in (1, 3):
        press(ann, "front", videos[number].video_id)
        ann.get("/")
    before = list(Video.objects.waiting())
    assert said(undo(ann, press(ann, "front", videos[1].video_id))) == "b.example is back in its place."
    assert list(Video.objects.waiting()) == before == [videos[3], videos[1], videos[0], videos[2]]


def test_it_lets_a_retry_wait_as_long_as_before(ann, videos):
    Video.objects.claim("w").retry_later("The site did not answer in time.")
    videos[0].refresh_from_db()
    at = videos[0].retries_at
    moved = press(ann, "front", videos[0].video_id)
    videos[0].refresh_from_db()
    assert videos[0].retries_at is None
    undo(ann, moved)
    videos[0].refresh_from_db()
    assert videos[0].retries_at == at


@pytest.mark.parametrize("place", [
    *("", "x", "9" * 5000, "-99999999999 nonsense", "1 2026-01-01", "1 9999-12-31T23:59:59Z"),
    *("1 9999-12-31T23:59:59-14:00", "1 0001-01-01T00:00:00+14:00", "2147483647 ", "2147483648", "-2147483649"),
])  # fmt: skip
def test_it_takes_any_place_that_is_made_up(ann, videos, place):
    assert press(ann, "many", do="behind", id=[videos[0].video_id], place=[place]).status_code == 302
    assert press(ann, "front", videos[1].video_id).status_code == 302
    assert ann.get("/").status_code == 200
    assert next(iter(Video.objects.waiting())) == videos[1]
    assert Video.objects.waiting().count() == 4


def test_it_says_that_a_retry_waits_for_its_turn(ann, videos):
    Video.objects.claim("w").retry_later("The site did not answer in time.")
    Video.objects.filter(tries=1).update(not_before=timezone.now())
    assert "Retrying when its turn comes (1 of 3)" in strip_tags(ann.get("/").content.decode())


def test_it_takes_a_pause_back_and_forth(ann):
    assert "goes on" in said(undo(ann, press(ann, "queue-pause")))
    press(ann, "queue-pause")
    ann.get("/")
    assert "is paused" in said(undo(ann, press(ann, "queue-resume")))


def test_it_says_what_became_of_what_is_taken_back_too_late(ann, videos):
    response = press(ann, "cancel", videos[0].video_id)
    videos[0].refresh_from_db()
    videos[0].remove()
    assert "Select videos first" in said(undo(ann, response))


def test_it_offers_no_way_back_from_what_was_left_alone(ann, videos):
    videos[0].cancel()
    press(ann, "cancel", videos[0].video_id)
    page = ann.get("/").content.decode()
    assert "had ended before" in page
    assert "Undo" not in page


def test_it_shows_titles_in_messages_as_text(ann, videos):
    claimed = Video.objects.claim("w")
    claimed.save_metadata(Metadata(title='<b onclick="x">bold'))
    page = ann.post(reverse("cancel", args=[claimed.video_id]), **HTMX).content.decode()
    assert "&lt;b onclick=&quot;x&quot;&gt;bold is cancelled." in page


def test_it_does_once_what_is_pressed_twice(ann, videos):
    for words in ("is cancelled", "had ended before: it is cancelled"):
        assert words in said(press(ann, "cancel", videos[0].video_id))
    for words in ("waits for another try", "needs no other try: it is waiting"):
        assert words in said(press(ann, "retry", videos[0].video_id))
    assert [event.reason for event in videos[0].events.all()] == ["Added", "Cancelled by ann", "Retried by ann"]


class TestHtmx:
    """Answers for a page that stays where it is."""

    def test_it_leads_to_the_sign_in_when_the_session_has_ended(self, client, videos):
        address = reverse("cancel", args=[videos[0].video_id])
        response = client.post(address, HTTP_REFERER="http://testserver/?page=2", **HTMX)
        assert response.status_code == 200
        assert response["HX-Redirect"] == "/accounts/login/?next=http%3A//testserver/%3Fpage%3D2"

    def test_it_says_that_the_form_has_grown_old(self, ann, videos):
        client = Client(enforce_csrf_checks=True)
        response = client.post(reverse("cancel", args=[videos[0].video_id]), **HTMX)
        assert response.status_code == 200
        assert "Reload it, then try again." in response.content.decode()
        assert client.post(reverse("cancel", args=[videos[0].video_id])).status_code == 403

    def test_it_says_that_a_video_is_gone(self, ann):
        response = ann.post("/videos/nope/cancel", **HTMX)
        assert "This video is not in the archive any more." in response.content.decode()
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": ["nope"]}}

    def test_it_answers_with_words_and_what_changed(self, ann, videos):
        response = ann.post(reverse("front", args=[videos[1].video_id]), **HTMX)
        page = response.content.decode()
        assert re.match(r'\s*<div class="messages"\s+data-part="messages"\s+role="status"', page)
        assert "b.example starts next." in page
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": [videos[1].video_id]}}
        # Said once: the next page does not repeat it.
        assert "starts next." not in ann.get("/").content.decode()

    def test_it_has_the_page_look_at_all_after_many(self, ann):
        urls = [f"http://{n}.example/" for n in range(21)]
        ids = [Video.objects.ingest(url, url)[0].video_id for url in urls]
        response = ann.post(reverse("many"), {"do": "cancel", "id": ids}, **HTMX)
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": []}}
        assert json.loads(ann.post(reverse("queue-pause"), **HTMX)["HX-Trigger"]) == {"acted": {"ids": []}}

    def test_it_redirects_a_boosted_page(self, ann, videos):
        response = ann.post(reverse("front", args=[videos[1].video_id]), HTTP_HX_BOOSTED="true", **HTMX)
        assert response.status_code == 302

    def test_it_adds_and_gives_the_form_back(self, ann, settings):
        settings.ALLOW_PRIVATE_HOSTS = True
        good = {"urls": "http://127.0.0.1:1/a", "quality": "best"}
        response = ann.post(reverse("add"), {**good, "urls": f"{good['urls']}\nnonsense"}, **HTMX)
        page = response.content.decode()
        assert response.status_code == 200
        assert "<html" not in page
        assert re.search(r">\s*nonsense</textarea>", page)
        assert re.search(r"hx-swap-oob=\"outerHTML:\[data-part='messages'\]\"", page)
        video = Video.objects.get()
        assert json.loads(response["HX-Trigger"]) == {"acted": {"ids": [video.video_id]}}
        again = ann.post(reverse("add"), good, **HTMX)
        assert "HX-Trigger" not in again
        assert "already" in again.content.decode()
        empty = ann.post(reverse("add"), {"urls": "", "quality": "best"}, **HTMX)
        assert "Paste the address" in empty.content.decode()


def act(client, name, videos):
    data = {"action": name, "_selected_action": [video.pk for video in videos]}
    return client.post(reverse("admin:downloads_video_changelist"), data, follow=True).content.decode()


def test_it_does_the_same_in_the_admin(ann, videos):
    assert "start next" in act(ann, "front", videos[2:])
    assert Video.objects.claim("w") == videos[2]
    assert "was not complete" in act(ann, "again", videos[:1])
