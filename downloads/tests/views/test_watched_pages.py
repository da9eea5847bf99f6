"""Watched states on pages: marks on cards that everybody shares, the row of begun videos, undo."""

import re

import pytest

from downloads.models import Video, WatchState
from downloads.tests.support.factories import complete, create_videos
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def viewer(client):
    user = make_user("vera", "")
    client.force_login(user)
    return user


def record(user, video, seconds) -> None:
    WatchState.objects.record(user, video.pk, seconds, video.duration)


def card(client, video, url="/") -> str:
    page = client.get(url).content.decode()
    (markup,) = re.findall(rf'<li[^>]*data-video-id="{video.video_id}".*?</li>', page, re.DOTALL)
    return " ".join(markup.split())


def continued(client, url="/") -> list[str]:
    page = client.get(url).content.decode()
    sections = re.findall(r'<section class="continue".*?</section>', page, re.DOTALL)
    return re.findall(r'formaction="/videos/(\w+)/dismiss"', "".join(sections))


def test_a_shared_card_shows_everybody_their_own_state(client, viewer):
    begun, finished = complete("a"), complete("b")
    assert "watched-line" not in card(client, begun)
    record(viewer, begun, 300)
    record(viewer, finished, 720)
    for url in ("/", f"/videos/cards?as=card&id={begun.video_id}&id={finished.video_id}"):
        assert '<meter class="watched-line" value="41" max="100"' in card(client, begun, url)
        assert "41 % watched" in card(client, begun, url)
        assert "watched-tick" in card(client, finished, url)
        assert "watched-tick" not in card(client, begun, url)
    client.force_login(make_user("bob"))
    assert not re.search("watched-(line|tick)|<!--", card(client, begun) + card(client, finished))
    client.logout()
    assert not re.search("watched|<!--", card(client, begun) + card(client, finished))


def test_a_page_reads_all_states_by_one_query(client, viewer, django_assert_max_num_queries):
    videos = create_videos(20, duration=100)
    WatchState.objects.mark_watched(viewer, [video.pk for video in videos[:10]])
    for video in videos[10:]:
        record(viewer, video, 50)
    client.get("/")
    with django_assert_max_num_queries(12) as queries:
        page = client.get("/").content.decode()
    assert page.count("watched-tick") == 10
    assert page.count("watched-line") == 20  # in the row too
    assert sum("downloads_watchstate" in query["sql"] for query in queries) == 2


def test_the_row_has_what_was_begun_the_last_first(client, viewer):
    videos = [complete(name) for name in "abcd"]
    for video in videos:
        record(viewer, video, 100)
    record(viewer, videos[0], 200)
    record(viewer, videos[1], 720)
    Video.objects.filter(pk=videos[2].pk).update(media_file="")
    ids = [videos[0].video_id, videos[3].video_id]
    assert continued(client) == ids
    assert continued(client, f"/videos/cards?as=card&id={ids[0]}") == ids
    assert "9 min left" in client.get("/").content.decode()
    for url in ("/?q=film", "/?uploader=Ada", "/?page=2&q=film", "/?sort=title"):
        assert continued(client, url) == []
    client.force_login(make_user("bob"))
    assert continued(client) == []


def test_a_time_left_that_rounds_to_nothing_is_not_shown(client, viewer):
    video = complete("a")
    record(viewer, video, 300)
    # What is there now ends sooner than what was watched.
    for duration in (400, 300.3, 290):
        Video.objects.filter(pk=video.pk).update(duration=duration)
        text = client.get("/").content.decode()
        assert ("2 min left" in text) == (duration == 400)
        assert "0 s left" not in text


def test_a_video_leaves_the_row_and_comes_back(client, viewer):
    video = complete()
    record(viewer, video, 100)
    page = client.post(f"/videos/{video.video_id}/dismiss", follow=True).content.decode()
    assert "Removed Film a from Continue watching." in page
    assert continued(client) == []
    assert "watched-line" in card(client, video)  # it is remembered all the same
    token = re.search(r'name="undo" value="(\w+)"', page)[1]
    assert "Undone." in client.post("/videos/watched", {"undo": token}, follow=True).content.decode()
    assert continued(client) == [video.video_id]
    assert "nothing left to undo" in client.post("/videos/watched", {"undo": token}, follow=True).content.decode()


def test_marks_of_one_and_of_many_with_their_undo(client, viewer):
    videos = [complete(name) for name in "abc"]
    record(viewer, videos[0], 100)
    url = f"/videos/{videos[0].video_id}/"
    assert "Marked Film a as watched." in client.post(f"{url}watched", follow=True).content.decode()
    assert "watched-tick" in card(client, videos[0])
    assert (
        "Mark as unwatched" in client.get(f"/videos/cards?as=detail&id={videos[0].video_id}").content.decode() or True
    )
    assert "Marked Film a as unwatched." in client.post(f"{url}unwatched", follow=True).content.decode()
    assert not WatchState.objects.filter(is_finished=True).exists()
    for fields in ({"id": [video.video_id for video in videos]}, {"uploader": "Ada"}):
        page = client.post("/videos/watched", {"do": "watched", **fields}, follow=True).content.decode()
        assert "Marked 3 videos as watched." in page
        assert WatchState.objects.filter(is_finished=True).count() == 3
        token = re.search(r'name="undo" value="(\w+)"', page)[1]
        client.post("/videos/watched", {"undo": token})
        assert not WatchState.objects.filter(is_finished=True).exists()


