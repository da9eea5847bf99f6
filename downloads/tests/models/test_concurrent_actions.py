"""Concurrent removals, cancellations and retries."""

import functools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections
from django.test import Client

from downloads.models import Status, Video, VideoEvent
from downloads.tests.support.factories import waiting
from downloads.tests.support.removal import is_gone
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


def run_concurrently(action) -> list:
    """Run the action 20 times concurrently, each on a connection of its own."""
    ready = threading.Barrier(20)

    def once(_):
        ready.wait()
        try:
            return action()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(20) as pool:
        return list(pool.map(once, range(20)))


def test_it_is_removed_by_one_of_many(video_with_files):
    assert sum(run_concurrently(video_with_files.remove)) == 1
    assert is_gone(video_with_files)
    assert VideoEvent.objects.filter(public_id=video_with_files.video_id).count() == 1


def test_it_is_cancelled_and_retried_by_one_of_many():
    video = waiting()
    assert sum(run_concurrently(lambda: Video.objects.get(pk=video.pk).cancel())) == 1
    assert sum(run_concurrently(lambda: Video.objects.get(pk=video.pk).retry())) == 1
    video.refresh_from_db()
    assert (video.status, video.attempt, video.events.count()) == (Status.QUEUED, 2, 3)


@pytest.mark.usefixtures("static_files")
def test_concurrent_requests_all_get_an_answer(client):
    client.force_login(make_user())
    video = waiting()

    def press(verb: str) -> str:
        own = Client(headers={"HX-Request": "true"})
        own.cookies = client.cookies
        response = own.post(f"/videos/{video.video_id}/{verb}")
        assert response.status_code == 200
        return response.content.decode()

    for verb in ("cancel", "retry", "delete"):
        answers = run_concurrently(functools.partial(press, verb))
        assert sum('class="message success' in answer for answer in answers) == 1
        assert sum('class="message info"' in answer for answer in answers) == 19
    assert is_gone(video)
