"""Pages of subscriptions: the list, one with its ledger, following, editing with a preview, and the end of it."""

import datetime as dt
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from downloads.models import HostPause, Subscription, SubscriptionItem, Video
from downloads.models.leases.lease import LEASE_DURATION
from downloads.templatetags.video_format import placeholder_tone
from downloads.tests.support.factories import complete, create_videos
from downloads.tests.support.responses import HTMX_HEADERS
from downloads.tests.support.subscriptions import claim_again, claimed, followed, seen
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
FORM = {"start": "new", "quality": "best", "tabs": "videos", "check_interval": "21600"}
CHANNEL = "https://www.youtube.com/@ada"


@pytest.fixture
def editor(client):
    user = make_user("eve", "editor")
    client.force_login(user)
    return user


def text_of(client, url: str, **query: str) -> str:
    return " ".join(client.get(url, query).content.decode().split())


def page_url(subscription: Subscription, show: str = "") -> str:
    return reverse("subscription", args=[subscription.key]) + (f"?show={show}" if show else "")


def act(client, action: str, *subscriptions: Subscription, **extra: str):
    data = {"do": action, "id": [one.key for one in subscriptions]}
    return client.post(reverse("subscriptions-act"), data, **extra)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,a", "no scheme"])
def test_it_links_only_what_is_a_link(client, editor, url) -> None:
    subscription, _ = followed()
    seen(subscription, "odd", url=url)
    Subscription.objects.update(canonical_url=url)
    page = client.get(page_url(subscription, "filtered")).content.decode()
    assert "Film odd" in page
    assert f'href="{url}' not in page


# The list ------------------------------------------------------------------------------------------


def test_without_subscriptions_it_says_what_they_are_and_offers_one(client, editor) -> None:
    text = text_of(client, "/subscriptions/")

    assert "You don’t follow anything yet." in text
    assert reverse("follow") in text


def in_hours(hours: float) -> dt.datetime:
    return timezone.now() + dt.timedelta(hours=hours)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "Active"),
        ({"active": False}, "Not checked until resumed."),
        ({"error": "Not found (404).", "failing_since": in_hours(-9)}, "Not found (404). Next check in"),
        ({"error": "Gone.", "failing_since": in_hours(-999), "next_check_at": None}, "no longer checked by itself"),
        ({"checked_at": None, "next_check_at": in_hours(-1)}, "Next check soon."),
        ({"check_interval": 86_400}, "every day"),
        ({"cron": "30 2 * * *", "time_zone": "Europe/Berlin"}, "at 30 2 * * * (Europe/Berlin)"),
    ],
)
def test_a_row_says_what_happens(client, fields, words) -> None:
    followed(**fields)

    assert words in text_of(client, "/subscriptions/")


def test_a_row_says_that_it_is_checked_while_the_lease_is_in_force(client) -> None:
    followed(lease_token="t", lease_until=timezone.now() + LEASE_DURATION)
    assert "Checking…" in text_of(client, "/subscriptions/")
    for hours in (-1, 24):  # one so far ahead was set before the clock was set back
        Subscription.objects.update(lease_until=in_hours(hours))
        assert not Subscription.objects.running().exists()
        assert "Checking…" not in text_of(client, "/subscriptions/")


def test_a_row_tells_of_the_pause_of_its_site(client, editor) -> None:
    subscription, _ = followed()
    HostPause.objects.pause("www.youtube.com", "Too many requests (429).", dt.timedelta(minutes=40))

    for url in ("/subscriptions/", page_url(subscription)):
        text = text_of(client, url)
        assert "youtube.com is left alone for 40 min. Too many requests (429)." in text
    assert "again now" not in text_of(client, page_url(subscription))
    client.force_login(make_user("mia", "manager"))
    assert reverse("site-resume") in text_of(client, page_url(subscription))


