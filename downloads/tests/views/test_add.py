"""The form to add videos."""

import html
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.conf import settings

from downloads.models import Video
from downloads.tests.support.factories import FIRST_URL, SECOND_URL
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
# Literal public addresses, so that no host name is resolved.


def post_urls(client, *lines: str, quality: str = "best", **extra):
    return client.post("/videos/add/", {"urls": "\r\n".join(lines), "quality": quality}, **extra)


def textarea_text(response) -> str:
    match = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", response.content.decode(), re.DOTALL)
    return html.unescape(match.group(1))


def test_it_takes_a_url_and_leads_back_to_the_library(client, signed_in_user):
    response = post_urls(client, f"  {FIRST_URL} ", "", quality="720p")
    assert (response.status_code, response["Location"]) == (302, "/")
    video = Video.objects.get()
    assert (video.url, video.quality, video.added_by) == (FIRST_URL, "720p", signed_in_user)


def test_it_says_in_its_own_words_what_does_not_fit(client, signed_in_user):
    page = html.unescape(post_urls(client, "x" * 10_250_001).content.decode())
    assert "That’s too much at once (10250001 of 10250000 characters). Add it in parts." in page
    assert "Choose a quality." in post_urls(client, FIRST_URL, quality="8K").content.decode()
    languages = client.post("/videos/add/", {"urls": FIRST_URL, "quality": "best", "subtitles": ",".join(["en"] * 99)})
    assert "Too many languages. Remove a few." in languages.content.decode()


@pytest.mark.parametrize(
    ("written", "stored"),
    [("eng", "en"), ("en_US, GERMAN", "en-US,de"), ("English; Português", "en,pt"), ("en,eng,English", "en"), ("", "")],
)
def test_languages_are_taken_as_codes_or_names(client, signed_in_user, written, stored):
    client.post("/videos/add/", {"urls": FIRST_URL, "quality": "best", "subtitles": written})
    assert Video.objects.get().subtitle_languages == stored


@pytest.mark.parametrize("written", ["en,gibberish", "gibberish"])
def test_what_is_no_language_is_named(client, signed_in_user, written):
    response = client.post("/videos/add/", {"urls": FIRST_URL, "quality": "best", "subtitles": written})
    assert "“gibberish” isn’t a language." in html.unescape(response.content.decode())
    assert not Video.objects.exists()


@pytest.mark.parametrize("written", ["english!", "en!", "English?", "en/de", "<en>", "de\x00"])
def test_a_language_with_other_signs_is_refused(client, signed_in_user, written):
    response = client.post("/videos/add/", {"urls": FIRST_URL, "quality": "best", "subtitles": written})
    assert "Nothing was added:" in response.content.decode()
    assert textarea_text(response) == FIRST_URL
    assert not Video.objects.exists()


def test_it_says_of_a_long_address_its_ends(client, signed_in_user):
    long = f"http://93.184.215.14/{'long/' * 370}one.mp4"
    page = post_urls(client, long, follow=True).content.decode()
    assert re.search(r"Added 93\.184\.215\.14/….{0,60}\.\s*<", page.replace("<wbr>", ""))
    again = post_urls(client, long).content.decode()
    assert re.search(r'<a href="/videos/\w+/">93.184.215.14/….{0,60}</a>', again)


def test_it_takes_many_at_once(client, signed_in_user):
    response = post_urls(client, FIRST_URL, SECOND_URL, follow=True)
    assert "Added 2 videos." in response.content.decode()
    assert Video.objects.count() == 2


def test_it_takes_the_good_lines_and_keeps_the_bad_ones_with_their_reasons(client, signed_in_user):
    response = post_urls(
        client, FIRST_URL, "not a url <x>", "ftp://93.184.215.14/a", "http://127.0.0.1/a", quality="480p"
    )
    assert response.status_code == 200
    assert Video.objects.get().url == FIRST_URL
    assert textarea_text(response).splitlines() == ["not a url <x>", "ftp://93.184.215.14/a", "http://127.0.0.1/a"]
    page = response.content.decode()
    assert page.count("<code>") == 3
    assert '<option value="480p" selected>' in page


def test_it_links_to_what_is_here_already(client, signed_in_user):
    post_urls(client, FIRST_URL)
    response = post_urls(client, FIRST_URL)
    assert textarea_text(response) == FIRST_URL
    assert f'<a href="{Video.objects.get().get_absolute_url()}">' in response.content.decode()
    assert Video.objects.count() == 1


