"""The pages of channels, as rendered on the server."""

import re

import pytest
from django.urls import reverse
from django.utils.html import escape

from downloads.models import Channel, Status, Video
from downloads.tests.support.factories import create_videos, reload_video

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def create(count: int = 1, **fields) -> list[Video]:
    return create_videos(count, **{"extractor": "Site"} | fields)


def channel_url(video: Video) -> str:
    return reverse("channel", args=[reload_video(video).channel_id])


def library_titles(response) -> list[str]:
    titles = re.findall(r"data-title[^>]*>(.*?)</a>", response.content.decode(), re.DOTALL)
    return [re.sub("<.*?>", "", title) for title in titles]


def channel_names(response) -> list[str]:
    return re.findall(r'<bdi class="channel-name">(.*?)</bdi>', response.content.decode())


def test_it_says_that_there_is_none_yet(client):
    page = client.get("/channels/").content.decode()
    assert "No channels yet." in page
    create(uploader="Ada", status=Status.FAILED)
    assert channel_names(client.get("/channels/")) == []


@pytest.mark.parametrize(
    "query", ["", "q=%00", "sort=x&page=-1", "page=999999999999999999999", "q=%25_%5C'\"", "sort=name&sort=count"]
)
def test_it_answers_any_query_with_a_page(client, query):
    create(uploader="Ada")
    assert client.get(f"/channels/?{query}").status_code == 200


@pytest.mark.parametrize("path", ["/channels/0/", "/channels/x/", f"/channels/{'9' * 18}/", f"/channels/{'9' * 40}/"])
def test_it_finds_no_channel_at_other_addresses(client, path):
    assert client.get(path).status_code == 404


def test_it_lists_the_uploaders_in_each_order(client):
    create(3, uploader="beta")
    create(1, uploader="Gamma")
    create(2, uploader="alpha", duration=3600, size=5_000_000)
    assert channel_names(client.get("/channels/")) == ["alpha", "Gamma", "beta"]
    assert channel_names(client.get("/channels/?sort=count")) == ["beta", "alpha", "Gamma"]
    assert channel_names(client.get("/channels/?sort=name")) == ["alpha", "beta", "Gamma"]
    page = client.get("/channels/").content.decode()
    assert "<span>2 videos</span>" in page
    assert "<span>2 h</span>" in page
    assert "<span>10 MB</span>" in page


@pytest.mark.parametrize("typed", ["müller", "MÜLLER", "Müll"])
def test_it_finds_a_channel_by_a_part_of_its_name_in_any_case(client, typed):
    create(uploader="Werkstatt Müller")
    create(uploader="Ada")
    assert channel_names(client.get("/channels/", {"q": typed})) == ["Werkstatt Müller"]
    page = client.get("/channels/", {"q": "<none>"}).content.decode()
    assert "No channel is called “&lt;none&gt;”." in page


def test_it_offers_the_search_where_there_are_many_channels(client):
    for number in range(11):
        create(uploader=f"Uploader {number:03}")
    assert "Find a channel" not in client.get("/channels/").content.decode()
    for query in ("?q=Uploader", "?sort=name"):
        assert "Find a channel" in client.get(f"/channels/{query}").content.decode()
    create(uploader="Uploader 011")
    assert "Find a channel" in client.get("/channels/").content.decode()


def test_it_shows_sixty_a_page(client):
    for number in range(130):
        create(uploader=f"Uploader {number:03}")
    seen = [name for page in (1, 2, 3) for name in channel_names(client.get(f"/channels/?sort=name&page={page}"))]
    assert seen == [f"Uploader {number:03}" for number in range(130)]
    page = client.get("/channels/?sort=name&page=2").content.decode()
    assert 'href="/channels/?sort=name&amp;page=1" rel="prev"' in page
    assert 'href="/channels/?sort=name&amp;page=3" rel="next"' in page


@pytest.mark.parametrize("name", ["a/b?c#d", "..", "🦆" * 255, "<b>bold</b>", "%2F%00", "", "   ", "' OR 1=1"])
def test_it_shows_a_channel_of_any_name(client, name):
    video = create(2, uploader=name, title="Film {n}")[0]
    create(uploader="Other", title="Elsewhere")
    response = client.get(channel_url(video))
    page = response.content.decode()
    shown = escape(name.strip()) or "Unknown uploader"
    assert f"<bdi>{shown}" in page
    assert f"<title>{shown}" in page
    assert sorted(library_titles(response)) == ["Film 0", "Film 1"]
    assert channel_url(video) in client.get("/channels/").content.decode()