def test_a_row_counts_what_is_kept_of_what_was_seen(client) -> None:
    subscription, _ = followed()
    for name, state in (("b", "queued"), ("c", "archived"), ("d", "gone")):
        seen(subscription, name, state)

    assert '2 kept <span class="muted">of 4 seen' in text_of(client, "/subscriptions/")


def test_its_picture_is_that_of_the_newest_kept_video_that_has_one(client) -> None:
    subscription, _ = followed()
    older, newer, bare, gone = create_videos(4, thumbnail="x.jpg")
    Video.objects.filter(pk=bare.pk).update(thumbnail="")
    rows = [("a", "archived", older, -3), ("b", "queued", newer, -2), ("c", "queued", bare, -1), ("d", "gone", gone, 0)]
    for name, state, video, hours in rows:
        seen(subscription, name, state, video=video, published=in_hours(hours))

    for url in ("/subscriptions/", "/subscriptions/rows", page_url(subscription, "settings")):
        avatar = re.search(r'class="subscription-avatar .*?</span>', text_of(client, url))
        assert avatar
        assert re.search(rf'<img src="[^"]*{newer.video_id}[^"]*thumb', avatar[0]), avatar[0]


def test_without_a_picture_it_has_a_letter_in_the_colour_of_its_name(client) -> None:
    followed(name="Ada")
    other, _ = followed("https://example.org/ada", name="Ada")

    text = text_of(client, "/subscriptions/")
    avatars = re.findall(r'<span class="subscription-avatar (tone-\d+)".*?>(\w)</span>', text)

    assert avatars == [(f"tone-{placeholder_tone('Ada')}", "A")] * 2
    assert f"subscription-avatar {avatars[0][0]}" in text_of(client, page_url(other))


def test_pages_of_the_list_are_disjoint_in_both_directions(client) -> None:
    for number in range(120):
        url = f"https://example.org/{number}"
        # Many of one name, capitals and none.
        Subscription.objects.create(url=url, canonical_url=url, name=["", "b", "B", "ä"][number % 4])

    first = client.get("/subscriptions/").context["index"]
    second = client.get(first.next_url).context["index"]
    third = client.get(second.next_url).context["index"]
    keys = [[row.subscription.key for row in index.rows] for index in (first, second, third)]

    assert [len(page) for page in keys] == [50, 50, 20]
    assert len({key for page in keys for key in page}) == 120
    assert (first.previous_url, third.next_url) == ("", "")
    back = client.get(third.previous_url).context["index"]
    assert [row.subscription.key for row in back.rows] == keys[1]
    assert client.get("/subscriptions/?after=gone&state=x&q=%00").status_code == 200


def test_it_finds_by_name_and_state(client) -> None:
    followed("https://example.org/a", name="Über Berge")
    followed("https://example.org/b", name="Täler", active=False)

    assert "Täler" not in text_of(client, "/subscriptions/", q="über")
    assert "Über" not in text_of(client, "/subscriptions/", state="paused")
    assert "No subscription is called “zz”." in text_of(client, "/subscriptions/", q="zz")


# Verbs ---------------------------------------------------------------------------------------------


def test_pausing_can_be_undone(client, editor) -> None:
    subscription, _ = followed()

    page = act(client, "pause", subscription, **HTMX_HEADERS).content.decode()
    subscription.refresh_from_db()
    assert (subscription.active, "Paused Ada." in page, 'value="resume"' in page) == (False, True, True)
    act(client, "resume", subscription)
    subscription.refresh_from_db()
    assert subscription.active


def test_check_now_plans_a_check_and_the_page_follows_it(client, editor) -> None:
    subscription, _ = followed()
    assert "data-changing" not in text_of(client, page_url(subscription))

    act(client, "check", subscription)

    assert "data-changing" in text_of(client, page_url(subscription))
    assert "data-changing" in text_of(client, "/subscriptions/rows")


