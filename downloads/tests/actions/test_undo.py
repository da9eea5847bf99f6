"""Undo of actions."""

import re

import pytest

from downloads.models import Status, StoredFiles, Video
from downloads.tests.support.responses import message_texts, post_action

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def press_undo(client, response):
    """Press the message's "Undo" button on the next page."""
    page = (client.get("/") if response.status_code == 302 else response).content.decode()
    form = re.search(r'<div class="message .*?<form method="post"\s+action="(.*?)"[^>]*>(.*?)</form>', page, re.DOTALL)
    inputs = re.findall(r'name="(do|id|place)" value="(.*?)"', form[2])
    assert ">Undo<" in form[2]
    return client.post(form[1], {name: [value for field, value in inputs if field == name] for name, _ in inputs})


def test_undo_cancel_restores_the_queue_position(superuser_client, waiting_videos):
    response = post_action(superuser_client, "cancel", waiting_videos[1].video_id)
    assert message_texts(press_undo(superuser_client, response)) == "b.example is back in the queue."
    assert list(Video.objects.waiting()) == waiting_videos


def test_undo_of_bulk_actions(superuser_client, waiting_videos):
    response = post_action(superuser_client, "many", do="cancel", id=[video.video_id for video in waiting_videos[:3]])
    assert message_texts(press_undo(superuser_client, response)) == "3 videos are back in the queue."
    response = post_action(superuser_client, "many", do="front", id=[video.video_id for video in waiting_videos[2:]])
    assert message_texts(press_undo(superuser_client, response)) == "2 videos moved back."
    assert list(Video.objects.waiting()) == waiting_videos
    response = post_action(superuser_client, "queue-cancel-all")
    assert message_texts(press_undo(superuser_client, response)) == "4 videos are back in the queue."


def test_undo_retry_ignores_a_video_that_was_not_retried(superuser_client, waiting_videos):
    answer = message_texts(
        post_action(superuser_client, "many", **{"do": "take-back", "id": [waiting_videos[0].video_id]})
    )
    assert answer == "a.example had already finished: it is waiting."
    assert Video.objects.waiting().count() == 4


@pytest.mark.parametrize("running", [False, True])
def test_undo_retry_restores_the_failure_each_time(superuser_client, waiting_videos, running):
    Video.objects.claim("w").fail("The site says no.\nHTTP 403")
    Video.objects.filter(pk__in=[video.pk for video in waiting_videos[1:]]).delete()
    for _ in range(2):
        response = post_action(superuser_client, "retry", waiting_videos[0].video_id)
        claimed = Video.objects.claim("w") if running else None
        assert message_texts(press_undo(superuser_client, response)) == "Retry of a.example undone."
        waiting_videos[0].refresh_from_db()
        assert (waiting_videos[0].status, waiting_videos[0].error) == (Status.FAILED, "The site says no.\nHTTP 403")
        assert claimed is None or not claimed.holds_lease()


def test_undo_retry_restores_the_cancellation(superuser_client, waiting_videos):
    waiting_videos[0].cancel()
    assert (
        message_texts(press_undo(superuser_client, post_action(superuser_client, "retry", waiting_videos[0].video_id)))
        == "Retry of a.example undone."
    )
    waiting_videos[0].refresh_from_db()
    assert (waiting_videos[0].status, waiting_videos[0].error) == (Status.CANCELLED, "")


def test_undo_retry_all_restores_each_failure(superuser_client, waiting_videos):
    for error in ("no", "never"):
        Video.objects.claim("w").fail(error)
    assert (
        message_texts(press_undo(superuser_client, post_action(superuser_client, "queue-retry-failed")))
        == "Retry of 2 videos undone."
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
    assert message_texts(press_undo(superuser_client, response)) == "a.example had already finished: it is failed."
    waiting_videos[0].refresh_from_db()
    assert waiting_videos[0].error == "never"


def test_undo_redownload_restores_the_complete_video(superuser_client, waiting_videos):
    claimed = Video.objects.claim("w")
    claimed.finish(StoredFiles("a/a.mp4", 1), lambda: None)
    response = press_undo(superuser_client, post_action(superuser_client, "again", claimed.video_id))
    claimed.refresh_from_db()
    assert claimed.status == Status.COMPLETE
    # The video is complete again, so there is nothing to undo.
    assert "Undo" not in superuser_client.get("/").content.decode()
    assert message_texts(response) == "Cancelled. Your existing copy of a.example is unchanged."


def test_undo_redownload_of_a_playlist(superuser_client, waiting_videos):
    listed = Video.objects.claim("w")
    listed.complete_as_playlist("Many films", "Playlist: 2 videos added.")
    looking = post_action(superuser_client, "again", listed.video_id)
    assert message_texts(looking) == "Checking Many films for new videos."
    assert (
        message_texts(press_undo(superuser_client, looking))
        == "Cancelled. Your existing copy of Many films is unchanged."
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
        assert "Cancelled. Your existing copy of a.example is unchanged." in message_texts(response)
        assert "Cancelled 3 videos." in message_texts(response)
        press_undo(superuser_client, response)
        assert Video.objects.waiting().count() == 3


def test_undo_start_next_restores_the_queue_position(superuser_client, waiting_videos):
    for number in (1, 3):
        post_action(superuser_client, "front", waiting_videos[number].video_id)
        superuser_client.get("/")
    before = list(Video.objects.waiting())
    assert (
        message_texts(press_undo(superuser_client, post_action(superuser_client, "front", waiting_videos[1].video_id)))
        == "b.example moved back."
    )
    assert (
        list(Video.objects.waiting())
        == before
        == [waiting_videos[3], waiting_videos[1], waiting_videos[0], waiting_videos[2]]
    )


def test_undo_start_next_restores_the_retry_delay(superuser_client, waiting_videos):
    Video.objects.claim("w").retry_later("The site didn’t answer in time.")
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


def test_undo_pause_and_undo_resume(superuser_client):
    assert "Queue resumed." in message_texts(press_undo(superuser_client, post_action(superuser_client, "queue-pause")))
    post_action(superuser_client, "queue-pause")
    superuser_client.get("/")
    assert "Queue paused." in message_texts(press_undo(superuser_client, post_action(superuser_client, "queue-resume")))


def test_undo_of_a_deleted_video_says_so(superuser_client, waiting_videos):
    response = post_action(superuser_client, "cancel", waiting_videos[0].video_id)
    waiting_videos[0].refresh_from_db()
    waiting_videos[0].remove()
    assert "Select at least one video" in message_texts(press_undo(superuser_client, response))


def test_an_action_without_effect_offers_no_undo(superuser_client, waiting_videos):
    waiting_videos[0].cancel()
    post_action(superuser_client, "cancel", waiting_videos[0].video_id)
    page = superuser_client.get("/").content.decode()
    assert "had already finished" in page
    assert "Undo" not in page
