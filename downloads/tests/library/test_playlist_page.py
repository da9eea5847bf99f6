"""The page of a playlist and its places."""

import datetime as dt
import re

import pytest

from downloads.intake.playlist_places import Place, write_places
from downloads.library.playlists.covers import attach_covers
from downloads.library.playlists.playlist_page import PAGE_SIZE
from downloads.models import PlaylistItem, Status, Video
from downloads.tests.support.factories import create_videos, reload_video

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def make_playlist(count: int = 0, **fields) -> tuple[Video, list[Video]]:
    playlist = create_videos(title="Many films", is_list=True, media_file="")[0]
    entries = create_videos(count, **{"parent": playlist, "title": "Entry {n}"} | fields) if count else []
    return playlist, entries


def rows(client, playlist: Video, query: str = "") -> list[tuple[str, str]]:
    """Return the number and the title of each row."""
    page = client.get(f"{playlist.get_absolute_url()}?{query}").content.decode()
    listed = re.findall(r'class="number">(\d+)</span>.*?class="title".*?>(.*?)</h2>', page, re.DOTALL)
    return [(number, re.sub("<.*?>", "", title).strip()) for number, title in listed]


def test_it_says_that_there_is_nothing_yet(client):
    playlist, _ = make_playlist()
    page = client.get(playlist.get_absolute_url()).content.decode()
    assert "This playlist has no videos yet." in page
    assert "Play all" not in page
    assert "<span>0 videos</span>" in page


def test_it_shows_what_it_is_in_all(client):
    playlist, entries = make_playlist(
        3, duration=3600, size=5_000_000, uploader="Ada", extractor="S", thumbnail="a/a.jpg"
    )
    page = client.get(playlist.get_absolute_url()).content.decode()
    assert "<span>3 videos</span>" in page
    assert "<span>3 h</span>" in page
    assert "<span>15 MB</span>" in page
    assert f'href="/channels/{reload_video(entries[0]).channel_id}/"' in page
    assert f'href="/videos/{entries[0].video_id}/?list={playlist.video_id}"' in page
    assert f'src="/media/{entries[0].video_id}/thumbnail' in page
    # Contract of the pages: one element of a page stands for a video.
    assert re.findall(r'data-video-id="(.*?)"', page) == [playlist.video_id]


def test_rows_say_the_date_and_where_they_differ_the_uploader(client):
    playlist, entries = make_playlist(2, uploader="Ada", extractor="S", upload_date=dt.date(2024, 3, 11))
    page = client.get(playlist.get_absolute_url()).content.decode()
    listed = page.partition('class="playlist-rows"')[2]
    assert listed.count(">11 March 2024</time>") == 2
    assert "Ada" not in listed
    entries[0].uploader = "Bob"
    entries[0].save(update_fields=["uploader"])
    page = client.get(playlist.get_absolute_url()).content.decode()
    listed = page.partition('class="playlist-rows"')[2]
    assert listed.count("<bdi>Ada</bdi>") == listed.count("<bdi>Bob</bdi>") == 1


def test_it_follows_the_order_of_the_site_and_says_why_a_video_is_not_there(client):
    playlist, (first, second, third) = make_playlist(3)
    Video.objects.filter(pk=third.pk).update(status=Status.FAILED, error="Blocked for <legal> reasons (451).")
    places = [
        Place(third, "", "present"),
        Place(None, "A <private> one", "private"),
        Place(first, "", "added"),
        Place(None, "", "rejected"),
        Place(third, "", "present"),
    ]
    write_places(playlist, places, is_cut=False)
    assert rows(client, playlist) == [
        ("1", third.title),
        ("2", "A &lt;private&gt; one"),
        ("3", first.title),
        ("4", "A video without a title"),
        ("5", second.title),
    ]
    page = client.get(playlist.get_absolute_url()).content.decode()
    for reason in ("Private", "Its link can’t be added", "Blocked for &lt;legal&gt;", "No longer in the playlist"):
        assert reason in page
    assert "<span>1 failed</span>" in page
    assert "<span>2 not here</span>" in page
    Video.objects.get(pk=first.pk).delete()
    assert "Deleted from the archive" in client.get(playlist.get_absolute_url()).content.decode()
    write_places(playlist, [Place(third, "", "present")], is_cut=True)
    assert [item.absence for item in PlaylistItem.objects.filter(playlist=playlist)] == ["", ""]


def test_it_shows_a_long_playlist_page_by_page(client, django_assert_max_num_queries):
    playlist, _ = make_playlist(PAGE_SIZE * 2 + 1)
    assert len(rows(client, playlist)) == PAGE_SIZE
    assert [number for number, _ in rows(client, playlist, "page=3")] == [str(PAGE_SIZE * 2 + 1)]
    for odd in ("page=0", "page=x", "page=-1", f"page={'9' * 40}", "page=%00"):
        assert rows(client, playlist, odd)
    with django_assert_max_num_queries(12):
        client.get(playlist.get_absolute_url())
    page = client.get(f"{playlist.get_absolute_url()}?page=2").content.decode()
    assert f'href="{playlist.get_absolute_url()}?page=3" rel="next"' in page


def test_it_is_live_by_the_same_partial(client):
    playlist, entries = make_playlist(2)
    cards = client.get(f"/videos/cards?as=detail&id={playlist.video_id}").content.decode()
    assert 'data-part="entries"' in cards
    assert entries[0].video_id in cards


def test_it_puts_the_first_picture_and_the_count_on_the_card(django_assert_num_queries):
    playlist, entries = make_playlist(3)
    Video.objects.filter(pk=entries[1].pk).update(thumbnail="a/a.jpg")
    other, _ = make_playlist()
    shown = list(Video.objects.filter(pk__in=[playlist.pk, other.pk, entries[0].pk]).order_by("pk"))
    with django_assert_num_queries(1):
        attach_covers(shown)
    by_pk = {video.pk: video for video in shown}
    assert (by_pk[playlist.pk].item_count, by_pk[playlist.pk].cover.video_id) == (3, entries[1].video_id)
    assert (by_pk[other.pk].item_count, by_pk[other.pk].cover) == (0, None)
    assert by_pk[entries[0].pk].cover is None


def test_it_shows_its_cover_on_the_library_and_in_live_cards(client):
    playlist, entries = make_playlist(3, uploader="Ada", thumbnail="a/a.jpg")
    for path in ("/?kind=list", f"/videos/cards?as=card&id={playlist.video_id}"):
        page = client.get(path).content.decode()
        assert "3 videos</span>" in page
        assert f"/media/{entries[0].video_id}/thumbnail?size=small" in page
    # A card that is kept is drawn again when the cover changes.
    Video.objects.get(pk=entries[0].pk).delete()
    assert f"/media/{entries[1].video_id}/thumbnail?size=small" in client.get("/?kind=list").content.decode()


def test_it_links_cards_and_videos_to_the_channel(client):
    video = create_videos(uploader="A/da", extractor="S")[0]
    link = f'href="/channels/{reload_video(video).channel_id}/"'
    assert link in client.get("/").content.decode()
    assert link in client.get(video.get_absolute_url()).content.decode()
    # The address from before is kept.
    assert video.video_id in client.get("/?uploader=A%2Fda").content.decode()