@pytest.mark.parametrize("fields", [{}, {"active": False}, {"lease_token": "t"}])
def test_the_buttons_keep_their_places(client, editor, fields) -> None:
    followed(**fields, lease_until=timezone.now() + LEASE_DURATION)

    buttons = re.findall(r'<button[^>]*name="do"[^>]*>', text_of(client, "/subscriptions/"))

    assert [" disabled" in button for button in buttons] == [bool(fields), False]
    assert 'value="check"' in buttons[0]


@pytest.mark.parametrize("data", [{}, {"do": "pause"}, {"do": "x", "id": "y"}, {"do": "check", "id": "\x00"}])
def test_a_verb_without_an_object_changes_nothing(client, editor, data) -> None:
    followed()

    assert client.post(reverse("subscriptions-act"), data).status_code == 302
    assert Subscription.objects.get().active


# The ledger ----------------------------------------------------------------------------------------


def test_tabs_are_states_with_counts_and_reasons(client) -> None:
    subscription, _ = followed()
    seen(subscription, "old", "before", reason="It was there before the subscription.")
    seen(subscription, "older", "before", reason="Not among the newest 5.")

    text = text_of(client, page_url(subscription, "before"))

    assert 'Filtered out <span class="count">1</span>' in text
    assert "These videos are older than the subscription, so they aren’t downloaded automatically." in text
    assert "Not among the newest 5." in text
    assert "It was there before the subscription." not in text  # which the line above says of all
    assert "Film one" not in text
    assert f'class="to-subscriptions" href="{reverse("subscriptions")}"' in text


@pytest.mark.parametrize("query", ["show=x", "show=filtered&before=x", "show=filtered&after=99999999999999999999"])
def test_an_odd_query_shows_what_there_is(client, query) -> None:
    subscription, _ = followed()

    assert "Film one" in text_of(client, page_url(subscription) + f"?{query}")


def test_pages_of_the_ledger_are_disjoint_in_both_directions(client) -> None:
    subscription, _ = followed()
    for number in range(110):
        seen(subscription, f"x{number}")

    first = client.get(page_url(subscription)).context["page"]
    second = client.get(first.next_url).context["page"]
    third = client.get(second.next_url).context["page"]

    pages = [[item.pk for item in page.items] for page in (first, second, third)]
    assert [len(page) for page in pages] == [50, 50, 11]
    pks = [pk for page in pages for pk in page]
    assert pks == sorted(pks, reverse=True)
    assert [item.pk for item in client.get(third.previous_url).context["page"].items] == pages[1]
    assert (first.previous_url, third.next_url) == ("", "")


def test_one_item_is_fetched_against_the_filters(client, editor, redis_server) -> None:
    subscription, item = followed()

    client.post(reverse("subscription-items"), {"do": "fetch", "id": item.pk})

    item.refresh_from_db()
    assert (item.state, item.video, item.is_picked) == ("queued", Video.objects.get(), True)
    assert item.video.video_id in text_of(client, page_url(subscription, "queued"))


@pytest.mark.parametrize(
    ("state", "count", "words"),
    [("before", 3, "Fetch all 3"), ("filtered", 51, "Fetch these 50"), ("before", 1, ""), ("gone", 3, "")],
)
def test_all_that_the_settings_keep_out_can_be_fetched_at_once(client, editor, state, count, words) -> None:
    subscription, _ = followed()
    SubscriptionItem.objects.all().delete()
    for number in range(count):
        seen(subscription, f"x{number}", state)

    text = text_of(client, page_url(subscription, state))

    assert re.findall(r"Fetch (?:all|these) \d+", text) == ([words] if words else [])
    form = re.search(r'<div class="ledger-many">.*?</div>', text)
    assert form
    ids = re.findall(r'name="id" value="(\d+)"', form[0])
    items = client.get(page_url(subscription, state)).context["page"].items
    assert ids == ([str(item.pk) for item in items] if words else [])


