"""Videos in Django's admin."""

import datetime as dt
import re

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from downloads.models import HostPause, Status, Subscription, SubscriptionItem, Video
from downloads.models.leases.lease import LEASE_DURATION
from downloads.tests.support.admin import CHANGELIST_URL, run_admin_action
from downloads.tests.support.factories import complete, failed, running, waiting
from downloads.tests.support.responses import opening_tag
from downloads.tests.support.subscriptions import check_list, claimed, numbered
from downloads.tests.support.users import make_staff
from downloads.views.subscriptions import actions, item_admin

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]


def test_it_lists_each_video_once_with_its_bar(superuser_client):
    videos = [complete("a"), running("b", percent=42), waiting("c")]
    page = superuser_client.get(CHANGELIST_URL).content.decode()
    for video in videos:
        assert f'data-status="{video.status}"' in opening_tag(page, Video.objects.get(pk=video.pk))
    assert page.count("data-video-id=") == 3
    # For phones, which have no other columns.
    assert re.search(r"<small>Ada · 12:04 · \d+\xa0\w+</small>", page)
    Video.objects.update(added_at=dt.datetime(2024, 2, 1, 12, tzinfo=dt.UTC))
    assert "<small>Ada · 12:04 · 1\xa0Feb\xa02024</small>" in superuser_client.get(CHANGELIST_URL).content.decode()
    assert 'aria-valuenow="42"' in page
    assert re.search(r'<script type="module" src="/static/js/main\..*?js"', page)


def test_it_asks_as_much_for_many_as_for_few(superuser_client):
    def count_queries() -> int:
        with CaptureQueriesContext(connection) as queries:
            superuser_client.get(CHANGELIST_URL)
        return len(queries)

    complete("a")
    count_queries()  # fills the caches
    few = count_queries()
    for number in range(30):
        complete(f"v{number}")
        failed(f"w{number}")
    assert count_queries() == few <= 9


def test_it_finds_and_filters(superuser_client):
    matching, other = complete("needle"), waiting("hay")
    for query in ("q=needle", "status__exact=complete"):
        page = superuser_client.get(f"{CHANGELIST_URL}?{query}").content.decode()
        assert matching.video_id in page
        assert other.video_id not in page


def test_it_retries_and_says_what_it_skipped(superuser_client):
    videos = [failed("a"), failed("b"), complete("c")]
    page = run_admin_action(superuser_client, "retry", *videos)
    assert "Retrying 2 videos." in page
    assert "Film c doesn’t need a retry: it is complete." in page
    assert Video.objects.filter(status=Status.QUEUED).count() == 2


def test_it_cancels_and_says_what_it_skipped(superuser_client):
    videos = [complete("c"), running("a"), waiting("b")]
    page = run_admin_action(superuser_client, "cancel", *videos)
    assert "Cancelled 2 videos." in page
    assert "Film c had already finished: it is complete." in page


def test_it_shows_a_video_to_read_only(superuser_client):
    video = failed("a")
    url = reverse("admin:downloads_video_change", args=[video.pk])
    page = superuser_client.get(url).content.decode()
    opening_tag(page, video)
    assert 'name="title"' not in page
    assert 'name="_save"' not in page
    assert "History" in page
    assert "No." in page
    assert superuser_client.post(url, {"title": "x"}).status_code == 403


def test_it_offers_no_adding(superuser_client):
    assert superuser_client.get(f"{CHANGELIST_URL}add/").status_code == 403


def test_it_lets_those_act_who_may(client):
    client.force_login(make_staff("bob", "view_video"))
    video = failed("a")
    run_admin_action(client, "retry", video)
    assert "/queue/pause" not in client.get(CHANGELIST_URL).content.decode()
    video.refresh_from_db()
    assert video.status == Status.FAILED


def test_it_sends_strangers_to_the_sign_in(client):
    assert client.get(CHANGELIST_URL).status_code == 302


def test_it_shows_size_length_and_the_way_to_the_page(superuser_client):
    video = complete()
    page = superuser_client.get(CHANGELIST_URL).content.decode()
    assert "603 MB" in page
    assert "12:04" in page
    assert f'href="{video.get_absolute_url()}"' in page


