"""Videos that are downloaded again: they stay in the library, and show there what happens."""

import re

import pytest

from downloads.models import Status, StoredFiles, Video
from downloads.tests.support.factories import complete, create_videos, finish_video, waiting
from downloads.tests.support.responses import library_titles, opening_tag

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def redownloaded() -> Video:
    video = complete("a")
    create_videos(2)
    assert video.redownload()
    return video


def test_it_stays_at_its_place_while_it_waits_runs_and_ends(client, redownloaded):
    titles = library_titles(client)
    assert sorted(titles) == ["Film 1", "Film 2", "Film a"]
    place = re.search(r'data-order="(.*?)"', opening_tag(client.get("/").content.decode(), redownloaded))[1]
    video = Video.objects.claim("w")
    assert video.pk == redownloaded.pk
    assert video.renew_lease(percent=41.0)
    for change in (lambda: None, lambda: video.start_processing("filing"), lambda: finish_video(video)):
        change()
        page = client.get("/").content.decode()
        assert library_titles(client) == titles
        assert f'data-order="{place}"' in opening_tag(page, video)
    assert "Downloading again:" not in page


def test_it_shows_its_bar_and_phrase_and_can_be_played_or_cancelled(superuser_client, redownloaded):
    waits = superuser_client.get("/").content.decode()
    assert f'data-video-id="{redownloaded.video_id}"' in waits
    assert 'data-status="queued"' in waits
    assert ">Waiting</span>" in waits
    video = Video.objects.claim("w")
    assert video.renew_lease(percent=41.0, phase="video")
    page = superuser_client.get("/").content.decode()
    card = page.partition(f'data-video-id="{video.video_id}"')[2].partition("</li>")[0]
    assert ">Downloading video</span>" in card
    assert 'role="progressbar"' in card
    assert 'aria-valuenow="41' in card
    assert "Cancel download" in card
    assert ">Play</a>" in card
    assert "Download again</button>" not in card
    # Contract of the pages: one element per video on each page.
    assert page.count(f'data-video-id="{video.video_id}"') == 1
    assert superuser_client.get("/activity/").content.decode().count(f'data-video-id="{video.video_id}"') == 1


def test_a_playlist_stays_while_it_is_checked(client):
    playlist = create_videos(1, is_list=True, media_file="", title="Talks")[0]
    assert playlist.redownload()
    assert library_titles(client) == library_titles(client, kind="list") == ["Talks"]
    assert "Checking for new videos:" in client.get("/").content.decode()


def test_the_button_that_cancels_has_a_name_with_its_words(superuser_client, redownloaded):
    playlist = create_videos(1, is_list=True, media_file="", title="Talks")[0]
    assert playlist.redownload()
    page = superuser_client.get("/").content.decode()
    buttons = dict(re.findall(r'aria-label="(Cancel [^"]*)">\s*(Cancel [a-z ]*)', page))
    names = {
        f"Cancel download of {redownloaded.title}": "Cancel download",
        "Cancel the check of Talks": "Cancel the check",
    }
    assert {name: words.strip() for name, words in buttons.items()} == names


@pytest.mark.parametrize(
    "query", [{}, {"q": "film"}, {"sort": "title"}, {"uploader": "Ada"}, {"q": "film", "sort": "size"}]
)
def test_it_is_counted_where_it_is_shown(client, redownloaded, query):
    waiting("new")
    titles = library_titles(client, **query)
    assert "Film a" in titles
    assert client.get("/", query).context["browse"].total == len(titles)


def test_the_cards_that_pages_fetch_say_the_same(client, redownloaded):
    new = waiting("new")
    page = client.get(f"/videos/cards?as=card&id={redownloaded.video_id}&id={new.video_id}").content.decode()
    assert 'data-place="library"' in opening_tag(page, redownloaded)
    assert 'data-place="elsewhere"' in opening_tag(page, new)


def test_a_first_download_is_not_in_the_library(client):
    create_videos(1, status=Status.DOWNLOADING, media_file="")
    assert library_titles(client) == []
    video = waiting("b")
    video = Video.objects.claim("w")
    assert video.finish(StoredFiles("b.mp4", 1), lambda: None)
    assert len(library_titles(client)) == 1
