"""Pages for each role: they have the buttons that will be obeyed, and no other; what is refused is explained."""

import re
from urllib.parse import urlsplit

import pytest
from django.urls import resolve

from downloads.accounts.permissions import ROLES
from downloads.tests.support.access_rules import ANYONE, NOBODY, RULES, SIGNED_IN
from downloads.tests.support.admin import CHANGELIST_URL
from downloads.tests.support.factories import complete, failed, running, waiting
from downloads.tests.support.page_addresses import page_addresses
from downloads.tests.support.responses import HTMX_HEADERS
from downloads.tests.support.users import make_user, role_group

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_server")]
ACTION_ATTRIBUTES = {"action", "formaction", "hx-post"}
ADD = {"urls": "http://93.184.215.14/<one>.mp4", "quality": "best"}


@pytest.fixture
def videos():
    # Several of a kind, since a button for all of them is shown only where there are two.
    ended = [failed("failed"), failed("failed2"), complete("complete")]
    return [*ended, running("running"), waiting("waiting"), waiting("waiting2")]


def pages(client, videos, *, is_staff=False) -> str:
    ids = [video.video_id for video in videos]
    urls = ["/", "/activity/", *(video.get_absolute_url() for video in videos), *([CHANGELIST_URL] if is_staff else [])]
    cards = [client.get("/videos/cards", {"id": ids, "as": kind}) for kind in ("card", "detail", "admin")]
    responses = [*(client.get(url) for url in urls), *cards]
    assert {response.status_code for response in responses} == {200}
    return "".join(response.content.decode() for response in responses)


def needed_permissions(page: str) -> dict[str, set[str]]:
    """Return what the buttons and forms of a page need, by the names of their URLs."""
    needed: dict[str, set[str]] = {}
    for attribute, address in page_addresses(page):
        name = resolve(urlsplit(address).path).view_name if attribute in ACTION_ATTRIBUTES else ""
        if not name.startswith(("admin:", "django.")) and name not in ("many", "logout"):
            needs = {rule.needs for rule in RULES.get(name, ()) if rule.method == "POST"} - {NOBODY, ANYONE}
            needed |= {name: needs} if needs else {}
    for do in re.findall(r'name="do"\s+value="(\w+)"', page):
        rules = [rule for rule in RULES["many"] if rule.data.get("do") == do]
        needed[f"many {do}"] = {rule.needs for rule in rules}
    return needed


BUTTONS = {
    "viewer": set(),
    "editor": {"add", "retry", "cancel", "front", "again", "many cancel", "many retry", "many front"},
}
BUTTONS["manager"] = BUTTONS["editor"] | {
    "delete",
    "many delete",
    "queue-pause",
    "queue-cancel-all",
    "queue-retry-failed",
}


@pytest.mark.parametrize("is_staff", [False, True], ids=["", "staff"])
@pytest.mark.parametrize("role", [*ROLES, "superuser"])
def test_each_role_gets_the_buttons_that_it_may_press(client, videos, role, is_staff):
    if role == "superuser" and not is_staff:
        pytest.skip("superusers are staff")
    user = make_user("bob", role, **({} if role == "superuser" else {"is_staff": is_staff}))
    client.force_login(user)

    needed = needed_permissions(pages(client, videos, is_staff=is_staff))

    permissions = ROLES["manager" if role == "superuser" else role]
    assert {name for name, needs in needed.items() if not needs <= permissions | {SIGNED_IN}} == set(), (
        "these would be refused"
    )
    missing = BUTTONS["manager" if role == "superuser" else role] - needed.keys()
    assert missing == set()


def test_strangers_get_no_button(client, videos):
    assert needed_permissions(pages(client, videos)) == {}


def test_cards_of_one_person_are_not_those_of_another(client, videos):
    texts = {}
    for role in ("manager", "viewer", "editor", "manager"):
        user = make_user(f"{role}{len(texts)}", role)
        client.force_login(user)
        for path in ("/activity/", "/videos/cards?id=" + "&id=".join(video.video_id for video in videos)):
            response = client.get(path)
            assert "Cookie" in response.headers["Vary"]
            buttons = {name for name in ("cancel", "delete", "retry") if f'/{name}"' in response.content.decode()}
            texts.setdefault(role, set()).add(frozenset(buttons))

    everything = frozenset({"cancel", "delete", "retry"})
    assert texts == {"manager": {everything}, "editor": {everything - {"delete"}}, "viewer": {frozenset()}}


# Refusals -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "url", "needed"),
    [
        ("viewer", "/videos/{id}/retry", "editor"),
        ("editor", "/videos/{id}/delete", "manager"),
        ("editor", "/queue/pause", "manager"),
        ("", "/videos/add/", "editor"),
    ],
)
def test_a_refusal_names_the_role_and_who_gives_it(client, role, url, needed):
    client.force_login(make_user("bob", role))
    path = url.format(id=failed().video_id)

    page = client.post(path)
    part = client.post(path, **HTMX_HEADERS)

    for response in (page, part):
        text = response.content.decode()
        assert response.status_code == 403
        assert f"needs the role “{needed}”, which your account does not have" in text
        assert "An administrator of this archive can give it to you." in text
    assert "You are signed in as bob" in page.content.decode()
    assert "<html" not in part.content.decode()
    assert (part["HX-Retarget"], part["HX-Reselect"]) == ("[data-part='messages']",) * 2


def test_a_refused_form_keeps_what_was_pasted(client):
    client.force_login(make_user("bob", "viewer"))

    refused = client.post("/videos/add/", ADD).content.decode()
    prefilled = client.get("/", ADD).content.decode()

    for page in (refused, prefilled):
        assert "http://93.184.215.14/&lt;one&gt;.mp4</textarea>" in page
        assert "needs the role “editor”" in page


def test_a_long_list_of_a_viewer_is_refused_before_it_is_read(client):
    client.force_login(make_user("bob", "viewer"))

    response = client.post("/videos/add/", {**ADD, "urls": "x" * 300_000}, **HTMX_HEADERS)

    assert "needs the role “editor”" in response.content.decode()


def test_a_role_that_was_taken_counts_from_the_next_request(client):
    user = make_user("bob", "manager")
    client.force_login(user)
    video = complete()
    assert '/delete"' in client.get(video.get_absolute_url()).content.decode()

    user.groups.set([role_group("viewer")])

    assert '/delete"' not in client.get(video.get_absolute_url()).content.decode()
    assert client.post(f"/videos/{video.video_id}/delete").status_code == 403


def test_a_message_offers_no_undo_to_those_who_may_not(client):
    user = make_user("bob", "editor")
    client.force_login(user)
    client.post(f"/videos/{failed().video_id}/retry")
    user.groups.clear()

    page = client.get("/").content.decode()

    assert "Retrying a.example" in page
    assert "Undo" not in page


def test_staff_with_one_permission_is_refused_where_the_pages_refuse(client):
    client.force_login(make_user("bob", "viewer", is_staff=True))
    video = failed()

    for action in ("retry", "delete_selected"):
        response = client.post(CHANGELIST_URL, {"action": action, "_selected_action": [video.pk]})
        assert response.status_code == 403
        assert "needs the role" in response.content.decode()
    assert "History" in client.get(f"{CHANGELIST_URL}{video.pk}/change/").content.decode()
    video.refresh_from_db()
    assert video.status == "failed"
