"""Watch states in the database: the last position counts, marks and their undo, and what goes with what."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import models

from downloads.models import Video, WatchState
from downloads.models.removal import RemovalError
from downloads.models.watching.watch_state import finished_by_condition
from downloads.tests.support.factories import complete, finish_video
from downloads.tests.support.removal import put_files

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def film() -> Video:
    """A film of 724 s."""
    return complete()


def states_of(user) -> list[tuple[float, bool, bool]]:
    states = WatchState.objects.of(user).order_by("video")
    return [(state.position, state.is_finished, state.continued_at is not None) for state in states]


def record(user, video, seconds) -> None:
    WatchState.objects.record(user, video.pk, seconds, video.duration)


def test_the_last_position_to_arrive_counts(ada, film, django_assert_num_queries):
    with django_assert_num_queries(1):
        record(ada, film, 2)
    assert states_of(ada) == []
    with django_assert_num_queries(1):
        record(ada, film, 400)
    record(ada, film, 100)  # another tab
    assert states_of(ada) == [(100, False, True)]
    record(ada, film, 3)
    assert states_of(ada) == [(0, False, False)]


def test_a_finished_video_stays_finished_while_it_is_watched_again(ada, film):
    record(ada, film, 720)
    assert states_of(ada) == [(0, True, False)]
    record(ada, film, 300)
    assert states_of(ada) == [(300, True, True)]
    record(ada, film, 0)
    assert states_of(ada) == [(0, True, False)]


def test_everybody_has_states_of_their_own(ada, film):
    bob = User.objects.create_user("bob")
    record(ada, film, 100)
    WatchState.objects.mark_watched(bob, [film.pk])
    assert (states_of(ada), states_of(bob)) == ([(100, False, True)], [(0, True, False)])
    assert states_of(AnonymousUser()) == []
    assert [Video.objects.filter(finished_by_condition(user.pk)).count() for user in (ada, bob)] == [0, 1]


def test_a_state_goes_with_its_person_and_with_its_video(ada, film):
    bob = User.objects.create_user("bob")
    other = complete("b")
    for user in (ada, bob):
        record(user, film, 100)
        record(user, other, 100)
    bob.delete()
    assert WatchState.objects.count() == 2
    models.Model.delete(other)  # the row alone; its files are another test's
    assert states_of(ada) == [(100, False, True)]


@pytest.mark.parametrize("mark", ["mark_watched", "mark_unwatched", "dismiss"])
def test_an_undo_brings_back_what_a_mark_replaced(ada, film, mark):
    others = [complete(name) for name in "bcd"]
    record(ada, film, 100)
    record(ada, others[0], 720)
    record(ada, others[1], 720)
    record(ada, others[1], 200)
    before = states_of(ada)
    videos = [film.pk, *(video.pk for video in others)]
    bob = User.objects.create_user("bob")
    token = getattr(WatchState.objects, mark)(ada, videos)
    expected = {
        "mark_watched": [(0, True, False)] * 4,
        "mark_unwatched": [(0, False, False)] * 3,
        "dismiss": [(100, False, False), (0, True, False), (200, True, False)],
    }
    assert states_of(ada) == expected[mark]
    assert WatchState.objects.undo(bob, token) == WatchState.objects.undo(ada, "") == 0
    assert WatchState.objects.undo(ada, token) == len(expected[mark])
    assert states_of(ada)[:3] == before
    assert states_of(ada)[3:] in ([], [(0, False, False)])
    assert WatchState.objects.undo(ada, token) == 0


def test_an_undo_leaves_what_was_played_since(ada, film):
    token = WatchState.objects.mark_watched(ada, [film.pk])
    record(ada, film, 50)
    assert WatchState.objects.undo(ada, token) == 0
    assert states_of(ada) == [(50, True, True)]


def test_many_are_marked_by_few_statements(ada, django_assert_max_num_queries):
    Video.objects.bulk_create(
        Video(url=f"http://{n}.example/", canonical_url=f"http://{n}.example/", status="complete") for n in range(1200)
    )
    keys = list(Video.objects.values_list("pk", flat=True))
    WatchState.objects.mark_watched(ada, keys[:700])
    with django_assert_max_num_queries(24):
        WatchState.objects.mark_watched(ada, keys)
    assert WatchState.objects.of(ada).filter(is_finished=True).count() == 1200


def test_a_video_keeps_its_state_when_it_is_downloaded_again(ada, film):
    record(ada, film, 400)
    assert film.redownload()
    claimed = Video.objects.claim("w")
    assert claimed
    finish_video(claimed)
    assert states_of(ada) == [(400, False, True)]
    assert WatchState.objects.get().percent(724) == 55
    assert WatchState.objects.get().resume_seconds(200) == 0


@pytest.mark.django_db(transaction=True)
def test_a_removal_that_fails_keeps_the_states(ada, film, child_environment, monkeypatch):
    put_files(film)
    record(ada, film, 400)

    def refuse(_video_id):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("downloads.files.trash.move_to_trash", refuse)
    with pytest.raises(RemovalError):
        film.remove()
    assert states_of(ada) == [(400, False, True)]
    monkeypatch.undo()
    assert film.remove()
    assert WatchState.objects.count() == 0
