"""The page of the audit log."""

import re

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.html import strip_tags

from downloads.audit import listing
from downloads.models import AuditEntry, Metadata
from downloads.models.audit.actor import Actor, acting_as
from downloads.models.audit.entry import AuditAction
from downloads.subscriptions.verbs import subscribe
from downloads.tests.support.factories import complete, running

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "child_environment")]
URL = "/audit/"


def text_of(response) -> str:
    return " ".join(strip_tags(response.content.decode().partition("<main")[2]).split())


def entry_texts(response) -> list[str]:
    items = re.findall(r"<li>(.*?)</li>", response.content.decode().partition("audit-entries")[2], re.DOTALL)
    return [" ".join(strip_tags(item).split()) for item in items]


def record_many(count: int, actor: str = "ann", action: str = AuditAction.QUEUE_PAUSED, **fields) -> None:
    AuditEntry.objects.bulk_create(
        [AuditEntry(actor_name=actor, action=action, **{"details": f"number {n}", **fields}) for n in range(count)]
    )


def test_strangers_and_others_see_nothing(client, db):
    record_many(1)
    assert "/accounts/login/" in client.get(URL).url
    client.force_login(User.objects.create_user("ada"))
    assert client.get(URL).status_code == 403
    assert "Audit log" not in client.get("/").content.decode()


def test_managers_find_it_in_the_header(superuser_client):
    header = superuser_client.get("/").content.decode().partition("<header")[2].partition("</header>")[0]
    assert re.search(r'<a href="/audit/"\s*>(?:(?!</a>).)*Audit log</a>', header, re.DOTALL)
    assert "Nothing has been done yet." in text_of(superuser_client.get(URL))
    assert superuser_client.post(URL).status_code == 405


def test_it_shows_title_address_and_who_of_a_deleted_video(superuser_client):
    gone, kept = complete("a"), complete("b")
    superuser_client.post(reverse("delete", args=[gone.video_id]))
    superuser_client.post(reverse("again", args=[kept.video_id]))
    response = superuser_client.get(URL)
    again, deleted = entry_texts(response)
    assert "ann Deleted Film a http://a.example.org/ It was complete." in deleted
    assert "ann Downloaded again Film b" in again
    assert f'href="/videos/{kept.video_id}/"' in response.content.decode()
    assert gone.video_id not in response.content.decode()


def test_it_says_which_list_is_followed_without_its_secret(superuser_client):
    with acting_as(Actor(name="ann")):
        subscribe("https://films.example.org/list?token=hush", name="Films")
    (followed,) = entry_texts(superuser_client.get(URL))
    assert "ann Subscribed Films https://films.example.org/list" in followed
    assert "hush" not in followed


def test_it_keeps_titles_that_look_like_secrets(superuser_client):
    video = running("a")
    video.save_metadata(Metadata(title="Basic Electronics for beginners"))
    video.remove()
    assert "Basic Electronics for beginners" in entry_texts(superuser_client.get(URL))[0]


def test_titles_and_names_are_shown_as_text(superuser_client):
    video = running("a")
    video.save_metadata(Metadata(title="<script>alert(1)</script>"))
    with acting_as(Actor(name='"><img src=x>')):
        video.remove()
    page = superuser_client.get(URL).content.decode()
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


def test_it_goes_through_the_pages_by_keyset(superuser_client):
    record_many(2 * listing.PAGE_SIZE + 1)
    seen, url = [], URL
    while url:
        with CaptureQueriesContext(connection) as queries:
            response = superuser_client.get(url)
        # The header counts what waits.
        of_log = [query["sql"] for query in queries if AuditEntry._meta.db_table in query["sql"]]
        assert of_log
        assert not [sql for sql in of_log if re.search(r"COUNT\(|OFFSET", sql)]
        seen += entry_texts(response)
        older = re.search(r'href="([^"]*)" rel="next"', response.content.decode())
        url = older and older[1]
    assert len(seen) == len(set(seen)) == 2 * listing.PAGE_SIZE + 1
    assert "number 0" in seen[-1]


def test_it_filters_by_person_action_and_text(superuser_client):
    record_many(2)
    record_many(1, actor="bob", action=AuditAction.DELETED, title="100% Ünder_the sea", public_id="abc", details="")
    record_many(1, actor="", action=AuditAction.DELETED, url="http://a.example/x", public_id="def", details="")
    for query, count in (
        ({"who": "ann"}, 2),
        ({"who": "-"}, 1),
        ({"action": "deleted"}, 2),
        ({"who": "bob", "action": "deleted"}, 1),
        ({"q": "nder_the"}, 1),
        ({"q": "100%"}, 1),
        ({"q": "abc"}, 1),
        ({"q": "A.EXAMPLE"}, 1),
        ({"q": "number 1"}, 1),
        ({"q": "nothing like it"}, 0),
    ):
        response = superuser_client.get(URL, query)
        assert len(entry_texts(response)) == count, query
    assert "No entries match." in text_of(response)


@pytest.mark.parametrize("query", [
    *({"before": value} for value in ("", "x", "0", "-1", "9" * 30, "1.5", "²")),
    *({"who": value} for value in ("\x00", "x" * 5000, "nobody")),
    *({"action": value} for value in ("nope", "\x00")),
    {"q": "\x00"}, {"q": "%" * 300}, {"unknown": "1"},
])  # fmt: skip
def test_nonsense_in_the_address_is_no_error(superuser_client, query):
    record_many(1)
    assert superuser_client.get(URL, query).status_code == 200


def test_a_search_reads_a_limited_number_of_entries(superuser_client, monkeypatch):
    monkeypatch.setattr(listing, "MAX_SEARCHED_ENTRIES", 10)
    # The ids do not begin at 1 where entries were removed, and have gaps.
    AuditEntry.objects.create(pk=500, action=AuditAction.DELETED, details="the one")
    AuditEntry.objects.bulk_create(
        [AuditEntry(pk=1000 + 7 * n, action=AuditAction.DELETED, details="another") for n in range(25)]
    )
    url, pages = f"{URL}?q=the+one", 0
    while url:
        response = superuser_client.get(url)
        pages += 1
        older = re.search(r'href="([^"]*)" rel="next"', response.content.decode())
        url = older and older[1].replace("&amp;", "&")
    assert (pages, len(entry_texts(response))) == (3, 1)


def test_the_filter_lists_the_people_of_the_log(superuser_client):
    for name in ("bob", "Ann", "bob", ""):
        record_many(1, actor=name)
    page = superuser_client.get(URL).content.decode()
    options = re.findall(r"<option[^>]*>(.*?)</option>", page.partition('name="who"')[2].partition("</select>")[0])
    assert options == ["Anyone", "Ann", "bob", "ytarchive itself"]