@pytest.mark.parametrize("query", ["film a", "FIL", "ada", "{id}", "http://a.example.org/"])
def test_it_searches_as_the_library_does(superuser_client, query):
    matching, other = complete("a"), waiting("b")
    page = superuser_client.get(CHANGELIST_URL, {"q": query.format(id=matching.video_id)}).content.decode()
    assert matching.video_id in page
    assert other.video_id not in page


def test_it_finds_by_address_what_has_no_title(superuser_client):
    matching = waiting("needle")
    assert matching.video_id in superuser_client.get(f"{CHANGELIST_URL}?q=edle.example").content.decode()
    assert (
        matching.video_id
        not in superuser_client.get(f"{CHANGELIST_URL}?q=edle.example&status__exact=failed").content.decode()
    )


@pytest.mark.parametrize(
    "query", ["site=<x>", "p=99999", "status__exact=nonsense", "added_at__year=x", "q=%00", "o=9.9"]
)
def test_it_answers_any_query_with_a_page(superuser_client, query):
    complete()
    assert superuser_client.get(f"{CHANGELIST_URL}?{query}", follow=True).status_code == 200


def test_it_pauses_the_queue_without_a_selection(superuser_client):
    waiting()
    page = superuser_client.get(CHANGELIST_URL).content.decode()
    assert 'action="/queue/pause"' in page
    page = superuser_client.post(
        "/queue/pause", HTTP_REFERER=f"http://testserver{CHANGELIST_URL}", follow=True
    ).content.decode()
    assert "Queue paused by ann." in page
    assert 'action="/queue/resume"' in page
    assert ">Undo<" in page


@pytest.mark.parametrize(
    "query",
    [
        "added_at__year=99999999999999999999",
        "added_at__year=9999",
        "added_at__year=2024&added_at__month=99999999999999999999999",
        "id__in=9999999999999999999999",
        "id=9999999999999999999999&q=film",
        "status__exact=%00",
        "site=%00",
        "q=%00",
        "o=99999999999999999999.-1.x",
        "p=99999999999999999999",
        "added_at__gte=x",
        "tracks__contains=x",
        "tracks__has_key=x",
    ],
)
def test_it_answers_any_query(superuser_client, query):
    answer = superuser_client.get(f"{CHANGELIST_URL}?{query}", follow=True)
    assert answer.status_code == 200


@pytest.mark.parametrize("query", ["", "_to_field=", "_to_field=id", "_popup=1&_to_field=", "_changelist_filters=%00"])
@pytest.mark.parametrize("model_path", ["downloads/video", "auth/user"])
def test_it_shows_one_whatever_is_asked_besides(superuser_client, model_path, query):
    key = complete().pk if model_path.startswith("downloads") else get_user_model().objects.get().pk
    for page in ("change", "history", "delete"):
        assert superuser_client.get(f"/admin/{model_path}/{key}/{page}/?{query}").status_code == 200


def test_it_keeps_the_columns_narrow(superuser_client):
    video = complete()
    Video.objects.filter(pk=video.pk).update(uploader="U" * 200, host=f"{'e' * 60}.example")
    page = superuser_client.get(CHANGELIST_URL).content.decode()
    table = page[page.index('id="result_list"') : page.index("</table>")]
    assert f"{'U' * 39}…" in table
    assert f"{'e' * 29}…" in table
    assert "U" * 41 not in table
    filter_labels = re.findall(r'href="\?(?:uploader=U+|site=e+\.example)"\s*>([^<]*)<', page)
    assert filter_labels == [f"{'U' * 39}…", f"{'e' * 39}…"]


@pytest.mark.parametrize("action", ["retry", "delete_selected"])
@pytest.mark.parametrize("key", ["x", "1\x00", "99999999999999999999999", "-1", ""])
def test_it_answers_any_selection(superuser_client, action, key):
    answer = superuser_client.post(CHANGELIST_URL, {"action": action, "_selected_action": key, "index": 0}, follow=True)
    assert answer.status_code == 200


@pytest.mark.parametrize("kind", ["year", "month", "day", "week"])
def test_the_date_hierarchy_offers_existing_dates(superuser_client, kind):
    days = ["2023-12-31T23:59:59", "2024-01-01T00:00:00", "2024-02-29T12:00:00", "2024-03-31T08:00:00", "2026-11-26"]
    for number, day in enumerate(days):
        at = dt.datetime.fromisoformat(day).replace(tzinfo=dt.UTC)
        Video.objects.filter(pk=waiting(f"v{number}").pk).update(added_at=at)
    later_videos = Video.objects.exclude(added_at__year=2023)
    for videos in (Video.objects.all(), later_videos, later_videos.filter(added_at__month=2), Video.objects.none()):
        assert list(videos.datetimes("added_at", kind)) == list(QuerySet.datetimes(videos, "added_at", kind))
    page = superuser_client.get(f"{CHANGELIST_URL}?added_at__year=2024").content.decode()
    assert re.findall(r"added_at__month=(\d+)&amp;added_at__year=2024", page) == ["1", "2", "3"]


