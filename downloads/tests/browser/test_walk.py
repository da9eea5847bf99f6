"""A walk through all that a person does in an archive, from the first sign-in to the last sign-out."""

import itertools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Browser, Locator, Page, expect

from downloads.models import Metadata, Video
from downloads.tests.support.factories import FIRST_URL, SECOND_URL, finish_video, publish_percent
from downloads.tests.support.pages import VIEWPORTS, add_urls, card, card_menu, open_add_form, progress_bar, sign_out
from downloads.tests.support.site import PASSWORD, ServerUnderTest

pytestmark = [pytest.mark.chromium, pytest.mark.processes, pytest.mark.timeout(240)]

TITLES = {FIRST_URL: "Ice on the canal", SECOND_URL: "Night trains"}
# Two walks have each size, scheme, and scripts or none; the others are for `make soak`.
SHORT_WALKS = {("desk", "light", True), ("phone", "dark", False)}


class Walk:
    """One person in one browser; what a worker would do with the videos, the test does to their rows."""

    def __init__(self, page: Page, site: ServerUnderTest, clip: str, *, scripts: bool) -> None:
        self.page = page
        self.site = site
        self.clip = clip
        self.scripts = scripts
        self.videos: dict[str, Video] = {}
        self.errors: list[str] = []
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def go(self, path: str) -> None:
        self.page.goto(self.site.url + path)
        self.settle()

    def settle(self) -> None:
        """Wait until the page is live, if scripts run."""
        state = "live" if self.scripts else "off"
        expect(self.page.locator("html")).to_have_attribute("data-connection", state)

    def follow(self, name: str | re.Pattern[str], within: Locator | None = None) -> None:
        """Follow a link by its name."""
        (within or self.page).get_by_role("link", name=name).first.click()

    def see_changes(self) -> None:
        """Have the page show what has changed: a live page does so by itself."""
        if not self.scripts:
            self.page.reload()

    def heading(self, name: str | re.Pattern[str]) -> Locator:
        return self.page.get_by_role("heading", name=name)

    # The steps ---------------------------------------------------------------------------------

    def sign_in(self) -> None:
        """Sign in by the form, to the empty archive that invites."""
        self.go("/")
        self.follow("Sign in")
        self.page.get_by_label("Username", exact=True).fill("ada")
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.keyboard.press("Enter")
        expect(self.heading("Your archive is empty")).to_be_visible()

    def add(self) -> None:
        """Add two links by the sheet, or its page; one line that is none stays in it."""
        add_urls(self.page, FIRST_URL, SECOND_URL, "nonsense")
        expect(self.page.get_by_role("alert")).to_contain_text("2 added. 1 was not:")
        field = open_add_form(self.page)
        expect(field).to_have_value("nonsense")

    def download(self) -> None:
        """See both downloads run in Activity, and the first one arrive in the library."""
        self.go("/activity/")
        for number, url in enumerate(TITLES):
            video = Video.objects.claim("w")
            assert video
            assert video.url == url
            assert video.save_metadata(Metadata(title=TITLES[url], uploader="Ada", duration=60))
            assert video.renew_lease(percent=40.0 + number)
            publish_percent(video, 40 + number)
            self.videos[TITLES[url]] = video
        self.see_changes()
        for number, video in enumerate(self.videos.values()):
            expect(progress_bar(self.page, video)).to_have_attribute("aria-valuenow", f"{40 + number}")
        self.go("/")
        expect(self.page.get_by_role("button", name="Downloads: 2 running, 0 waiting")).to_be_visible()
        for title, video in self.videos.items():
            finish_video(video, self.clip)
            self.see_changes()
            expect(card(self.page, video)).to_contain_text(title)
        expect(self.page.locator(".grid > li")).to_have_count(2)

    def use_card_menu(self) -> None:
        """Mark a video as watched by its menu; it is then not among the unwatched ones."""
        seen = self.videos["Ice on the canal"]
        card_menu(self.page, seen).get_by_role("button", name="Mark as watched").press("Enter")
        expect(self.page.locator(".messages")).to_contain_text("Ice on the canal")
        self.follow("Unwatched")
        expect(card(self.page, seen)).to_have_count(0)
        expect(card(self.page, self.videos["Night trains"])).to_be_visible()
        self.follow("All")
        expect(card(self.page, seen)).to_be_visible()

    def choose_layout(self) -> None:
        """See the library as a list, and as cards again."""
        for layout in ("List", "Cards"):
            self.page.get_by_role("button", name="View").click()
            self.page.get_by_role("button", name=layout, exact=True).click()
            expect(self.page.locator(".grid")).to_have_class("grid list" if layout == "List" else "grid")
        self.settle()

    def watch(self) -> None:
        """Play a video, and go on to what is up next."""
        self.follow("Night trains", card(self.page, self.videos["Night trains"]))
        expect(self.heading("Night trains")).to_be_visible()
        player = self.page.locator("video")
        expect(player).to_have_js_property("readyState", 4)
        if self.scripts:
            self.settle()
            player.evaluate("(video) => { video.muted = true }")
            self.page.keyboard.press("k")
            expect(player).to_have_js_property("paused", False)
            self.page.keyboard.press("k")
            expect(player).to_have_js_property("paused", True)
            self.page.keyboard.press("?")
            expect(self.page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
            self.page.keyboard.press("Escape")
        self.page.locator("main [rel=next]").first.click()
        expect(self.heading("Ice on the canal")).to_be_visible()

    def visit_collections(self) -> None:
        """Open a playlist, the channels, and the subscriptions."""
        Video.objects.ingest("https://films.example.org/list", "https://films.example.org/list")
        playlist = Video.objects.claim("w")
        assert playlist
        assert playlist.save_metadata(Metadata(title="Two films", uploader="Ada"))
        playlist.complete_as_playlist("Two films", "Playlist: 2 videos added.")
        Video.objects.filter(pk__in=[video.pk for video in self.videos.values()]).update(parent=playlist)
        self.go("/?kind=list")
        self.follow("Two films", card(self.page, playlist))
        expect(self.page.locator(".playlist-rows li")).to_have_count(2)
        self.follow("Play all")
        expect(self.heading(re.compile("Ice on the canal|Night trains"))).to_be_visible()
        self.sections("Channels")
        self.follow("Ada", self.page.locator(".channels"))
        expect(self.heading("Ada")).to_be_visible()
        expect(self.page.locator(".grid > li")).to_have_count(2)
        self.sections("Subscriptions")
        expect(self.heading("Subscriptions").first).to_be_visible()

    def sections(self, name: str) -> None:
        """Go to a page by the bar of pages."""
        self.follow(name, self.page.get_by_role("navigation", name="Main"))

    def search(self) -> None:
        self.sections("Library")
        box = self.page.get_by_role("searchbox", name="Search the archive")
        box.fill("trains")
        if not self.scripts:
            box.press("Enter")
        expect(self.heading("Results for “trains”")).to_be_visible()
        expect(self.page.locator(".grid [data-title]")).to_have_text(["Night trains"])

    def change_theme(self) -> None:
        """Choose the dark theme by the account menu, and the system's again."""
        for theme in ("Dark", "System"):
            if not self.page.locator("#account-menu").is_visible():
                self.page.get_by_role("button", name="Account of").click()
            self.page.get_by_role("button", name=theme, exact=True).click()
            expect(self.page.locator("html[data-theme=dark]")).to_have_count(1 if theme == "Dark" else 0)

    def manage(self) -> None:
        """Find a video in the admin."""
        if not self.page.locator("#account-menu").is_visible():
            self.page.get_by_role("button", name="Account of").click()
        self.follow("Admin")
        self.follow("Videos")
        expect(self.heading("Videos")).to_be_visible()
        self.follow("Night trains")
        expect(self.heading("Night trains")).to_be_visible()
        expect(self.page.get_by_role("button", name="Download again")).to_be_visible()

    def leave(self) -> None:
        self.go("/")
        sign_out(self.page)
        expect(self.page.get_by_role("link", name="Sign in", exact=True)).to_be_visible()
        expect(card(self.page, self.videos["Night trains"])).to_be_visible()
        assert not self.errors


def walk_parameters() -> Iterator[Any]:
    """Yield each size, scheme and whether scripts run."""
    for size, scheme, scripts in itertools.product(VIEWPORTS, ["light", "dark"], [True, False]):
        marks = [] if (size, scheme, scripts) in SHORT_WALKS else [pytest.mark.soak]
        yield pytest.param(size, scheme, scripts, id=f"{size}-{scheme}-{'live' if scripts else 'plain'}", marks=marks)


@pytest.mark.parametrize(("size", "scheme", "scripts"), list(walk_parameters()))
def test_a_person_walks_through_the_archive(
    browser: Browser, site: ServerUnderTest, long_clip, size, scheme, scripts
) -> None:
    get_user_model().objects.create_superuser("ada", password=PASSWORD)
    context = browser.new_context(viewport=VIEWPORTS[size], color_scheme=scheme, java_script_enabled=scripts)
    walk = Walk(context.new_page(), site, long_clip, scripts=scripts)
    walk.sign_in()
    walk.add()
    walk.download()
    walk.use_card_menu()
    walk.choose_layout()
    walk.watch()
    walk.visit_collections()
    walk.search()
    walk.change_theme()
    walk.manage()
    walk.leave()
    context.close()