def test_many_items_are_ignored_and_that_is_undone(client, editor, redis_server) -> None:
    subscription, item = followed()
    others = [seen(subscription, name) for name in "bc"]
    data = {"do": "ignore", "id": [one.pk for one in (item, *others)]}

    page = client.post(reverse("subscription-items"), data, **HTMX_HEADERS).content.decode()

    assert "Ignoring 3 videos." in page
    assert 'value="unignore"' in page
    client.post(reverse("subscription-items"), {**data, "do": "unignore"})
    assert set(SubscriptionItem.objects.values_list("state", flat=True)) == {"filtered"}


def test_a_viewer_sees_no_buttons(client) -> None:
    client.force_login(make_user("vic", "viewer"))
    subscription, _ = followed()

    text = text_of(client, page_url(subscription))

    assert 'value="fetch"' not in text
    assert 'value="check"' not in text
    assert "Editors and managers can change these settings." in text_of(client, page_url(subscription, "settings"))


# Following -----------------------------------------------------------------------------------------


def test_one_is_followed_with_its_settings(client, editor) -> None:
    data = {
        **FORM,
        "urls": CHANNEL,
        "start": "newest",
        "start_count": "10",
        "min_duration": "1 h 5 min",
        "tabs": "shorts",
    }

    response = client.post(reverse("follow"), data)

    subscription = Subscription.objects.get()
    assert response.url == page_url(subscription)
    assert (subscription.start, subscription.start_count, subscription.min_duration) == ("newest", 10, 3900)
    assert (subscription.tabs, subscription.added_by) == ("shorts", editor)


def test_a_number_of_the_newest_is_filled_in_and_counts_only_where_it_is_chosen(client, editor) -> None:
    assert 'name="start_count" value="50"' in text_of(client, reverse("follow"))

    client.post(reverse("follow"), {**FORM, "urls": CHANNEL, "start_count": "50"})

    assert Subscription.objects.get().start_count is None


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("urls", " ", "Paste at least one link."),
        ("urls", "<opml>", "This OPML can’t be read"),
        ("start", "newest", "Enter how many of the newest videos to fetch."),
        ("start", "x", "Choose what to fetch."),
        ("start_date", "yesterday", "Write a day as year-month-day"),
        ("check_interval", "60", "Choose how often to check."),
        ("cron", "61 * * * *", "is no cron line"),
        ("cron", "* * * * *", "closer than 15 minutes"),
        ("cron", "0 0 30 2 *", "never comes"),
        ("time_zone", "Mars/Base", "There is no time zone “Mars/Base”."),
        ("time_zone", "UTC\x00", "This contains invisible characters. Type it again."),
        ("title_includes", "a\x00", "This contains invisible characters. Type it again."),
        ("title_includes", "(", "isn’t a regular expression"),
        ("title_excludes", "x" * 201, "too long"),
        ("min_duration", "long", "Write a length such as 1:30"),
        ("max_new", "0", "Write a number from 1 to"),
        ("keep_days", "-1", "Write a number from 1 to"),
        ("quality", "x", "Choose a quality."),
        ("subtitles", "xx-nonsense", "isn’t a language"),
        ("tabs", "x", "Choose from the channel tabs."),
    ],
)
def test_a_value_that_cannot_be_gets_a_sentence_and_nothing_is_lost(client, editor, field, value, sentence) -> None:
    response = client.post(reverse("follow"), {**FORM, "urls": CHANNEL, "title_excludes": "kept", field: value})

    text = response.content.decode()
    assert sentence in text
    assert field == "urls" or CHANNEL in text
    assert field == "title_excludes" or "kept" in text
    assert not Subscription.objects.exists()


def test_lines_that_were_not_followed_stay_in_the_form(client, editor) -> None:
    urls = f"{CHANNEL}\nnonsense\nhttps://youtu.be/abc"

    text = client.post(reverse("follow"), {**FORM, "urls": urls, "title_includes": "kept"}).content.decode()

    assert "1 followed, 2 not:" in text
    assert "1 added. 2 were not:" not in text  # by the sheet that adds videos
    assert "nonsense\nhttps://youtu.be/abc</textarea>" in text
    assert "kept" in text