def test_it_filters_by_the_site_that_the_library_names(superuser_client):
    matching, other = complete("harbour"), complete("field")
    Video.objects.filter(pk=matching.pk).update(host="www.harbour.example", extractor="generic")
    page = superuser_client.get(f"{CHANGELIST_URL}?site=www.harbour.example").content.decode()
    assert matching.video_id in page
    assert other.video_id not in page
    assert re.search(r'<a href="[^"]*site=www\.harbour\.example[^"]*"[^>]*>\s*harbour\.example', page)
    assert re.search(r'class="field-short_site[^>]*>harbour\.<wbr>example<', page)
    assert "generic" not in page


def test_pages_are_named_by_what_they_show(superuser_client):
    video = complete("a")
    subscription = claimed()
    user = get_user_model().objects.get()
    for path, heading in {
        "downloads/video/": "Videos",
        "downloads/subscription/": "Subscriptions",
        "auth/user/": "Users",
        "auth/user/add/": "Add user",
    }.items():
        page = superuser_client.get(f"/admin/{path}").content.decode()
        assert re.search(rf"<h1>\s*{heading}\s*</h1>", page), path
    # One of them is named by itself; what it is stands before the name on the way to it.
    for path, kind, name in (
        (f"downloads/video/{video.pk}/change/", "Videos", "Film a"),
        (f"downloads/subscription/{subscription.pk}/change/", "Subscriptions", str(subscription)),
        (f"auth/user/{user.pk}/change/", "Users", user.username),
    ):
        page = superuser_client.get(f"/admin/{path}").content.decode()
        heading = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)[1]
        assert re.sub(r"<[^>]*>", "", heading).strip() == escape(name), path
        assert re.search(rf"<li>\s*<a href=[^>]*>{kind}</a>\s*</li>\s*<li aria-current=", page), path
        assert f"<h2>{name}</h2>" not in page
    # Nothing of a video is edited there.
    index = superuser_client.get("/admin/").content.decode()
    row = re.search(r'<a href="/admin/downloads/video/">Videos</a>.*?</li>', index, re.DOTALL)[0]
    assert "Add" not in row


def test_it_counts_results_where_they_were_narrowed(superuser_client):
    complete("a")
    claimed()
    year = Video.objects.get().added_at.year
    for path, query in (
        ("video", "q=film"),
        ("video", "status__exact=complete"),
        ("video", f"added_at__year={year}"),
        ("subscription", "state=active"),
    ):
        url = f"/admin/downloads/{path}/"
        for other in ("", "?o=1", "?_facets=True"):
            assert "Show all" not in superuser_client.get(url + other).content.decode()
        assert re.search(r"1 result ·\s*<a[^>]*>Show all</a>", superuser_client.get(f"{url}?{query}").content.decode())


def test_it_tells_the_state_of_a_subscription_from_its_next_check(superuser_client):
    claimed()
    Subscription.objects.update(lease_token="", lease_until=None)  # no check runs
    page = superuser_client.get("/admin/downloads/subscription/").content.decode()
    assert re.search(
        r'class="field-state">\s*<span[^>]*>[^<]*<svg.*? New</span>\s*<p class="row-facts">', page, re.DOTALL
    )
    assert 'class="field-next_check">Soon<p>every 6 h</p>' in page
    Subscription.objects.update(error="The site refused (403).", next_check_at=timezone.now() + dt.timedelta(hours=2))
    page = superuser_client.get("/admin/downloads/subscription/").content.decode()
    assert re.search(r' Failing</span>\s*<p class="reason">The site refused \(403\)\.</p>', page)
    assert re.search(r'class="field-next_check">In [\w ]+<p>every 6 h</p>', page)
    HostPause.objects.create(host="youtube.com", until=timezone.now() + dt.timedelta(hours=1), reason="Too many.")
    page = superuser_client.get("/admin/downloads/subscription/").content.decode()
    assert "The site refused (403). youtube.com is left alone for" in page
    Subscription.objects.update(active=False)
    assert "None planned" in superuser_client.get("/admin/downloads/subscription/").content.decode()