def test_it_asks_for_something_when_nothing_was_typed(client, signed_in_user):
    response = post_urls(client, " ", "")
    assert "Paste at least one link" in response.content.decode()


def test_it_loses_nothing_when_the_quality_is_not_one(client, signed_in_user):
    response = post_urls(client, FIRST_URL, SECOND_URL, quality="8k")
    assert textarea_text(response).split() == [FIRST_URL, SECOND_URL]
    assert Video.objects.count() == 0


def test_it_takes_five_thousand_long_lines_at_once_and_keeps_what_is_beyond_in_the_field(client, signed_in_user):
    lines = [f"http://93.184.215.14/{number:04}{'x' * 200}" for number in range(5_200)]
    response = post_urls(client, *lines, headers={"HX-Request": "true"})
    page = html.unescape(response.content.decode())
    assert textarea_text(response).split() == lines[5_000:]
    assert "200 lines: 5,000 links at a time. Add the rest next." in page
    assert "5,000 added. 200 were not:" in page
    # The page fetches its list again, not 5,000 cards.
    assert '"ids": []' in response.headers["HX-Trigger"]
    assert Video.objects.count() == 5_000
    assert client.get("/activity/").content.decode().count("data-video-id") < 50


def test_it_tells_one_reason_of_many_lines_once(client, signed_in_user):
    lines = [f"http://93.184.215.14/{number}" for number in range(37)]
    post_urls(client, *lines)
    response = post_urls(client, *lines, "nonsense")
    page = html.unescape(response.content.decode())
    assert page.count("already in the archive") == 1
    assert "37 lines: These videos are already in the archive." in page
    assert "All 37 lines" in page
    assert "nonsense</code>" in page
    assert page.count("<code>") == 4
    assert textarea_text(response).split() == [*lines, "nonsense"]


def test_it_offers_to_add_as_audio_what_is_there_as_a_video(client, signed_in_user):
    post_urls(client, FIRST_URL)
    button = '<button class="quiet" type="submit" name="quality" value="audio">Add as audio too</button>'
    assert button in post_urls(client, FIRST_URL).content.decode()
    # The browser sends the select and then the button.
    response = client.post("/videos/add/", {"urls": FIRST_URL, "quality": ["best", "audio"], "subtitles": ""})
    assert response.status_code == 302
    assert sorted(Video.objects.values_list("quality", flat=True)) == ["audio", "best"]
    for quality in ("best", "audio"):
        page = post_urls(client, FIRST_URL, quality=quality).content.decode()
        assert "already in the archive" in page
        assert (button in page) == (quality == "best")


def test_it_suggests_what_a_line_without_a_scheme_may_stand_for(client, signed_in_user):
    response = post_urls(client, "youtu.be/1", "example.org:8080/a?b", "nonsense", "127.0.0.1/a", "a b.c")
    assert "Perhaps https://youtu.be/1? It is in the field now." in response.content.decode()
    suggested = ["https://youtu.be/1", "https://example.org:8080/a?b"]
    assert textarea_text(response).splitlines() == [*suggested, "nonsense", "127.0.0.1/a", "a b.c"]
    assert Video.objects.count() == 0
    post_urls(client, *textarea_text(response).splitlines())
    assert [video.url for video in Video.objects.order_by("pk")] == suggested


def test_it_takes_lines_that_show_nothing_for_an_empty_field(client, signed_in_user):
    assert "Paste at least one link" in post_urls(client, "\u200b", "\ufeff").content.decode()


@pytest.mark.parametrize("line_end", [*"\u2028\x0b\x0c\x85\r\u2029"], ids=ascii)
def test_it_splits_lines_at_each_line_end(client, signed_in_user, line_end):
    client.post("/videos/add/", {"urls": f"{FIRST_URL}{line_end}{SECOND_URL}", "quality": "best"})
    assert Video.objects.count() == 2


