"""The address that takes positions: what it stores, and what it refuses in which words."""

import json

import pytest
from django.db import IntegrityError

from downloads.models import Video, VideoEvent, WatchState
from downloads.models.audit.entry import AuditEntry
from downloads.tests.support.factories import complete
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def viewer(client):
    user = make_user("vera", "")
    client.force_login(user)
    return user


def post(client, video, **fields):
    return client.post(f"/videos/{video.video_id}/position", fields)


def stored_positions() -> list[float]:
    return list(WatchState.objects.values_list("position", flat=True))


def test_it_stores_a_position_by_two_queries_and_tells_nobody(client, viewer, django_assert_num_queries):
    video = complete()
    rev, audited = Video.objects.latest_rev(), AuditEntry.objects.count()
    events = VideoEvent.objects.count()
    client.get("/")  # the session is read before
    with django_assert_num_queries(4):  # the session and its user; the video, and what is stored
        response = post(client, video, position="247.5", duration="724.2")
    assert (response.status_code, response.content) == (204, b"")
    state = WatchState.objects.get()
    assert (state.user_id, state.position, state.duration) == (viewer.pk, 247.5, 724.2)
    assert (Video.objects.latest_rev(), VideoEvent.objects.count()) == (rev, events)
    assert AuditEntry.objects.count() == audited


def test_it_takes_json_too(client, viewer):
    video = complete()
    url = f"/videos/{video.video_id}/position"
    assert client.post(url, {"position": 99}, content_type="application/json").status_code == 204
    assert stored_positions() == [99]
    for body in ("", "[]", "{", "99", '{"position": NaN}', '{"position": true}', '{"position": [1]}', "[" * 100_000):
        response = client.post(url, body, content_type="application/json")
        assert response.status_code == 400, body
        assert json.loads(response.content)["error"]


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({}, "is missing"),
        ({"position": ""}, "is missing"),
        ({"position": "NaN"}, "is a number of seconds"),
        ({"position": "Infinity"}, "is a number of seconds"),
        ({"position": "1e999"}, "from 0 to 724"),
        ({"position": "1_000"}, "is a number of seconds"),
        ({"position": "12\x00"}, "is a number of seconds"),
        ({"position": "4:07"}, "is a number of seconds"),
        ({"position": "9" * 400}, "is a number of seconds"),
        ({"position": "-1"}, "from 0 to 724"),
        ({"position": "900"}, "from 0 to 724"),
        ({"position": "5e300"}, "from 0 to 724"),
        ({"position": "900", "duration": "800"}, "from 0 to 800"),
        ({"position": "1e9", "duration": "1e300"}, "from 0 to 724"),
        ({"position": "10", "duration": "long"}, "“duration” is a number"),
    ],
)
def test_it_refuses_what_is_no_position_in_words(client, viewer, fields, sentence):
    response = post(client, complete(), **fields)
    assert response.status_code == 400
    assert sentence in response.json()["error"]
    assert stored_positions() == []


def test_the_player_knows_its_file_better_than_the_row(client, viewer):
    video = complete()
    assert post(client, video, position="900", duration="1000").status_code == 204
    assert stored_positions() == [900]
    Video.objects.update(duration=None)
    assert post(client, video, position="5000").status_code == 204
    assert post(client, video, position="20000000").status_code == 400
    assert stored_positions() == [5000]


def test_a_playlist_has_none_and_what_is_gone_is_not_found(client, viewer, monkeypatch):
    video = complete()
    assert client.post("/videos/nothing/position", {"position": 10}).status_code == 404

    def refuse(*_args):
        raise IntegrityError

    with monkeypatch.context() as patch:
        patch.setattr("downloads.models.watching.watch_state.WatchStateQuerySet.record", refuse)
        assert post(client, video, position="10").status_code == 404
    Video.objects.update(is_list=True)
    assert "A playlist has no position" in post(client, video, position="10").json()["error"]


def test_strangers_keep_theirs_in_the_browser(client, settings):
    video = complete()
    page = client.get(video.get_absolute_url()).content.decode()
    assert "data-position" not in page
    assert "data-resumed" in page
    assert "login" in post(client, video, position="100")["Location"]
    assert stored_positions() == []


def test_the_page_starts_where_one_stopped(client, viewer, settings):
    settings.MEDIA_ROOT.mkdir(parents=True, exist_ok=True)
    video = complete()
    post(client, video, position="247")
    page = client.get(video.get_absolute_url()).content.decode()
    assert 'data-position="247"' in page
    assert '<a href="?t=247">Resume at 4:07</a>' in page
    client.force_login(make_user("bob"))
    page = client.get(video.get_absolute_url()).content.decode()
    assert 'data-position="0"' in page
    assert "Resume at" not in page