def test_it_filters_subscriptions_by_state(superuser_client):
    for name, fields in {"fine": {}, "broken": {"error": "The site refused (403)."}, "idle": {"active": False}}.items():
        Subscription.objects.filter(pk=claimed(f"https://www.youtube.com/@{name}").pk).update(name=name, **fields)
    for state, names in (
        ("active", ["fine"]),
        ("failing", ["broken"]),
        ("paused", ["idle"]),
        ("nonsense", ["broken", "fine", "idle"]),
    ):
        page = superuser_client.get(f"/admin/downloads/subscription/?state={state}").content.decode()
        assert re.findall(r"<bdi>(\w+)</bdi>", page[page.index("<tbody") :]) == names, state


def test_the_names_of_subscriptions_lead_to_their_rows(superuser_client):
    subscription = claimed()
    check_list(subscription, numbered(3, 1))
    SubscriptionItem.objects.filter(title="Film v1").update(video=complete("a"), state="queued")
    page = superuser_client.get("/admin/downloads/subscription/").content.decode()
    row_url = f"/admin/downloads/subscription/{subscription.pk}/change/"
    assert re.search(
        rf'<th class="field-row_name"><a href="{row_url}">.*?<bdi>youtube\.com/<wbr>@ada</bdi>', page, re.DOTALL
    )
    assert page.count("1 kept of 3 seen") == 2  # a column, and below the state on phones
    url = reverse("subscription", args=[subscription.key])
    record = superuser_client.get(row_url).content.decode()
    assert f'href="{url}?show=settings">Edit settings</a>' in record
    assert re.search(r'class="state subscription-state \w+">', record)
    # Both counts lead to what they count, and each video that was seen last to its item.
    items_url = f"/admin/downloads/subscriptionitem/?subscription={subscription.pk}"
    assert f'<a href="/?subscription={subscription.key}">1 kept</a> of <a href="{items_url}">3 seen</a>' in record
    rows = re.findall(r'<a href="/admin/downloads/subscriptionitem/\d+/change/"\s+dir="auto">(.*?)</a>', record)
    assert rows == ["Film v1", "Film v2", "Film v3"]
    page = superuser_client.get("/admin/downloads/subscriptionitem/").content.decode()
    item = SubscriptionItem.objects.get(title="Film v1")
    assert f'<a href="/admin/downloads/subscriptionitem/{item.pk}/change/"><bdi>Film v1</bdi>' in page
    assert page.count(f'href="{url}"') == 3
    assert re.search(r'column-seen_text sorted descending"\s+aria-sort="descending"', page)
    assert re.search(r'class="state subscription-state item-queued">.*? Added</span>', page, re.DOTALL)
    assert '<td class="field-published_text">—</td>' in page


def test_it_says_when_a_subscription_is_checked_next(superuser_client):
    subscription = claimed()

    def next_check(**fields) -> str:
        Subscription.objects.filter(pk=subscription.pk).update(**fields)
        page = superuser_client.get(f"/admin/downloads/subscription/{subscription.pk}/change/").content.decode()
        return re.search(r"<label>Next check</label>\s*<div class=\"readonly\">([^<]*)<", page)[1]

    now = timezone.now()
    free = {"lease_token": "", "lease_until": None}
    assert re.fullmatch(r"In .* \(.*\)", next_check(**free, next_check_at=now + dt.timedelta(hours=2)))
    assert next_check(next_check_at=now - dt.timedelta(hours=1)).startswith("Due since ")
    assert next_check(active=False) == "None planned"
    Subscription.objects.update(active=True, lease_token="a", lease_until=now + LEASE_DURATION)
    page = superuser_client.get(f"/admin/downloads/subscription/{subscription.pk}/change/").content.decode()
    assert "<label>Next check</label>" not in page
    assert re.search(r"<label>Last check</label>\s*<div class=\"readonly\">Running now<", page)


