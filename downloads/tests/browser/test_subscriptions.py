"""End-to-end test of a subscription: follow a feed with `manage.py up`, see it grow live, filter, delete, unfollow."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from downloads.tests.support.media_server import MediaServer
from downloads.tests.support.pages import open_signed_in
from downloads.tests.support.playlist_site import PlaylistSite, playlist_site
from downloads.tests.support.processes import ArchiveProcess, temporary_archive

__all__ = ["playlist_site"]

pytestmark = [pytest.mark.chromium, pytest.mark.processes, pytest.mark.timeout(240)]
CHECK_MS = 60_000


@pytest.fixture(scope="module")
def running_archive(tmp_path_factory: pytest.TempPathFactory, prepared_data: Path) -> Iterator[ArchiveProcess]:
    with temporary_archive(tmp_path_factory.mktemp("up"), prepared=prepared_data) as archive:
        environment = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1", "YTARCHIVE_PER_HOST": "8", "YTARCHIVE_HOST_GAP": "0"}
        archive.start("up", "--port", "0", "--workers", "2", **environment)
        archive.await_ready()
        yield archive


@pytest.fixture
def page(context: BrowserContext, running_archive: ArchiveProcess) -> Page:
    return open_signed_in(context, running_archive)


def expect_tab(page: Page, label: str, count: int) -> None:
    expect(page.locator(".subscription-tabs a", has_text=re.compile(rf"^\s*{label}\s+{count}\s*$"))).to_be_visible(
        timeout=CHECK_MS
    )


def check_now(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Check .* now$")).click(timeout=CHECK_MS)


def test_a_feed_is_followed_filtered_and_left(
    page: Page, running_archive: ArchiveProcess, media_server: MediaServer, playlist_site: PlaylistSite
) -> None:
    def publish(*titles: str) -> None:
        names = [title.lower().replace(" ", "-") for title in titles]
        playlist_site.items[:0] = [
            (title, media_server.url(f"/named/{name}.mp4"), name) for title, name in zip(titles, names, strict=True)
        ]

    url = running_archive.await_ready()
    publish("Film one", "Film two")
    page.goto(f"{url}subscriptions/")
    page.get_by_role("link", name="Follow a channel").click()
    page.locator(".follow-page").get_by_label("Links", exact=True).fill(media_server.url("/guids"))
    page.get_by_label("How many of the newest").fill("3")
    expect(page.get_by_label("The newest", exact=True)).to_be_checked()
    page.get_by_label("Everything").check()
    page.get_by_role("button", name="Follow", exact=True).click()
    expect_tab(page, "Added", 2)
    expect(page.get_by_role("heading", name="Films")).to_be_visible()

    # What is new arrives on the open page.
    publish("Talk on bees")
    check_now(page)
    expect(page.get_by_role("link", name="Talk on bees")).to_be_visible(timeout=CHECK_MS)
    expect_tab(page, "Added", 3)

    page.get_by_role("link", name="Settings").first.click()
    page.get_by_label("Title contains").fill("talk")
    page.get_by_role("button", name="Preview the filters").click()
    expect(page.get_by_text("Of 3 seen, 1 match, 2 fewer than now.")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    publish("Film three")
    check_now(page)
    expect_tab(page, "Filtered out", 1)
    page.locator(".subscription-tabs a", has_text="Filtered out").click()
    expect(page.get_by_text("The title does not contain “talk”.")).to_be_visible()
    selected = page.get_by_role("checkbox", name="Select Film three")
    page.get_by_label("Select all").check()
    expect(selected).to_be_checked()
    page.get_by_label("Select all").uncheck()
    expect(selected).not_to_be_checked()
    selected.check()
    expect(page.get_by_label("Select all")).to_be_checked()
    page.get_by_role("button", name="Clear selection").click()
    expect(page.get_by_label("Select all")).not_to_be_checked()
    page.get_by_role("button", name="Fetch Film three").click()
    expect_tab(page, "Added", 4)
    subscription_url = page.url.partition("?")[0]

    # What is deleted stays away.
    page.locator(".subscription-tabs a", has_text="Added").click()
    page.get_by_role("link", name="Talk on bees").click()
    expect(page.locator("[data-video-id][data-status=complete]")).to_be_attached(timeout=CHECK_MS)
    page.reload()  # nothing more changes there, so that the menu stays open
    page.get_by_role("button", name="More actions").click()
    page.get_by_role("button", name=re.compile("^Delete")).click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.wait_for_url(url)
    page.goto(subscription_url)
    expect_tab(page, "Removed", 1)
    publish("Talk on wasps")
    check_now(page)
    expect_tab(page, "Added", 4)
    expect_tab(page, "Removed", 1)

    page.get_by_role("link", name="Unsubscribe").click()
    page.get_by_role("button", name="Unsubscribe").click()
    expect(page.get_by_text("No longer following Films. Its videos stay.")).to_be_visible()
    page.goto(url)
    expect(page.locator("[data-video-id][data-status=complete]")).to_have_count(4, timeout=CHECK_MS)