def test_a_list_that_is_followed_already_is_left_as_it_is(client, editor) -> None:
    followed(CHANNEL, check_interval=3600)

    response = client.post(reverse("follow"), {**FORM, "urls": f"{CHANNEL}/videos"}, follow=True)

    assert "You already follow Ada. Nothing was changed." in response.content.decode()
    assert Subscription.objects.get().check_interval == 3600


def test_a_file_of_opml_is_imported_and_exported_again(client, editor) -> None:
    content = b'<opml><body><outline text="One" xmlUrl="https://example.org/a"/><outline text="None"/></body></opml>'
    data = {**FORM, "file": SimpleUploadedFile("subs.opml", content)}

    text = client.post(reverse("follow"), data).content.decode()

    assert "1 followed, 1 not:" in text
    exported = client.get(reverse("subscriptions-export"))
    assert 'xmlUrl="https://example.org/a"' in exported.content.decode()
    assert ".opml" in exported["Content-Disposition"]


def test_an_empty_or_wrong_file_gets_a_sentence(client, editor) -> None:
    for content, sentence in ((b"", "There’s no link in this list."), (b"PK\x03\x04", "Unpack it")):
        data = {**FORM, "file": SimpleUploadedFile("subs.zip", content)}
        assert sentence in client.post(reverse("follow"), data).content.decode()


# Settings ------------------------------------------------------------------------------------------


def test_a_preview_counts_and_saves_nothing(client, editor) -> None:
    subscription, _ = followed(title_excludes="Film")
    data = {**FORM, "name": "Ada", "title_excludes": "", "title_includes": "one", "preview": "1"}

    text = client.post(reverse("subscription-settings", args=[subscription.key]), data).content.decode()

    assert "Of 1 seen, 1 match, 1 more than now." in text
    subscription.refresh_from_db()
    assert (subscription.title_excludes, Video.objects.count()) == ("Film", 0)


def test_saving_judges_anew_and_says_how_many(client, editor, redis_server) -> None:
    subscription, _ = followed(title_excludes="Film", check_interval=5000)
    data = {**FORM, "name": "Eva", "check_interval": "5000"}

    response = client.post(reverse("subscription-settings", args=[subscription.key]), data, follow=True)

    assert "Saved. 1 video of the list is wanted now." in response.content.decode()
    subscription.refresh_from_db()
    assert (subscription.name, subscription.title_excludes, subscription.check_interval) == ("Eva", "", 5000)


def test_a_setting_that_cannot_be_is_told_beside_its_field(client, editor) -> None:
    subscription, _ = followed()
    data = {**FORM, "name": "Eva", "min_duration": "5 min", "max_duration": "1 min"}

    text = client.post(reverse("subscription-settings", args=[subscription.key]), data).content.decode()

    assert "The longest is shorter than the shortest" in text
    subscription.refresh_from_db()
    assert subscription.name == "Ada"


@pytest.mark.parametrize("keep", [{"keep_days": "7"}, {"keep_newest": "3"}])
def test_only_managers_have_retention_delete_more(client, editor, keep) -> None:
    subscription, _ = followed(keep_days=9)
    url = reverse("subscription-settings", args=[subscription.key])
    assert 'name="keep_days"' not in text_of(client, reverse("follow"))
    assert "Videos are deleted after 9 days." in text_of(client, page_url(subscription, "settings"))

    assert client.post(url, {**FORM, "name": "Eva", **keep}).status_code == 403
    assert client.post(reverse("follow"), {**FORM, "urls": "https://example.org/new", **keep}).status_code == 403
    assert (Subscription.objects.get().name, Subscription.objects.get().keep_days) == ("Ada", 9)
    client.post(url, {**FORM, "name": "Eva"})
    assert (Subscription.objects.get().name, Subscription.objects.get().keep_days) == ("Eva", 9)

    client.force_login(make_user("mia", "manager"))
    assert 'name="keep_days"' in text_of(client, page_url(subscription, "settings"))
    client.post(url, {**FORM, "name": "Eva", "keep_days": "", "keep_newest": "", **keep})
    assert Subscription.objects.filter(**keep).exists()