def test_it_narrows_the_channel_only(client):
    video = create(3, uploader="Ada", title="Zebra {n}")[0]
    create(uploader="Ada", title="Lion")
    create(uploader="Eve", title="Zebra elsewhere")
    url = channel_url(video)
    assert sorted(library_titles(client.get(url, {"q": "zebra"}))) == ["Zebra 0", "Zebra 1", "Zebra 2"]
    page = client.get(url, {"sort": "title"}).content.decode()
    assert f'action="{url}"' in page
    assert 'data-list="/videos/list?channel=' in page
    assert re.search(r'data-cards="/videos/cards\?as=card&amp;channel=\d+&amp;"', page)
    # Links lead to this page, not to one that other parameters make.
    assert f'href="{url}?q=zebra' not in client.get(url, {"channel": "1"}).content.decode()


def test_a_channel_without_videos_has_nothing_to_filter(client):
    url = channel_url(create(uploader="Ada")[0])
    assert 'class="filters"' in client.get(url).content.decode()
    assert 'class="filters"' in client.get(f"{url}?length=film").content.decode()
    Video.objects.all().delete()
    assert 'class="filters"' not in client.get(url).content.decode()


def test_it_answers_live_updates_for_its_own_videos(client):
    video = create(uploader="Ada", title="Mine")[0]
    other = create(uploader="Eve", title="Other")[0]
    key = reload_video(video).channel_id
    assert library_titles(client.get(f"/videos/list?channel={key}&")) == ["Mine"]
    cards = client.get(f"/videos/cards?as=card&channel={key}&id={video.video_id}&id={other.video_id}").content.decode()
    assert sorted(re.findall(r'data-place="(.*?)"', cards)) == ["elsewhere", "library"]
    for odd in ("x", "0", "9" * 40, "1; DROP", "-1"):
        assert client.get("/videos/list", {"channel": odd}).status_code == 200


def test_it_plays_all_from_the_newest(client):
    videos = create(3, uploader="Ada")
    create(uploader="Ada", status=Status.FAILED)
    page = client.get(channel_url(videos[0])).content.decode()
    key = reload_video(videos[0]).channel_id
    assert f'href="/videos/{videos[2].video_id}/?list=channel%3A{key}"' in page


def test_it_offers_nothing_to_play_where_nothing_is(client):
    video = create(uploader="Ada", status=Status.FAILED)[0]
    page = client.get(channel_url(video)).content.decode()
    assert "Play all" not in page
    assert "0 videos" in page


def test_it_links_to_the_site_where_that_is_safe(client):
    known = create(uploader="Ada", uploader_url="https://www.site.example/c/ada", extractor="S")[0]
    odd = create(uploader="Eve", uploader_url="javascript:alert(1)", extractor="S")[0]
    assert '<a href="https://www.site.example/c/ada"' in client.get(channel_url(known)).content.decode()
    assert 'href="javascript' not in client.get(channel_url(odd)).content.decode()


def test_it_asks_the_database_few_times(client, django_assert_max_num_queries):
    for number in range(30):
        create(2, uploader=f"Uploader {number}", thumbnail="a/a.jpg")
    url = channel_url(create(30, uploader="Ada")[0])
    for path in ("/channels/", "/channels/?sort=name&q=up", url, f"{url}?sort=title"):
        with django_assert_max_num_queries(12):
            client.get(path)
    assert Channel.objects.count() == 31


@pytest.mark.parametrize("key", [-1, 0, 10**18])
def test_a_channel_that_cannot_be_is_linked_nowhere(client, key):
    """Its number fits the column, but no URL: `reverse` would raise, and the whole page fail."""
    playlist = create(is_list=True, media_file="")[0]
    videos = create(2, uploader="Ada & Co", parent=playlist)
    Channel.objects.filter(pk=reload_video(videos[0]).channel_id).update(id=key)
    Video.objects.filter(pk__in=[video.pk for video in videos]).update(channel_id=key)
    cards = client.get("/").content.decode()
    assert cards.count('href="/?uploader=Ada+%26+Co"') == 2
    for path in ("/", "/channels/", playlist.get_absolute_url(), videos[0].get_absolute_url()):
        response = client.get(path)
        assert response.status_code == 200, path
        assert f"/channels/{key}" not in response.content.decode()