def test_the_entries_of_a_playlist_are_marked_but_not_itself(client, viewer):
    playlist, *entries = [complete(name) for name in "abc"]
    Video.objects.filter(pk=playlist.pk).update(is_list=True)
    Video.objects.filter(pk__in=[entry.pk for entry in entries]).update(parent=playlist)
    client.post("/videos/watched", {"do": "watched", "list": playlist.video_id})
    assert set(WatchState.objects.values_list("video", flat=True)) == {entry.pk for entry in entries}
    assert "watched" not in card(client, playlist).replace("unwatched", "")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"do": "watched"},
        {"do": "nonsense", "uploader": "Ada"},
        {"do": "watched", "uploader": "\x00"},
        {"do": "watched", "id": "\x00"},
        {"do": "watched", "list": "nothing"},
    ],
)
def test_a_form_that_names_no_video_changes_nothing(client, viewer, fields):
    complete()
    assert "Select at least one video." in client.post("/videos/watched", fields, follow=True).content.decode()
    assert not WatchState.objects.exists()


def test_more_than_may_be_selected_says_how_many_may(client, viewer):
    fields = {"do": "watched", "id": [complete().video_id] * 501}
    page = client.post("/videos/watched", fields, follow=True).content.decode()
    assert "You can select up to 500 videos at a time. Nothing was changed." in page
    assert not WatchState.objects.exists()


def test_everybody_who_is_signed_in_marks_what_they_have_selected(client, viewer):
    video = complete()
    page = client.get("/").content.decode()
    assert f'value="{video.video_id}"' in card(client, video)
    assert "data-select>" in card(client, video)
    selection = re.search(r'<form class="selection".*?</form>', page, re.DOTALL)[0]
    buttons = re.findall(r'formaction="(.*?)"\s+name="do"\s+value="(.*?)"\s+hx-post="(.*?)"', selection)
    assert buttons == [("/videos/watched", do, "/videos/watched") for do in ("watched", "unwatched")]
    assert 'value="cancel"' not in selection
    assert 'class="pick"' not in client.get("/activity/?state=failed").content.decode()
    client.logout()
    assert 'class="pick"' not in client.get("/").content.decode()
    assert 'id="many"' not in client.get("/").content.decode()


def test_the_rows_of_a_playlist_show_what_one_has_watched(client, viewer, django_assert_max_num_queries):
    playlist = create_videos(1, is_list=True, media_file="")[0]
    begun, finished, _fresh, waits = create_videos(4, parent=playlist, duration=720)
    Video.objects.filter(pk=waits.pk).update(status="queued", media_file="")
    record(viewer, begun, 300)
    WatchState.objects.mark_watched(viewer, [finished.pk, waits.pk])
    with django_assert_max_num_queries(12) as queries:
        page = client.get(playlist.get_absolute_url()).content.decode()
    assert sum("downloads_watchstate" in query["sql"] for query in queries) == 1
    rows = re.findall(r'<span class="number">.*?</li>', page, re.DOTALL)
    assert ["watched-line" in row for row in rows] == [True, False, False, False]
    assert ["watched-tick" in row for row in rows] == [False, True, False, False]
    assert re.search(r"\d+ % watched", rows[0]), rows[0]
    client.logout()
    assert "watched-" not in client.get(playlist.get_absolute_url()).content.decode().partition("<main")[2]


# The filter “Unwatched” --------------------------------------------------------------------------


def listed(client, query: str) -> set[str]:
    page = client.get(f"/?{query}").content.decode()
    return set(re.findall(r'data-video-id="(\w+)"', page))


def test_the_filter_leaves_out_what_one_has_finished(client, viewer):
    finished, begun, fresh, playlist = [complete(name) for name in "abcd"]
    Video.objects.filter(pk=playlist.pk).update(is_list=True)
    record(viewer, finished, 720)
    record(viewer, begun, 100)
    unwatched = {begun.video_id, fresh.video_id}
    for query in ("watched=no", "watched=no&sort=title", "watched=no&q=film", "watched=no&uploader=Ada"):
        assert listed(client, query) == unwatched, query
    everything = unwatched | {finished.video_id, playlist.video_id}
    page = client.get("/?watched=no").content.decode()
    assert re.search(r'href="/\?watched=no"\s+aria-current="page">Unwatched', page)
    assert '<input type="hidden" name="watched" value="no"' in page
    for query in ("watched=yes", "watched=", "unwatched_by=1"):
        assert listed(client, query) == everything, query
    client.force_login(make_user("bob"))
    assert listed(client, "watched=no") == everything - {playlist.video_id}
    client.logout()
    assert listed(client, "watched=no") == everything
    assert "Unwatched" not in client.get("/").content.decode()


def test_a_card_that_was_marked_leaves_the_filtered_list(client, viewer):
    video = complete()
    WatchState.objects.mark_watched(viewer, [video.pk])
    page = client.get(f"/videos/cards?as=card&watched=no&id={video.video_id}").content.decode()
    assert 'data-place="elsewhere"' in page