def test_a_subscription_is_checked_and_paused_on_its_page(superuser_client):
    subscription = claimed()
    Subscription.objects.update(lease_token="", lease_until=None, next_check_at=timezone.now() + dt.timedelta(hours=2))
    url = f"/admin/downloads/subscription/{subscription.pk}/change/"

    def act(**data: str) -> str:
        data = {"id": subscription.key} | data
        response = superuser_client.post("/subscriptions/act", data, headers={"referer": url}, follow=True)
        assert response.redirect_chain == [(url, 302)]
        return response.content.decode()

    assert "None yet" in superuser_client.get(url).content.decode()  # its last check
    act(do="check")
    assert Subscription.objects.get().next_check_at <= timezone.now()
    page = act(do="pause")
    assert not Subscription.objects.get().active
    verbs = re.findall(r'<(\w+)[^>]* name="do"\s+value="(\w+)"', page)
    assert verbs == [("input", "resume"), ("button", "check"), ("button", "resume")]  # the undo comes first
    assert re.search(r"<td dir=\"auto\">Paused by ann</td>", page)
    act(do="resume")
    assert Subscription.objects.get().active
    assert f'href="/subscriptions/{subscription.key}/unsubscribe">Unsubscribe</a>' in page


def test_only_who_may_change_is_offered_the_verbs_of_subscriptions(client):
    subscription = claimed()
    client.force_login(make_staff("eve", "view_video"))
    page = client.get(f"/admin/downloads/subscription/{subscription.pk}/change/").content.decode()
    assert "Open in Subscriptions" in page
    assert "Unsubscribe" not in page
    assert 'name="do"' not in page


def test_it_lists_the_items_of_one_subscription(superuser_client, monkeypatch):
    for name, numbers in {"ada": (3, 1), "bob": (9, 8)}.items():
        subscription = claimed(f"https://www.youtube.com/@{name}")
        Subscription.objects.filter(pk=subscription.pk).update(name=name)
        check_list(subscription, numbered(*numbers))

    def titles(query: str) -> list[str]:
        page = superuser_client.get(f"/admin/downloads/subscriptionitem/?{query}").content.decode()
        assert ('data-filter-title="subscription"' in page) == (is_few or query == f"subscription={subscription.pk}")
        return sorted(re.findall(r"<bdi>(Film v\d)</bdi></a></th>", page))

    is_few = True
    for maximum in (20, 1):
        monkeypatch.setattr(item_admin, "MAX_SUBSCRIPTION_CHOICES", maximum)
        is_few = maximum > 1
        assert titles(f"subscription={subscription.pk}") == ["Film v8", "Film v9"]
        for other in ("", "subscription=0", "subscription=x", f"subscription={'9' * 30}", "subscription=²"):
            assert len(titles(other)) == 5, other


def test_items_are_fetched_and_ignored_together(superuser_client, monkeypatch):
    check_list(claimed(), numbered(3, 1))
    url = "/admin/downloads/subscriptionitem/"

    def act(verb: str) -> str:
        pks = SubscriptionItem.objects.filter(title__in=("Film v1", "Film v2")).values_list("pk", flat=True)
        response = superuser_client.post(url, {"action": verb, "_selected_action": list(pks)}, follow=True)
        assert response.redirect_chain == [(url, 302)]
        return response.content.decode()

    page = act("ignore")
    assert "Ignoring 2 videos." in page
    assert 'name="do" value="unignore"' in page  # the undo
    assert SubscriptionItem.objects.filter(state="ignored").count() == 2
    act("unignore")
    assert not SubscriptionItem.objects.filter(state="ignored").exists()
    monkeypatch.setattr(actions, "MAX_PER_ACTION", 1)
    assert "Nothing was changed" in act("fetch")
    monkeypatch.undo()
    assert "Added 2 videos." in act("fetch")
    assert Video.objects.count() == 2


def test_subscriptions_are_checked_and_paused_together(superuser_client):
    for name in ("ada", "bob"):
        claimed(f"https://www.youtube.com/@{name}")
    later = timezone.now() + dt.timedelta(hours=2)
    Subscription.objects.update(lease_token="", lease_until=None, next_check_at=later)
    url = "/admin/downloads/subscription/"

    def act(verb: str) -> str:
        pks = list(Subscription.objects.values_list("pk", flat=True))
        response = superuser_client.post(url, {"action": verb, "_selected_action": pks}, follow=True)
        assert response.redirect_chain == [(url, 302)]
        return response.content.decode()

    assert "Checking 2 subscriptions soon." in act("check_now")
    assert not Subscription.objects.filter(next_check_at__gte=later).exists()
    assert 'name="do" value="resume"' in act("pause")  # the undo
    assert not Subscription.objects.filter(active=True).exists()
    page = act("resume")
    assert "Resumed 2 subscriptions." in page
    assert '<a class="addlink" href="/subscriptions/follow/">Follow</a>' in page


