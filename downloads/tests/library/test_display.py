"""The chosen display of the library: cards or a list, and with or without the videos of playlists."""

import re
from html import unescape

import pytest
from django.db import connection

from downloads.library.display import COOKIE_NAME, Display
from downloads.library.selection import find_listed_videos
from downloads.models import Video
from downloads.tests.support.factories import complete

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


@pytest.fixture
def entry() -> Video:
    """A video of a playlist, beside one that is not."""
    complete("alone")
    playlist, entry = complete("mills"), complete("entry")
    Video.objects.filter(pk=playlist.pk).update(is_list=True, media_file="")
    Video.objects.filter(pk=entry.pk).update(parent=playlist)
    return entry


def choose(client, **data):
    return client.post("/account/display", data, headers={"Referer": "http://testserver/?sort=title"})


def shown_titles(client, path: str = "/") -> set[str]:
    page = client.get(path).content.decode()
    return {re.sub("<.*?>", "", title) for title in re.findall(r"data-title(?:\s[^>]*)?>(.*?)</a>", page, re.DOTALL)}


@pytest.mark.parametrize(
    "data", [{}, {"layout": "huge"}, {"layout": ""}, {"entries": "some"}, {"layout": "list", "entries": "x"}]
)
def test_it_refuses_what_is_no_choice(client, data):
    response = choose(client, **data)
    assert COOKIE_NAME not in response.cookies
    assert "Choose cards" in client.get("/").content.decode()


@pytest.mark.parametrize("value", ["", "huge", "list.x", ".alone", '"><script>', "list.alone.x" * 100])
def test_it_reads_any_cookie(client, entry, value):
    client.cookies[COOKIE_NAME] = value
    assert "Film entry" in shown_titles(client)


@pytest.mark.parametrize("layout", ["small", "list", "cards"])
def test_it_shows_the_chosen_layout_to_anybody(client, entry, layout):
    response = choose(client, layout=layout)
    assert response["Location"] == "http://testserver/?sort=title"
    for path in ("/", "/videos/list?", f"/channels/{entry.channel_id or Video.objects.get(pk=entry.pk).channel_id}/"):
        page = client.get(path).content.decode()
        assert f'<ul class="grid{"" if layout == "cards" else f" {layout}"}"' in page
        assert len(re.findall(rf'value="{layout}"\s+aria-pressed="true"', page)) == 1
        # Shown in the list only, by its style sheet.
        assert '<span class="size">603 MB</span>' in page


def test_it_leaves_out_what_came_with_a_playlist(client, signed_in_user, entry):
    everything = {"Film alone", "Film mills", "Film entry"}
    assert shown_titles(client) == everything
    choose(client, entries="hide")
    assert shown_titles(client) == shown_titles(client, "/?uploader=Ada") == everything - {"Film entry"}
    page = client.get("/").content.decode()
    assert "2 videos" in page
    # A live page puts it nowhere.
    cards = client.get(f"/videos/cards?as=card&id={entry.video_id}").content.decode()
    assert 'data-place="elsewhere"' in cards
    # Whoever searches, or opens a channel, is shown all; the layout stays as it was chosen.
    assert "Film entry" in shown_titles(client, "/?q=entry")
    assert "Film entry" in shown_titles(client, f"/channels/{Video.objects.get(pk=entry.pk).channel_id}/")
    choose(client, layout="list")
    assert "Film entry" not in shown_titles(client)
    choose(client, entries="show")
    assert shown_titles(client) == everything
    assert 'class="grid list"' in client.get("/").content.decode()


def test_all_that_is_selected_is_what_is_shown(client, signed_in_user, entry):
    choose(client, entries="hide")
    query = unescape(re.search(r'name="listing" value="(.*?)"', client.get("/").content.decode())[1])
    assert entry not in find_listed_videos(query, signed_in_user)
    assert find_listed_videos(query, signed_in_user).count() == 2


def test_it_says_where_they_are_if_nothing_else_is_there(client, entry):
    Video.objects.exclude(pk=entry.pk).delete()
    Video.objects.filter(pk=entry.pk).update(parent=entry)
    choose(client, entries="hide")
    page = client.get("/").content.decode()
    assert "All videos here came with playlists" in page
    assert "Your archive is empty" not in page


def test_the_choice_is_forgotten_when_it_is_the_default(client):
    choose(client, layout="list")
    assert choose(client, layout="cards").cookies[COOKIE_NAME].value == ""
    assert Display("list", hides_entries=True).changed_by({"layout": "cards", "entries": "show"}) == Display()


def test_an_index_has_what_did_not_come_with_a_playlist():
    plan = Video.objects.alone().watchable().newest_first()[:60].values("pk").explain()
    if connection.vendor == "sqlite":
        assert "downloads_newest_alone" in plan
        assert "TEMP B-TREE" not in plan


def test_cards_are_pushed_only_to_who_sees_all(client, entry):
    assert "data-page-size" in client.get("/").content.decode()
    choose(client, entries="hide")
    for path in ("/", f"/videos/cards?as=card&id={entry.video_id}"):
        page = client.get(path).content.decode()
        assert "data-page-size" not in page
    assert 'data-part="total"' not in page
    assert 'data-place="elsewhere"' in page
