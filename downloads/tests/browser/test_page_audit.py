"""Audit of all pages: on desktop and phone sizes, in light and dark, with and without JavaScript."""

import contextlib
import datetime as dt
import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from downloads.models import Subscription, SubscriptionItem, Video, WatchState
from downloads.tests.support.pages import (
    WCAG_RULES,
    card,
    check_accessibility,
    open_add_form,
    sign_out,
    wait_until_stable,
)
from downloads.tests.support.sample_library import SampleLibrary
from downloads.tests.support.site import PASSWORD, ServerUnderTest
from downloads.tests.support.subscriptions import check_list, claimed, followed, numbered, seen
from downloads.tests.support.users import make_user, role_group
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.chromium, pytest.mark.processes]
SIZES = {"desk": {"width": 1280, "height": 800}, "phone": {"width": 390, "height": 844}}
PICTURES_LOADED = """() => [...document.images].every((picture) => {
  const { top, bottom } = picture.getBoundingClientRect();
  const isShown = picture.getClientRects().length > 0;
  return picture.complete || !isShown || bottom < 0 || top > innerHeight;
})"""
AUDIT_RULES = [*WCAG_RULES, "best-practice"]
ADDRESS = "http://93.184.215.14/one.mp4"  # nothing is fetched without a worker
MAX_HTML_BYTES = 100_000  # bytes
# What is looked at: a size, a colour scheme, and whether scripts run.
Form = tuple[str, str, bool]
# The forms of one visit. In the first, each open page is shown in both, and read for its accessibility in one in turn.
SHORT_VISITS: list[tuple[Form, ...]] = [
    (("phone", "dark", True), ("desk", "light", True)),
    (("phone", "light", False),),
]


@pytest.fixture(scope="module")
def sample_library(tmp_path_factory: pytest.TempPathFactory) -> SampleLibrary:
    return SampleLibrary(tmp_path_factory.mktemp("shelf"))