def test_it_loses_nothing_where_one_has_to_sign_in_again(client):
    ann = make_user("ann")
    pasted = {"urls": "https://a.example/1\nhttps://b.example/<2>", "quality": "720p", "subtitles": "en,de"}
    for answer in (client.post("/videos/add/", pasted), client.post("/videos/add/", pasted, HTTP_HX_REQUEST="true")):
        login_url = answer.headers.get("Location") or answer.headers["HX-Redirect"]
        next_url = parse_qs(urlsplit(login_url).query)["next"][0]
        client.force_login(ann)
        page = client.get(next_url).content.decode()
        client.logout()
        assert ">\nhttps://a.example/1\nhttps://b.example/&lt;2&gt;</textarea>" in page
        assert '<option value="720p" selected>' in page
        assert [re.search(f'value="{tag}"\\s+checked', page) is not None for tag in ("en", "de", "fr")] == [
            True,
            True,
            False,
        ]
    assert not Video.objects.exists()


def test_it_makes_no_address_too_long_for_servers(client):
    login_url = client.post("/videos/add/", {"urls": "https://a.example/1\n" * 3000}).headers["Location"]
    assert len(login_url) < 100


def test_it_sends_strangers_to_the_sign_in(client):
    response = post_urls(client, FIRST_URL, HTTP_REFERER="http://testserver/")
    assert response["Location"].startswith("/accounts/login/?next=")
    assert Video.objects.count() == 0


def test_it_shows_the_form_and_changes_nothing_on_get(client, signed_in_user):
    response = client.get("/videos/add/", {"urls": FIRST_URL, "quality": "720p"})
    assert textarea_text(response) == FIRST_URL
    assert '<option value="720p" selected>' in response.content.decode()
    assert Video.objects.count() == 0


def test_it_opens_the_sheet_filled_by_the_address(client, signed_in_user):
    post_urls(client, SECOND_URL)
    assert textarea_text(client.get("/", {"urls": FIRST_URL})) == FIRST_URL
    assert re.search(r"<dialog[^>]*\bopen>", client.get("/", {"urls": FIRST_URL}).content.decode())
    assert not re.search(r"<dialog[^>]*\bopen>", client.get("/").content.decode())


def test_an_empty_archive_invites_and_has_examples(client, signed_in_user):
    page = client.get("/").content.decode()
    assert "Paste a link to download your first video." in page
    assert re.search(r"<dialog[^>]*\bopen>", page)
    example = html.unescape(re.search(r'<a href="(/\?urls=[^"]+)"', page)[1])
    assert textarea_text(client.get(example)).startswith("https://")


@pytest.mark.parametrize("path", ["/", "/audit/", "/videos/add/"])
def test_every_page_has_the_form_once(client, signed_in_user, path):
    make_superuser = signed_in_user
    make_superuser.is_superuser = make_superuser.is_staff = True
    make_superuser.save()
    assert client.get(path).content.decode().count('id="id_urls"') == 1


def test_it_counts_what_it_refused(client, signed_in_user):
    page = html.unescape(post_urls(client, FIRST_URL, SECOND_URL, "nonsense").content.decode())
    assert "2 added. 1 was not:" in page
    assert 'href="/activity/">Show what was added</a>' in page
    field = re.search(r"<textarea[^>]*>", page)[0]
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="refused urls-hint"' in field
    assert 'id="refused"' in page
    assert "This isn’t a link. It must start with http:// or https://." in page
    assert "1 link wasn’t added:" in html.unescape(post_urls(client, "nonsense").content.decode())
    assert "2 links weren’t added:" in html.unescape(post_urls(client, "nonsense", "sense").content.decode())


def test_it_keeps_the_languages_that_were_chosen_last(client, signed_in_user):
    client.post("/videos/add/", {"urls": FIRST_URL, "quality": "best", "subtitles": ["de", "sv"]})
    assert Video.objects.get().subtitle_languages == "de,sv"
    page = client.get("/").content.decode()
    assert re.findall(r'value="(\w+)"\s+checked', page) == ["de", "sv"]
    client.post("/videos/add/", {"urls": SECOND_URL, "quality": "best"})
    assert not re.findall(r'value="(\w+)"\s+checked', client.get("/").content.decode())


@pytest.mark.parametrize("value", ["english!", "x" * 5000, "<script>", "de.english!", "%00"])
def test_it_believes_no_cookie(client, signed_in_user, value):
    client.cookies[f"{settings.COOKIE_PREFIX}_subtitles"] = value
    page = client.get("/")
    assert page.status_code == 200
    assert "<script>" not in page.content.decode().replace("<script>alert", "")
    assert set(re.findall(r'value="([^"]+)"\s+checked', page.content.decode())) <= {"de"}


def test_it_refuses_other_methods(client, signed_in_user):
    assert client.put("/videos/add/").status_code == 405
