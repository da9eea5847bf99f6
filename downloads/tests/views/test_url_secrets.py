"""Tokens in the URLs of videos: whole for those who may change them, hidden from all others and from the log."""

import logging

import pytest
from django.urls import reverse
from django.utils.html import escape

from downloads.models import Video
from downloads.search import document
from downloads.tests.support.factories import failed
from downloads.tests.support.subscriptions import followed, seen
from downloads.tests.support.users import make_staff, make_user
from downloads.ytdlp.errors import error_messages
from downloads.ytdlp.results import DownloadError
from ytarchive.logging_config import ZonedFormatter

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]

URL = "https://site.example/v/7?token=sesame123&t=3"


@pytest.fixture
def secret_video() -> Video:
    """A failed video without a title, whose URL and old error have a token."""
    video = failed("a")
    fields = {"url": URL, "canonical_url": URL, "title": "", "error": f"No answer.\nfrom {URL}"}
    Video.objects.filter(pk=video.pk).update(**fields)
    video.events.update(reason=f"No answer from {URL}")
    return Video.objects.get(pk=video.pk)


def page_urls(video: Video) -> list[str]:
    cards = reverse("cards")
    return [
        reverse("activity"),
        video.get_absolute_url(),
        *(f"{cards}?id={video.video_id}&as={kind}" for kind in ("card", "detail")),
    ]


@pytest.mark.parametrize("role", [None, "", "viewer"])
def test_those_who_may_not_change_see_no_token(client, settings, secret_video, role):
    settings.PRIVATE = False
    if role is not None:
        client.force_login(make_user(role=role))
    for url in page_urls(secret_video):
        response = client.get(url)
        assert response.status_code == 200
        page = response.content.decode()
        assert "site.example" in page
        assert "sesame123" not in page, url


@pytest.mark.parametrize("role", ["editor", "manager", "superuser"])
def test_those_who_may_change_can_open_the_page(client, secret_video, role):
    client.force_login(make_user(role=role))
    page = client.get(secret_video.get_absolute_url()).content.decode()
    assert 'href="https://site.example/v/7?token=sesame123&amp;t=3"' in page


def test_everyone_can_open_a_page_without_a_token(client, settings):
    settings.PRIVATE = False
    video = failed("a")
    Video.objects.filter(pk=video.pk).update(url="https://site.example/v/7?t=3")
    assert 'href="https://site.example/v/7?t=3"' in client.get(video.get_absolute_url()).content.decode()


def test_the_admin_hides_them_from_those_who_may_only_view(client, secret_video):
    client.force_login(make_staff("eve", "view_video"))
    change_url = reverse("admin:downloads_video_change", args=[secret_video.pk])
    list_url = reverse("admin:downloads_video_changelist")
    for url in (change_url, list_url, f"{list_url}?q={secret_video.video_id}"):
        page = client.get(url).content.decode()
        assert "sesame123" not in page
        assert 'href="https://site.example' not in page
    # Nor can they guess it letter by letter.
    assert secret_video.video_id not in client.get(f"{list_url}?q=token%3Dsesame").content.decode()


def test_the_admin_shows_them_to_those_who_may_change(superuser_client, secret_video):
    change_url = reverse("admin:downloads_video_change", args=[secret_video.pk])
    page = superuser_client.get(change_url).content.decode()
    link = '<a href="https://site.example/v/7?token=sesame123&amp;t=3" rel="noopener noreferrer nofollow">'
    assert f"{link}https://site.example/v/7?token=sesame123&amp;t=3</a>" in page
    list_url = reverse("admin:downloads_video_changelist")
    assert secret_video.video_id in superuser_client.get(f"{list_url}?q=token%3Dsesame").content.decode()