class PageAuditor:
    """A visit to all pages that audits each of them."""

    def __init__(self, page: Page, site: ServerUnderTest, videos: dict[str, Video], forms: tuple[Form, ...]) -> None:
        self.page = page
        self.site = site
        self.videos = videos
        self.forms = forms
        self.scripts = forms[0][2]
        self.audit_count = 0
        self.errors: list[str] = []
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def go(self, path: str) -> None:
        self.page.goto(self.site.url + path)

    def audit(self, where: str, *, rules: list[str] = AUDIT_RULES) -> None:
        """Check the open page's size, and in each form its layout; its accessibility in one of them."""
        self.audit_count += 1
        for number, form in enumerate(self.forms):
            self.show_in(form)
            wait_until_stable(self.page)
            self.check_form(where, form, rules if self.audit_count % len(self.forms) == number else [])
        assert len(self.page.content().encode()) <= MAX_HTML_BYTES, where
        self.show_in(self.forms[0])
        assert not self.errors, where

    def show_in(self, form: Form) -> None:
        size, scheme, _ = form
        self.page.set_viewport_size(SIZES[size])
        self.page.emulate_media(color_scheme=scheme)

    def check_form(self, where: str, form: Form, rules: list[str]) -> None:
        size, scheme, scripts = form
        assert self.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (where, form)
        if scripts and rules:
            # On a scrolled page the sticky header covers a part of it.
            self.page.evaluate("scrollTo(0, 0)")
            check_accessibility(self.page, f"{where} {size} {scheme}", rules)
        if folder := os.environ.get("SCREENSHOTS"):
            wait_until_stable(self.page)
            wait_until(lambda: self.page.evaluate(PICTURES_LOADED), "the pictures in sight are there")
            name = f"{where}-{size}-{scheme}{'' if scripts else '-plain'}"
            # Hiding the caret would add an inline style, which the content security policy forbids.
            self.page.screenshot(path=Path(folder) / f"{name}.png", caret="initial")

    def card(self, title: str):
        return card(self.page, self.videos[title])

    def sign_in(self) -> None:
        self.go("/accounts/login/")
        self.page.get_by_label("Username", exact=True).fill("ada")
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.site.url}/")
        self.settle()

    def settle(self) -> None:
        """Wait until the page is live, if scripts run."""
        state = "live" if self.scripts else "off"
        expect(self.page.locator("html")).to_have_attribute("data-connection", state)

    def add(self) -> None:
        field = open_add_form(self.page)
        field.fill(f"{ADDRESS}\nnonsense")
        self.page.get_by_role("button", name="Add", exact=True).click()
        expect(field).to_have_value("nonsense")
        expect(self.page.get_by_role("alert")).to_contain_text("nonsense")
        self.videos["added"] = Video.objects.get(url=ADDRESS)
        self.audit("refused")
        self.go("/activity/")
        expect(self.card("added")).to_have_attribute("data-status", "queued")
        self.settle()
        self.audit("activity")
        self.go("/videos/add/")
        self.audit("add")

    def search(self) -> None:
        self.go("/")
        self.settle()
        self.audit("library")
        box = self.page.get_by_role("searchbox")
        box.fill("light")
        if not self.scripts:
            box.press("Enter")
        expect(self.page.get_by_role("heading", name="Results for")).to_be_visible()
        titles = self.page.locator(".grid [data-title]")
        expect(titles.nth(0)).to_have_text("How a lighthouse works")
        expect(titles.nth(1)).to_have_text("Northern lights, real time")
        expect(titles.nth(0).locator("mark")).to_have_text("light")
        self.audit("search")
        box.fill("no such film")
        if not self.scripts:
            box.press("Enter")
        expect(self.page.get_by_text("No results for")).to_be_visible()
        self.audit("nothing")

    def browse(self) -> None:
        """Filter, sort, and look at what has failed."""
        self.go("/")
        self.choose("uploader", "Slow Crafts")
        expect(self.page.locator(".grid > li")).to_have_count(6)
        self.choose("sort", "title")
        expect(self.page.locator(".grid [data-title]").first).to_have_text("Baking rye bread the slow way")
        self.audit("filtered")
        self.page.get_by_role("link", name="Clear filters", exact=True).click()
        expect(self.page.get_by_role("link", name="Clear filters", exact=True)).to_have_count(0)
        self.go("/activity/")
        self.page.get_by_role("link", name=re.compile("^Failed")).click()
        expect(self.card("Wintering bees")).to_be_visible()
        expect(self.card("fens")).to_have_count(0)
        self.audit("failed")

    def visit_collections(self) -> None:
        """Look at the channels, at one of them, and at a playlist."""
        self.go("/channels/")
        self.audit("channels")
        self.page.locator(".channels").get_by_role("link", name="Slow Crafts").click()
        expect(self.page.get_by_role("heading", name="Slow Crafts")).to_be_visible()
        self.audit("channel")
        self.go(self.videos["Mills"].get_absolute_url())
        expect(self.page.locator(".playlist-rows li")).to_have_count(2)
        self.audit("playlist")

    def visit_subscriptions(self) -> None:
        """Look at the subscriptions, at one with what was seen in it, and at the form that follows."""
        subscription = claimed(added_by=None)
        check_list(subscription, numbered(4, 1, duration=754, published=timezone.now() - dt.timedelta(days=40)))
        crafts, _ = followed("https://www.youtube.com/@slowcrafts", name="Slow Crafts", found_at=timezone.now())
        seen(crafts, "rye", "archived", reason="", video=self.videos["Baking rye bread the slow way"])
        followed("https://films.example.org/kitchen", name="Kitchen Garden", active=False)
        refusal = {"failure_count": 2, "error": "The site refused (403)."}
        followed("https://films.example.net/harbour", name="Harbour Films", **refusal)
        SubscriptionItem.objects.filter(state="filtered").update(reason="It is 0:45, under 2:00.", duration=45)
        self.go("/subscriptions/")
        self.settle()
        self.audit("subscriptions")
        self.page.locator(".subscription").get_by_role("link", name="youtube.com/@ada").click()
        expect(self.page.locator(".ledger-item")).to_have_count(4)
        self.settle()
        self.audit("subscription")
        self.go("/subscriptions/follow/")
        self.audit("follow")
        now = timezone.now()
        checked = {
            "lease_token": "",
            "lease_until": None,
            "checked_at": now,
            "next_check_at": now + dt.timedelta(hours=6),
        }
        Subscription.objects.filter(pk=subscription.pk).update(**checked)
        self.go(f"/admin/downloads/subscription/{subscription.pk}/change/")
        self.audit("admin-subscription")
        item = SubscriptionItem.objects.filter(subscription=subscription)[0]
        self.go(f"/admin/downloads/subscriptionitem/{item.pk}/change/")
        self.audit("admin-subscription-item")

    def choose(self, name: str, value: str) -> None:
        self.page.locator(f".filters select[name={name}]").select_option(value)
        if not self.scripts:
            self.page.get_by_role("button", name="Apply", exact=True).click()
        expect(self.page).to_have_url(re.compile(f"{name}="))

    def watch(self) -> None:
        self.go("/")
        self.card("Night trains across the Alps").get_by_role("link", name="Night trains").click()
        expect(self.page.locator("video track[srclang=en]")).to_be_attached()
        player = self.page.locator("video")
        expect(player).to_have_js_property("readyState", 4)
        self.settle()
        if self.scripts:
            player.press("m")
            player.press("k")
            expect(player).to_have_js_property("paused", False)
            player.press("k")
            expect(player).to_have_js_property("paused", True)
        self.audit("detail")
        self.page.locator("a[rel=next]").click()
        # The next one of its channel.
        expect(self.page.get_by_role("heading", name="Why bridges sing")).to_be_visible()
        self.page.locator("a[rel=prev]").click()
        expect(self.page.get_by_role("heading", name="Night trains across the Alps")).to_be_visible()
        for title in ("Wintering bees", "Clay: pit to pot", "fens"):
            self.go(self.videos[title].get_absolute_url())
            self.audit(f"detail-{self.videos[title].status}")

    def act(self) -> None:
        """Cancel, and retry."""
        self.go("/activity/")
        self.settle()
        title = "Clay: pit to pot"
        self.card(title).get_by_role("button", name="Cancel").click()
        expect(self.card(title)).to_have_attribute("data-status", "cancelled")
        self.card(title).get_by_role("button", name="Retry").click()
        expect(self.card(title)).to_have_attribute("data-status", "queued")
        self.audit("acted")

    def delete(self) -> None:
        """Delete one video, then two selected ones, each time through the confirmation."""
        for path, titles in (
            ("/activity/", ["Wintering bees"]),
            ("/", ["Why bridges sing", "The tide mill at Eling"]),
        ):
            self.go(path)
            self.settle()
            if len(titles) > 1:
                for title in titles:
                    self.card(title).get_by_role("checkbox").check()
                selection = self.page.get_by_role("form", name="Selected videos")
                selection.get_by_role("button", name="Delete", exact=True).click()
            else:
                self.card(titles[0]).get_by_role("button", name="Delete").click()
            confirmation = self.page.get_by_role("dialog") if self.scripts else self.page.locator("main")
            expect(confirmation.get_by_role("heading", name="Delete")).to_be_visible()
            self.audit(f"delete-{len(titles)}")
            confirmation.get_by_role("button", name="Delete", exact=True).click()
            for title in titles:
                expect(self.card(title)).to_have_count(0)
        expect(self.page).to_have_url(f"{self.site.url}/")
        self.go("/audit/")
        expect(self.page.locator("main strong", has_text="Deleted").first).to_be_visible()
        self.audit("audit")

    def manage(self) -> None:
        self.go("/admin/")
        self.audit("admin-index")
        self.visit_accounts()
        self.go("/admin/downloads/subscription/")
        self.audit("admin-subscriptions")
        self.go("/admin/downloads/subscriptionitem/")
        self.audit("admin-subscription-items")
        self.go("/admin/downloads/video/")
        self.audit("admin")
        self.page.get_by_role("link", name="Night trains across the Alps", exact=True).click()
        expect(self.page.get_by_role("button", name="Download again")).to_be_visible()
        self.audit("admin-change")
        self.go("/account/")
        self.audit("account")
        self.page.get_by_role("button", name="Account of").click()
        self.audit("account-menu")

    def visit_accounts(self) -> None:
        """Look at the lists of users and groups, at one of each, and at what deletes them."""
        me = get_user_model().objects.get()
        bob = make_user("bob", "editor", email="bob@example.org", first_name="Bob", last_name="Miller")
        Video.objects.filter(pk__in=[video.pk for video in self.videos.values()][:3]).update(added_by=bob)
        WatchState.objects.create(user=bob, video=self.videos["Night trains across the Alps"], position=3)
        self.go("/admin/auth/user/")
        self.audit("admin-users")
        user = f"/admin/auth/user/{bob.pk}"
        self.go(f"{user}/change/")
        self.audit("admin-user")
        self.page.get_by_text("Permissions beyond the roles").click()
        expect(self.page.get_by_label("Delete videos")).to_be_visible()
        self.audit("admin-user-permissions")
        self.go(f"{user}/delete/")
        self.audit("admin-user-delete")
        self.go(f"/admin/auth/user/{me.pk}/delete/")
        self.audit("admin-user-refused")
        self.go(f"/admin/auth/user/{me.pk}/password/")
        self.audit("admin-user-password")
        self.go("/admin/auth/user/add/")
        self.audit("admin-user-add")
        self.go("/admin/auth/user/")
        self.page.locator("tr", has_text="bob").get_by_role("checkbox").check()
        self.audit("admin-users-selected")
        self.page.get_by_role("button", name="Delete selected").click()
        expect(self.page.get_by_role("heading", name="Delete user “bob”?")).to_be_visible()
        self.audit("admin-users-delete")
        self.go("/admin/auth/group/")
        self.audit("admin-groups")
        self.go(f"/admin/auth/group/{role_group('editor').pk}/change/")
        self.audit("admin-group")

    def leave(self) -> None:
        self.go("/")
        sign_out(self.page)
        expect(self.page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
        self.audit("signed-out")
        self.go("/accounts/login/")
        self.audit("sign-in")
        self.go("/videos/nope/")
        self.errors.clear()  # Chromium logs the 404
        self.audit("missing")


def audit_parameters() -> Iterator[Any]:
    """Yield the forms of each visit: the short ones, and each size, scheme and scripts by itself for `make soak`."""
    for forms in SHORT_VISITS:
        yield pytest.param(forms, id=" and ".join(map(form_name, forms)))
    for form in itertools.product(SIZES, ["light", "dark"], [True, False]):
        if (form,) not in SHORT_VISITS:
            yield pytest.param((form,), id=form_name(form), marks=[pytest.mark.soak])


def form_name(form: Form) -> str:
    size, scheme, scripts = form
    return f"{size}-{scheme}-{'live' if scripts else 'plain'}"


@pytest.fixture
def audit(browser: Browser, site: ServerUnderTest, sample_library, request) -> Iterator[PageAuditor]:
    """A visit in the forms of the test's parameter, signed in."""
    get_user_model().objects.create_superuser("ada", password=PASSWORD)
    # The choices of filters are kept for a minute, and those of an earlier test are others.
    site.kill_web()
    site.start_web()
    size, scheme, scripts = request.param[0]
    context = browser.new_context(viewport=SIZES[size], color_scheme=scheme, java_script_enabled=scripts)
    with contextlib.closing(context):
        auditor = PageAuditor(context.new_page(), site, sample_library.fill(), request.param)
        auditor.sign_in()
        yield auditor


# Two tests, so that they run side by side.
@pytest.mark.timeout(300)
@pytest.mark.parametrize("audit", list(audit_parameters()), indirect=True)
def test_every_page_of_lists_passes_the_audit(audit):
    audit.search()
    audit.browse()
    audit.visit_collections()
    audit.visit_subscriptions()
    audit.manage()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("audit", list(audit_parameters()), indirect=True)
def test_every_page_of_actions_passes_the_audit(audit):
    audit.add()
    audit.watch()
    audit.act()
    audit.delete()
    audit.leave()
