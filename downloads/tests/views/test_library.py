"""The library page, the list and the cards, as rendered on the server."""

import re

import pytest
from django.urls import reverse

from downloads.library.listing import PAGE_SIZE
from downloads.models import Metadata, StoredFiles, Video, event
from downloads.tests.support.factories import complete, create_videos, running, waiting
from downloads.tests.support.responses import opening_tag

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def test_it_shows_each_video_once_with_its_status(client):
    videos = [complete("a"), running("b"), waiting("c")]
    page = client.get("/").content.decode() + client.get("/activity/").content.decode()
    assert [re.search('data-status="(.*?)"', opening_tag(page, video)).group(1) for video in videos] == [
        "complete",
        "downloading",
        "queued",
    ]
    assert len(re.findall(r"data-video-id=", page)) == len(re.findall(r"data-status=", page)) == 3


def test_it_renders_the_bar_from_the_row(client):
    running("a", percent=42.25, downloaded_bytes=412_000_000, total_bytes=603_000_000, phase="video")
    page = client.get("/activity/").content.decode()
    bar = re.search(r"<progress\b[^>]*\bdata-bar>", page).group(0)
    assert 'role="progressbar"' in bar
    assert 'aria-valuenow="42.3"' in bar
    assert 'aria-valuetext="42 percent, 412 of 603 MB"' in bar
    assert "42 %" in page


def test_it_says_nothing_of_a_total_that_is_unknown(client):
    running("a", downloaded_bytes=31_000_000)
    page = client.get("/activity/").content.decode()
    assert "aria-valuenow" not in page
    assert 'aria-valuetext="31 MB"' in page


def test_it_reads_the_rev_before_the_rows(client, monkeypatch):
    complete("a")
    before = Video.objects.latest_rev()
    real = event.latest_event

    def newest():
        rev = real()
        complete("b")  # a change right after the revision is read
        monkeypatch.undo()
        return rev

    monkeypatch.setattr(event, "latest_event", newest)
    page = client.get("/").content.decode()
    assert f'data-rev="{before}"' in page
    assert "Film b" in page


def test_it_is_off_until_the_script_says_otherwise(client):
    page = client.get("/").content.decode()
    assert re.search(r'<html lang="en"\s+data-connection="off">', page)
    assert "style=" not in page
    assert re.findall(r"<script(?![^>]*src=)", page) == []


def test_it_shows_newest_first_page_by_page(client):
    for number in range(30):
        complete(f"v{number}")
    create_videos(PAGE_SIZE - 24)
    first, second = client.get("/").content.decode(), client.get("/?page=2").content.decode()
    assert "Film v29" in first
    assert "Film v5<" not in first
    assert "Film v5<" in second
    assert 'href="/?page=2"' in first
    assert first.index("Film v29") < first.index("Film v28")


@pytest.mark.parametrize("q", ["***", '"', "🎉", "( ) %"])
def test_a_query_without_a_word_has_no_results_heading(client, q):
    video = complete("a")
    page = client.get("/", {"q": q}).content.decode()
    assert "Type letters or numbers to search." in page
    assert "Results for" not in page
    assert video.video_id in page


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "9" * 5000, "%00", "1.5", ""])
def test_it_answers_any_page_number_with_a_page(client, page):
    complete()
    response = client.get(f"/?page={page}&page=3&other=<x>")
    assert response.status_code == 200
    assert "Film a" in response.content.decode()


def test_it_shows_the_form_to_people_who_signed_in(client, signed_in_user):
    page = client.get("/").content.decode()
    assert re.search(r'<label for="id_urls">\s*Links\s*</label>', page)
    assert "Your archive is empty" in page


def test_it_shows_strangers_no_form_in_an_open_archive(client):
    waiting()
    page = client.get("/").content.decode()
    posting_forms = [form for form in re.findall(r"<form\b[^>]*>", page) if 'method="post"' in form]
    assert [re.search('action="(.*?)"', form).group(1) for form in posting_forms] == [reverse("theme")]
    assert 'name="urls"' not in page
    assert "Sign in" in page


@pytest.mark.parametrize("name", ["library", "list", "cards"])
def test_it_sends_strangers_of_a_private_archive_to_the_sign_in(client, settings, name):
    settings.PRIVATE = True
    response = client.get(reverse(name))
    assert response.status_code == 302
    assert response["Location"].startswith("/accounts/login/?next=/")


@pytest.mark.parametrize("name", ["library", "list", "cards"])
def test_it_refuses_other_methods(client, name):
    assert client.post(reverse(name)).status_code == 405