@pytest.mark.parametrize(("url", "is_link"), [
    ("https://site.example/v/7?t=3", True),
    ("javascript:alert(1)", False),
    ('https://"><b>', True),
])  # fmt: skip
def test_the_admin_links_the_page_of_a_video(client, url, is_link):
    video = failed("a")
    Video.objects.filter(pk=video.pk).update(url=url, canonical_url=url)
    for user in (make_staff("eve", "view_video"), make_staff("ann", "change_video")):
        client.force_login(user)
        page = client.get(reverse("admin:downloads_video_change", args=[video.pk])).content.decode()
        assert escape(url) in page
        assert (f'<a href="{escape(url)}" rel="noopener noreferrer nofollow">' in page) is is_link


@pytest.fixture
def secret_list():
    """A subscription with a token in its URL, and so an item without a title."""
    subscription, _ = followed(f"{URL}&list=1", name="")
    seen(subscription, "a", "filtered", url=URL, title="", reason=f"It can’t be added: {URL}")
    return subscription


def list_urls(subscription) -> list[str]:
    page = reverse("subscription", args=[subscription.key])
    tabs = [f"{page}?show={tab}" for tab in ("filtered", "settings", "history", "retention")]
    parts = reverse("subscription-parts", args=[subscription.key]) + "?show=filtered"
    return [reverse("subscriptions"), *tabs, parts, reverse("subscriptions-export")]


@pytest.mark.parametrize("role", [None, "viewer"])
def test_those_who_may_not_change_see_no_token_of_a_list(client, settings, secret_list, role):
    settings.PRIVATE = False
    if role is not None:
        client.force_login(make_user(role=role))
    for url in list_urls(secret_list):
        response = client.get(url)
        assert response.status_code == 200
        assert "sesame123" not in response.content.decode(), url


def test_those_who_may_change_see_the_tokens_of_lists(client, secret_list):
    client.force_login(make_user(role="editor"))
    for url in (list_urls(secret_list)[1], reverse("subscriptions-export")):
        assert "token=sesame123&amp;" in client.get(url).content.decode()
    query = reverse("subscriptions") + "?q=token%3Dsesame"
    assert reverse("subscription", args=[secret_list.key]) in client.get(query).content.decode()


def test_no_search_lets_viewers_guess_the_token_of_a_list(client, secret_list):
    client.force_login(make_staff("eve", "view_video"))
    url = reverse("admin:downloads_subscription_changelist")
    for query in (f"{url}?q=token%3Dsesame", reverse("subscriptions") + "?q=token%3Dsesame"):
        assert reverse("subscription", args=[secret_list.key]) not in client.get(query).content.decode()


def test_no_lookup_lets_viewers_guess_a_token(client, secret_list, secret_video):
    client.force_login(make_staff("eve", "view_video"))
    lookups = {
        "video": ("url__contains", "canonical_url__startswith", "error__contains"),
        "subscription": ("canonical_url__contains",),
        "subscriptionitem": ("url__contains", "reason__contains", "video__url__contains"),
    }
    for model, names in lookups.items():
        for name in names:
            assert client.get(reverse(f"admin:downloads_{model}_changelist"), {name: "token=s"}).status_code == 400, (
                name
            )
    client.force_login(make_user(role="editor", is_staff=True))
    assert client.get(reverse("admin:downloads_video_changelist"), {"url__contains": "token=s"}).status_code == 200


def test_the_search_has_no_word_of_them(secret_video):
    assert "sesame123" not in str(document.build_document(secret_video))
    assert "sesame123" not in str(secret_video)


def test_no_error_has_them():
    assert "sesame123" not in str(DownloadError(f"No answer from {URL}", False))
    text, _ = error_messages.explain_error(f"Unable to open {URL}: no")
    assert "sesame123" not in str(DownloadError(text, False))


def test_no_line_of_the_log_has_them():
    formatter = ZonedFormatter("{message}", style="{")
    error = ValueError(f"bad {URL}")
    record = logging.LogRecord("a", logging.ERROR, "a.py", 1, "%s failed", (URL,), (ValueError, error, None))
    line = formatter.format(record)
    assert "token=…" in line
    assert "sesame123" not in line