def test_only_who_may_change_acts_on_subscriptions_and_items(client):
    subscription = claimed()
    check_list(subscription, numbered(1, 1))
    client.force_login(make_staff("eve", "view_video"))
    item = SubscriptionItem.objects.get()
    for model, action, pk in (("subscriptionitem", "fetch", item.pk), ("subscription", "pause", subscription.pk)):
        url = f"/admin/downloads/{model}/"
        page = client.get(url).content.decode()
        assert "action-select" not in page, model
        assert "/subscriptions/follow/" not in page, model
        client.post(url, {"action": action, "_selected_action": [pk]})
    assert not Video.objects.exists()
    assert Subscription.objects.get().active


def test_an_item_is_fetched_or_ignored_on_its_page(superuser_client):
    check_list(claimed(), numbered(1, 1))
    item = SubscriptionItem.objects.get()
    url = f"/admin/downloads/subscriptionitem/{item.pk}/change/"

    def act(verb: str) -> list[str]:
        data = {"id": item.pk, "do": verb}
        page = superuser_client.post("/subscriptions/items", data, headers={"referer": url}, follow=True)
        assert page.redirect_chain == [(url, 302)]
        return re.findall(r'<(\w+)[^>]* name="do"\s+value="(\w+)"', page.content.decode())

    # Each message has its undo, as on the pages.
    assert act("ignore") == [("input", "unignore"), ("button", "unignore"), ("button", "fetch")]
    assert act("unignore") == [("button", "fetch"), ("button", "ignore")]
    act("fetch")
    assert Video.objects.get().url == item.url
    page = superuser_client.get(url).content.decode()
    assert f'href="{Video.objects.get().get_absolute_url()}">Open its video</a>' in page


def test_who_may_only_view_gets_no_verbs_of_items(client):
    check_list(claimed(), numbered(1, 1))
    user = make_staff("mia", "view_video")
    client.force_login(user)
    page = client.get(f"/admin/downloads/subscriptionitem/{SubscriptionItem.objects.get().pk}/change/")
    assert (page.status_code, b'name="do"' in page.content) == (200, False)


