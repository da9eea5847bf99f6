"""A walk through the archive in Firefox, with `manage.py up`: for `make soak`, where Firefox is installed."""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from downloads.tests.support import clips, required_programs
from downloads.tests.support.firefox import launch_firefox
from downloads.tests.support.media_server import Answer, MediaServer
from downloads.tests.support.pages import VIEWPORTS, add_urls, open_signed_in, sign_out, wait_until_stable
from downloads.tests.support.processes import ArchiveProcess, temporary_archive

pytestmark = [pytest.mark.soak, pytest.mark.chromium, pytest.mark.processes, pytest.mark.timeout(400)]

# Firefox itself decodes these; H.264 only with a library of the system.
WEBM = ["-c:v", "libvpx", "-deadline", "realtime", "-b:v", "80k", "-c:a", "libopus"]
CLIP_SECONDS = 60
CHAPTERS = {0: "Begin", 20: "Middle", 40: "End"}
ARRIVAL_MS = 90_000
BAR_GROWS = """() => {
  const bar = document.querySelector("[data-video-id] [role=progressbar]");
  (window.seenValues ??= new Set()).add(bar?.getAttribute("aria-valuenow"));
  return window.seenValues.size >= 4;
}"""
HAS_PICTURE = "() => document.querySelector('video').readyState >= HTMLMediaElement.HAVE_CURRENT_DATA"
IS_WIDER_THAN_WINDOW = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Walk:
    """One person in Firefox; every page is looked at in two widths."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url
        self.complaints: list[str] = []
        self.screenshots = os.environ.get("SCREENSHOTS")
        page.on("console", lambda message: self.hear(message.type, message.text))
        page.on("pageerror", lambda error: self.hear("error", str(error)))

    def hear(self, kind: str, text: str) -> None:
        # For a screenshot, Playwright adds a style, which the content policy forbids.
        is_ours = not (self.screenshots and "blocked an inline style" in text)
        if kind in ("error", "warning") and is_ours:
            self.complaints.append(f"{self.page.url}: {text}")

    def look(self, name: str) -> None:
        """Look at the page on a phone and on a desk: nothing is wider than the window."""
        for size in ("phone", "desk"):
            self.page.set_viewport_size(VIEWPORTS[size])  # type: ignore[arg-type]
            wait_until_stable(self.page)
            assert not self.page.evaluate(IS_WIDER_THAN_WINDOW), f"{name}, {size}"
            if self.screenshots:
                self.page.screenshot(path=Path(self.screenshots, f"firefox-{name}-{size}.png"))

    def open(self, path: str) -> None:
        self.page.goto(self.url + path)
        self.expect_live()

    def expect_live(self) -> None:
        expect(self.page.locator("html[data-connection=live]")).to_be_attached()

    def menu(self, title: str) -> Locator:
        """Open the menu of a card, which shows its button where no device can hover."""
        self.page.get_by_role("button", name=f"More for {title}").click()
        return self.page.locator(".card-menu:popover-open")

    # The steps ---------------------------------------------------------------------------------

    def add(self, *links: str) -> None:
        """Add links by the sheet, and see a bar grow in Activity until all have arrived in the library."""
        self.open("activity/")
        add_urls(self.page, *links)
        self.page.wait_for_function(BAR_GROWS, timeout=ARRIVAL_MS)
        self.look("activity")
        library = self.page.context.new_page()
        library.goto(self.url)
        expect(library.locator("[data-video-id][data-status=complete]")).to_have_count(len(links), timeout=ARRIVAL_MS)
        library.close()
        expect(self.page.locator("[data-video-id]")).to_have_count(0, timeout=ARRIVAL_MS)

    def cancel_and_undo(self, link: str) -> None:
        """Cancel a download that runs, and take it back; then cancel it for good."""
        add_urls(self.page, link)
        row = self.page.locator("[data-video-id]")
        for button in ("Cancel", "Undo", "Cancel"):
            place = self.page.locator(".message") if button == "Undo" else row
            place.get_by_role("button", name=re.compile(f"^{button}")).first.click()
            status = re.compile("queued|downloading") if button == "Undo" else "cancelled"
            expect(row.first).to_have_attribute("data-status", status)
        self.look("cancelled")

    def search(self) -> None:
        self.open("")
        box = self.page.get_by_role("searchbox", name="Search the archive")
        box.fill("canal")
        expect(self.page.get_by_role("heading", name="Results for “canal”")).to_be_visible()
        expect(self.page.locator(".grid [data-title]")).to_have_text([re.compile("Ice on the canal")])
        self.look("search")
        box.fill("")
        expect(self.page.locator(".grid > li")).to_have_count(2)

    def watch(self) -> None:
        """Play, seek by a chapter and by its bar, and choose a speed."""
        self.page.get_by_role("link", name="Ice on the canal").first.click()
        self.expect_live()
        player = self.page.locator("video")
        self.page.wait_for_function(HAS_PICTURE)
        expect(self.page.locator("main[data-unplayable]")).to_have_count(0)
        player.evaluate("(video) => { video.muted = true; }")
        self.page.keyboard.press("k")
        expect(player).to_have_js_property("paused", False)
        self.page.get_by_role("region", name="Chapters").get_by_role("link", name="Middle").click()
        self.page.wait_for_function("() => document.querySelector('video').currentTime >= 20")
        expect(self.page.locator("[data-chapter][aria-current]")).to_contain_text("Middle")
        self.page.keyboard.press("k")
        expect(player).to_have_js_property("paused", True)
        self.page.get_by_role("slider", name="Seek").fill("45")
        expect(player).to_have_js_property("currentTime", 45)
        expect(self.page.locator("[data-chapter-title]")).to_have_text("End")
        self.page.get_by_label("Speed").select_option("1.5")
        expect(player).to_have_js_property("playbackRate", 1.5)
        self.look("video")
        self.open("")
        self.page.get_by_role("link", name="Ice on the canal").first.click()
        expect(player).to_have_js_property("playbackRate", 1.5)
        expect(self.page.get_by_text("Resumed at 0:45")).to_be_visible()

    def press_keys(self) -> None:
        keys = self.page.get_by_role("dialog", name="Keyboard shortcuts")
        for path in (None, "activity/"):
            if path:
                self.open(path)
            self.page.keyboard.press("?")
            expect(keys).to_be_visible()
            self.look("keys")
            self.page.keyboard.press("Escape")
            expect(keys).to_be_hidden()

    def use_card_menu(self) -> None:
        self.open("")
        assert self.page.evaluate("() => matchMedia('(hover: none)').matches")
        self.page.get_by_role("button", name="More for Night trains").click()
        self.look("menu")
        self.page.keyboard.press("Escape")
        self.menu("Night trains").get_by_role("button", name="Mark as watched").click()
        expect(self.page.locator(".message")).to_contain_text("Night trains")
        self.page.locator(".message").get_by_role("button", name="Undo").click()

    def change_theme(self, theme: str) -> None:
        self.page.get_by_role("button", name="Account of").click()
        self.page.get_by_role("button", name=theme, exact=True).click()
        expect(self.page.locator(f"html[data-theme={theme.lower()}]")).to_be_attached()
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#account-menu")).to_be_hidden()

    def visit_all(self, theme: str) -> None:
        """Look at each page in one theme."""
        self.change_theme(theme)
        for name in (
            "",
            "activity/",
            "channels/",
            "subscriptions/",
            "subscriptions/follow/",
            "videos/add/",
            "account/",
        ):
            self.page.goto(self.url + name)
            self.look(f"{name.strip('/').replace('/', '-') or 'library'}-{theme.lower()}")
        self.open("")
        self.page.get_by_role("link", name="Ice on the canal").first.click()
        self.page.wait_for_function(HAS_PICTURE)
        self.look(f"video-{theme.lower()}")
        self.open("")

    def delete(self) -> None:
        """Keep a video after all, and then delete it; the library shows so without being loaded again."""
        self.page.evaluate("() => { window.mine = true; }")
        dialog = self.page.get_by_role("dialog")
        for answer in ("Keep", "Delete"):
            self.menu("Night trains").get_by_role("button", name="Delete").click()
            expect(dialog).to_contain_text("This permanently deletes the video file")
            if answer == "Keep":
                self.look("delete")
            dialog.get_by_role("button", name=answer).click()
            expect(dialog).to_be_hidden()
        expect(self.page.locator(".message")).to_contain_text("Deleted Night trains")
        expect(self.page.locator(".grid [data-title]")).to_have_text([re.compile("Ice on the canal")])
        assert self.page.evaluate("() => window.mine")


def publish_film(media_server: MediaServer, title: str, rate: int) -> str:
    """Return the link of a page whose film has chapters; it sends so many bytes per second."""
    name = title.partition(" ")[0].lower()
    film = {
        "@context": "https://schema.org",
        "@type": "VideoObject",
        "name": title,
        "description": f"The film “{title}”.",
        "thumbnailUrl": media_server.url("/thumb.jpg"),
        "contentUrl": media_server.url(f"/slow/{name}.webm?of=clip.webm&rate={rate}"),
        "hasPart": [{"@type": "Clip", "name": name, "startOffset": start} for start, name in CHAPTERS.items()],
    }
    page = f'<!doctype html><title>{title}</title><script type="application/ld+json">{json.dumps(film)}</script>'
    media_server.answers[f"/{name}.html"] = Answer(page.encode(), "text/html; charset=utf-8")
    return media_server.url(f"/{name}.html")


@pytest.fixture
def firefox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Browser]:
    path = required_programs.require_program("firefox")
    with contextlib.closing(launch_firefox(request.getfixturevalue("playwright"), path, tmp_path)) as browser:
        yield browser


@pytest.fixture
def running_archive(tmp_path: Path, prepared_data: Path) -> Iterator[ArchiveProcess]:
    with temporary_archive(tmp_path, prepared=prepared_data) as archive:
        archive.start("up", "--port", "0", "--workers", "2", YTARCHIVE_ALLOW_PRIVATE_HOSTS="1", YTARCHIVE_HOST_GAP="0")
        archive.await_ready()
        yield archive


def test_a_person_walks_through_the_archive_in_firefox(
    firefox: Browser, running_archive: ArchiveProcess, media_server: MediaServer
) -> None:
    sources = [*clips.VIDEO_SOURCE, *clips.AUDIO_SOURCE, "-t", str(CLIP_SECONDS)]
    clips.run_ffmpeg(*sources, *WEBM, media_server.folder / "clip.webm")
    page = open_signed_in(firefox.new_context(viewport=VIEWPORTS["desk"]), running_archive)  # type: ignore[arg-type]
    walk = Walk(page, running_archive.await_ready())
    films = [
        publish_film(media_server, title, rate)
        for title, rate in (("Ice on the canal", 150_000), ("Night trains", 300_000))
    ]

    walk.add(*films)
    walk.cancel_and_undo(media_server.url("/hang/film.mp4"))
    walk.search()
    walk.watch()
    walk.press_keys()
    walk.use_card_menu()
    for theme in ("Light", "Dark"):
        walk.visit_all(theme)
    walk.delete()
    sign_out(walk.page)

    assert not walk.complaints