def test_a_manager_deletes_now_what_the_next_run_would(client, settings, tmp_path, redis_server) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.TRASH_ROOT = tmp_path / "trash"
    client.force_login(make_user("mia", "manager"))
    subscription, _ = followed(keep_newest=1)
    for number in range(3):
        published = timezone.now() - dt.timedelta(days=number)
        seen(subscription, f"f{number}", "queued", video=complete(f"f{number}"), published=published)
    page, url = (reverse(name, args=[subscription.key]) for name in ("subscription", "subscription-prune"))
    text = text_of(client, f"{page}?show=retention")
    assert "2 videos would be deleted by the next run" in text
    assert "Only the newest 1 video is kept." in text
    assert text.count("Not among the newest 1 of the subscription.") == 2
    assert "Delete these now" in text

    text = client.post(url, follow=True).content.decode()

    assert "Deleted 2 videos." in text
    assert [video.title for video in Video.objects.all()] == ["Film f0"]
    assert "Nothing was to be deleted." in client.post(url, follow=True).content.decode()


def test_retention_says_how_much_the_next_run_frees(client) -> None:
    subscription, _ = followed(keep_newest=1)
    client.force_login(make_user("eva", "viewer"))
    page = page_url(subscription, "retention")
    assert "Nothing is past what this subscription keeps." in text_of(client, page)
    for number in range(3):
        video = complete(f"f{number}")
        Video.objects.filter(pk=video.pk).update(size=2_000_000)
        published = timezone.now() - dt.timedelta(days=number)
        seen(subscription, f"f{number}", "queued", video=video, published=published)
    text = text_of(client, page)
    assert ("frees 4.0 MB" in text, text.count("2.0 MB"), "Delete these now" in text) == (True, 2, False)


def test_the_history_marks_where_checks_failed_and_succeeded_again(client) -> None:
    subscription = claimed()
    subscription.fail_check("The site did not answer.", timezone.now())
    check = claim_again(subscription)
    check.finish_check(timezone.now())
    client.force_login(make_user("eva", "viewer"))
    text = client.get(page_url(subscription, "history")).content.decode()
    rows = text.partition('data-part="subscription-history"')[2].partition("</section>")[0].split("<li")[1:]
    words = ("Checked without an error again", "The check failed: The site did not answer.", "Subscribed")
    for row, sentence, status in zip(rows, words, ("complete", "failed", ""), strict=True):
        assert sentence in row
        assert re.findall(r'class="state-(\w+)"', row) == ([status] if status else [])


# Unsubscribing -------------------------------------------------------------------------------------


def test_its_videos_stay_unless_asked_and_only_managers_are(client, editor) -> None:
    subscription, _ = followed()
    seen(subscription, "mine", "queued", video=complete("mine"))
    url = reverse("unsubscribe", args=[subscription.key])
    assert 'name="delete"' not in text_of(client, url)
    assert client.post(url, {"delete": "1"}).status_code == 403

    text = client.post(url, follow=True).content.decode()

    assert "No longer following Ada. Its videos stay." in text
    assert (Subscription.objects.count(), Video.objects.count()) == (0, 1)


def test_a_message_shows_that_it_shortens_a_name(client, editor) -> None:
    subscription, _ = followed(name="Ada" * 50)

    paused = client.post(reverse("subscriptions-act"), {"do": "pause", "id": subscription.key}, follow=True)
    ended = client.post(reverse("unsubscribe", args=[subscription.key]), follow=True)

    assert f"{('Ada' * 50)[:59]}…" in paused.content.decode()
    assert f"No longer following {('Ada' * 50)[:79]}…. Its videos stay." in ended.content.decode()