def test_lists_of_subscriptions_ask_as_much_for_many_as_for_few(superuser_client):
    def count_queries(model: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            superuser_client.get(f"/admin/downloads/{model}/")
        return len(queries)

    check_list(claimed(), numbered(3, 1))
    models = ("subscription", "subscriptionitem")
    few = {model: count_queries(model) for model in models for _ in range(2)}
    for number in range(10):
        check_list(claimed(f"https://www.youtube.com/@list{number}"), numbered(3, 1))
    assert {model: count_queries(model) for model in models} == few


def test_it_says_in_the_row_why_a_video_has_failed(superuser_client):
    video = failed("a")
    Video.objects.filter(pk=video.pk).update(error="The site refused (403).\nHTTP Error 403: Forbidden")
    page = superuser_client.get(CHANGELIST_URL).content.decode()
    assert '<p class="reason">The site refused (403).</p>' in page
    # The rest is on its page.
    assert "HTTP Error" not in page
    assert (
        "HTTP Error" in superuser_client.get(reverse("admin:downloads_video_change", args=[video.pk])).content.decode()
    )


def test_the_page_of_a_video_says_nothing_twice(superuser_client):
    video = complete("a")
    Video.objects.filter(pk=video.pk).update(canonical_url=video.url, worker="", not_before=None, retry_count=0)
    url = reverse("admin:downloads_video_change", args=[video.pk])
    page = superuser_client.get(url).content.decode()
    for absent in ("Submitted URL", "Worker", "Retry at", "Automatic retries", "Error", "View on site", "—"):
        assert absent not in page, absent
    for absent in ("Downloaded", "Attempt", "Queued at", "Started at", "Processing at"):
        assert f"<label>{absent}</label>" not in page, f"{absent} is in the history"
    assert page.count(">Delete</a>") == 1
    assert page.count(f'href="{video.get_absolute_url()}"') == 1
    assert page.count("data-video-id=") == 1
    changes = {"url": "https://films.example.org/a?from=feed", "retry_count": 2, "error": "The site refused (403)."}
    Video.objects.filter(pk=video.pk).update(**changes)
    page = superuser_client.get(url).content.decode()
    assert "The site refused (403)." in page  # as after a download that was repeated in vain
    assert "Submitted URL" in page
    assert "Automatic retries" in page


def test_the_page_of_a_video_says_how_far_it_is(superuser_client):
    video = running("a", attempt=2)
    page = superuser_client.get(reverse("admin:downloads_video_change", args=[video.pk])).content.decode()
    for label in ("Attempt", "Queued at", "Started at"):
        assert f"<label>{label}</label>" in page, label
    assert 'class="live"' in page
    ended = superuser_client.get(reverse("admin:downloads_video_change", args=[complete("b").pk])).content.decode()
    assert 'class="live ended"' in ended, "which is silent unless the connection is in trouble"


def test_the_pages_of_a_subscription_have_parts(superuser_client):
    subscription = claimed()
    check_list(subscription, numbered(1, 1, duration=754))
    item = SubscriptionItem.objects.get()
    for path, names in (
        (f"subscription/{subscription.pk}", ["About", "Source", "Downloads", "Checks"]),
        (f"subscriptionitem/{item.pk}", ["Video", "State"]),
    ):
        page = superuser_client.get(f"/admin/downloads/{path}/change/").content.decode()
        assert re.findall(r'class="fieldset-heading">([^<]*)<', page) == names
        assert "icon-yes" not in page
        assert "icon-no" not in page
    assert re.search(r"<h1>\s*<bdi>Film v1</bdi>\s*</h1>", page)
    assert "12:34" in page
    assert re.search('<a href="https://[^"]*" rel="noopener noreferrer nofollow">', page)


def test_it_folds_long_descriptions_and_long_filters(superuser_client):
    videos = [complete(f"v{number}") for number in range(12)]
    for number, video in enumerate(videos):
        Video.objects.filter(pk=video.pk).update(
            host=f"films{number}.example", description="A film.\n" * (2 * number + 1)
        )
    urls = [reverse("admin:downloads_video_change", args=[video.pk]) for video in (videos[0], videos[-1])]
    short, long = (superuser_client.get(url).content.decode() for url in urls)
    assert "Show more" not in short
    assert '<details class="folded">' in long
    page = superuser_client.get(CHANGELIST_URL).content.decode()
    assert "Show all 12" in page
    assert page.count("?site=films") == 12


def test_it_unfolds_a_filter_to_its_selected_choice(superuser_client):
    for number in range(12):
        video = complete(f"v{number}")
        Video.objects.filter(pk=video.pk).update(host=f"films{number:02}.example")
    whole = re.compile(r'<details data-filter-title="site"\s*(open)?\s*>')
    folded = re.compile(r'<details class="more"\s+data-filter-title="site, all"\s*(open)?\s*>')
    for query, is_open in (
        ("", (None, None)),
        ("?site=films00.example", ("open", None)),
        ("?site=films11.example", ("open", "open")),
    ):
        page = superuser_client.get(CHANGELIST_URL + query).content.decode()
        assert (whole.search(page)[1], folded.search(page)[1]) == is_open


def test_it_unfolds_the_days_where_one_is_selected(superuser_client):
    complete()
    days = re.compile(r'<details class="toplinks"\s+data-filter-title="date"\s*(open)?\s*>')
    year = Video.objects.get().added_at.year
    for query, expected in (("", None), ("?status__exact=complete", None), (f"?added_at__year={year}", "open")):
        assert days.search(superuser_client.get(CHANGELIST_URL + query).content.decode())[1] == expected


def test_the_list_stays_light(superuser_client):
    for number in range(60):
        complete(f"v{number}")
    Video.objects.update(thumbnail="id/thumbnail.jpg", error="x" * 300, status="failed")
    page = superuser_client.get(CHANGELIST_URL).content
    assert page.count(b'class="reason"') == 50
    assert page.count(b"data-video-id=") == 50
    assert page.count(b"size=small") == 50
    assert len(page) < 100_000


def test_the_choice_of_actions_begins_with_words(superuser_client):
    complete("a")
    page = superuser_client.get(CHANGELIST_URL).content.decode()
    assert '<option value="" selected>Choose an action</option>' in page
    assert 'class="action-select" aria-label="Select Film a">' in page
    assert "-----" not in page