def test_it_keeps_to_a_few_queries_and_100_kb(client, signed_in_user, django_assert_max_num_queries):
    for number in range(30):
        complete(f"v{number}")
    for number in range(50):
        waiting(f"w{number}")
    for _ in range(4):
        Video.objects.claim("w")
    client.get("/")  # reads the choices of the filters, which are kept for a minute
    with django_assert_max_num_queries(12):
        page = client.get("/").content
    assert b"46 waiting" in page  # in the header
    assert len(page) <= 100_000


def test_it_answers_the_list_alone(client):
    video = complete()
    page = client.get("/videos/list?page=1").content.decode()
    assert "<html" not in page
    opening_tag(page, video)
    assert f'data-rev="{Video.objects.latest_rev()}"' in page


def test_it_answers_the_asked_cards_and_leaves_out_what_is_not_here(client, django_assert_max_num_queries):
    videos = [complete("a"), running("b"), waiting("c")]
    ids = "&".join(f"id={video.video_id}" for video in videos[:2])
    with django_assert_max_num_queries(6):  # two of them are for the header
        page = client.get(f"/videos/cards?as=card&{ids}&id=nope").content.decode()
    for video in videos[:2]:
        opening_tag(page, video)
    assert page.count("data-video-id") == 2
    assert "1 waiting" in page


@pytest.mark.parametrize("card_type", ["card", "detail", "admin", "../../etc/passwd"])
def test_it_draws_cards_for_each_page(client, card_type):
    for video in (running(), waiting("b"), complete("c")):
        opening_tag(client.get("/videos/cards", {"as": card_type, "id": video.video_id}).content.decode(), video)


def test_it_draws_for_the_library_what_is_drawn_for_no_page(client):
    ids = [running().video_id, complete("b").video_id]
    library_cards = client.get("/videos/cards", {"id": ids}).content
    for card_type in ("x", "", "card\x00"):
        assert client.get("/videos/cards", {"as": card_type, "id": ids}).content == library_cards


def test_it_renders_a_card_just_as_the_first_page_does(client):
    video = complete()
    cards = client.get(f"/videos/cards?id={video.video_id}").content.decode()
    card = re.search(r'<li class="card".*?</li>', cards, re.DOTALL).group(0)
    assert "Film a" in card
    assert card in client.get("/").content.decode()


def test_it_escapes_what_others_wrote(client):
    video = running()
    video.save_metadata(Metadata(title='<script>alert(1)</script>"', uploader="<b>"))
    page = client.get("/").content.decode() + client.get(video.get_absolute_url()).content.decode()
    assert "<script>alert" not in page
    assert "<b>" not in page


def test_it_leads_to_the_icon(client):
    response = client.get("/favicon.ico")
    assert response.status_code == 302
    assert "favicon" in response["Location"]


def test_it_shows_a_state_that_it_does_not_know_as_it_is(client, signed_in_user):
    video = complete("a")
    Video.objects.filter(pk=video.pk).update(status="odd")
    answer = client.get(f"/videos/cards?as=card&id={video.video_id}")
    assert re.search(r"<span data-state\s*>odd</span>", answer.content.decode())


def test_a_card_loads_the_small_thumbnail_and_a_video_page_the_large_one(client):
    video = complete("a")
    Video.objects.filter(pk=video.pk).update(thumbnail="a/a.jpg")

    def card_image(path: str = "/") -> str:
        return re.search(r"<img.*?>", client.get(path).content.decode(), re.DOTALL).group(0)

    image = card_image()
    source = re.search('src="(.*?)"', image).group(1)
    assert re.fullmatch(rf"/media/{video.video_id}/thumbnail\?size=small&amp;v=[0-9a-f]+", source)
    # It has its place before it is loaded, and is loaded when it comes into view.
    assert all(attribute in image for attribute in ('width="320"', 'height="180"', 'loading="lazy"'))
    page = client.get(video.get_absolute_url()).content.decode()
    assert re.search(rf'(?:poster|src)="/media/{video.video_id}/thumbnail\?v=[0-9a-f]+"', page)
    # While another download may replace the picture, and afterwards, its address is another one.
    assert video.redownload()
    assert "&amp;v=" not in card_image("/activity/")
    claimed = Video.objects.claim("w")
    assert claimed.finish(StoredFiles("a/a.mp4", 1, "a/a.jpg"), lambda: None)
    assert source not in card_image()
    assert "&amp;v=" in card_image()