def test_a_manager_may_delete_what_it_alone_brought(client, settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path
    client.force_login(make_user("mia", "manager"))
    subscription, _ = followed()
    videos = [complete(name) for name in ("mine", "protected", "shared")]
    videos[1].protect()
    other, _ = followed("https://example.org/other")
    for video in videos:
        seen(subscription, video.video_id, "queued", video=video)
    seen(other, "shared", "archived", video=videos[2])
    url = reverse("unsubscribe", args=[subscription.key])
    assert "Delete the 1 video that it alone has brought" in text_of(client, url)


# Elsewhere -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("many", [1, 1_000])
def test_the_library_is_filtered_by_subscription(client, monkeypatch, many) -> None:
    monkeypatch.setattr("downloads.library.listing.MANY_VIDEOS", many)
    subscription, _ = followed()
    create_videos(3)
    video = Video.objects.first()
    seen(subscription, "a", "queued", video=video)
    seen(subscription, "b", "archived", video=video)

    text = text_of(client, "/", subscription=subscription.key)

    assert text.count("data-video-id") == 1
    assert "1 video<" in text
    assert "Remove the filter subscription: Ada" in text
    assert "Your archive" not in text_of(client, "/", subscription="gone")
    create_videos(2)
    for number, other in enumerate(Video.objects.exclude(pk=video.pk)):
        seen(subscription, f"c{number}", "queued" if number else "removed", video=other)
    assert text_of(client, "/", subscription=subscription.key).count("data-video-id") == 4


def test_protecting_is_for_managers_and_undone(client) -> None:
    client.force_login(make_user("mia", "manager"))
    video = complete()
    assert "Stop protecting" not in text_of(client, video.get_absolute_url())

    page = client.post(f"/videos/{video.video_id}/protect", **HTMX_HEADERS).content.decode()

    assert "Retention leaves it alone." in page
    assert 'value="unprotect"' in page
    assert "Stop protecting" in text_of(client, video.get_absolute_url())
    assert "Stop protecting" in text_of(client, "/")
    client.force_login(make_user("eve", "editor"))
    assert client.post(f"/videos/{video.video_id}/unprotect").status_code == 403
    assert "protect" not in text_of(client, "/").lower()


def test_adding_offers_to_follow_and_to_choose_how_many(client, editor, redis_server) -> None:
    data = {"urls": "http://93.184.215.14/list", "quality": "720p", "list_limit": "500", "follow": "1"}

    client.post(reverse("add"), data)

    assert Video.objects.get().list_limit == 500
    assert (Subscription.objects.get().quality, Subscription.objects.get().start) == ("720p", "new")


def test_what_is_a_single_video_is_not_followed(client, editor, redis_server) -> None:
    video = complete()
    data = {"urls": f"{video.url}\nhttps://youtu.be/abc", "quality": "best", "follow": "1"}

    text = client.post(reverse("add"), data, **HTMX_HEADERS).content.decode()

    assert "is a single video: there is nothing to follow." in text
    assert "This is the link of one video." in text
    assert not Subscription.objects.exists()


@pytest.mark.parametrize("limit", ["0", "10001", "x"])
def test_a_number_of_videos_that_cannot_be_gets_a_sentence(client, editor, limit) -> None:
    text = client.post(reverse("add"), {"urls": CHANNEL, "quality": "best", "list_limit": limit}).content.decode()

    assert "Of a playlist, add from 1 to 10,000 videos." in text
    assert not Video.objects.exists()


# Cost ----------------------------------------------------------------------------------------------


def test_pages_ask_the_database_little(client, editor, django_assert_max_num_queries) -> None:
    for number in range(12):
        subscription, _ = followed(f"https://site{number}.example.org/")
        seen(subscription, "v", "queued", video=create_videos(1)[0])
    urls = [page_url(subscription, show) for show in ("queued", "filtered", "settings", "history")]

    for url in ("/subscriptions/", "/subscriptions/rows", *urls):
        with django_assert_max_num_queries(12):
            client.get(url)
