"""Pages in forced colours, and filters in large text: nothing is lost, cut, or on top of another."""

import io

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from downloads.models import Video
from downloads.tests.support.factories import complete, running, waiting
from downloads.tests.support.pages import open_activity, open_live_page, progress_bar, wait_until_stable
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.chromium, pytest.mark.processes]

# What is selected in a field has room beside the arrow, each has its place, and the row is as high as they are.
FILTER_FAULTS = """() => {
  // On phones, one row has the filters and the order; else each has its own.
  const rowOf = (select) => [".chips", ".order", ".filters"].map((name) => select.closest(name))
    .find((row) => row?.getClientRects().length).getBoundingClientRect();
  const context = document.createElement("canvas").getContext("2d");
  const faults = [];
  let end = -Infinity, line = 0;
  const place = (select) => select.getBoundingClientRect();
  const selects = [...document.querySelectorAll(".filters select")];
  // In the order that is seen: on phones what is set comes first.
  selects.sort((a, b) => place(a).top - place(b).top || place(a).left - place(b).left);
  for (const select of selects) {
    const box = select.getBoundingClientRect(), style = getComputedStyle(select), row = rowOf(select);
    context.font = style.font;
    const words = select.selectedOptions[0].label;
    const padding = parseFloat(style.paddingLeft) + parseFloat(style.paddingRight);
    const room = select.clientWidth - padding;
    const isCut = context.measureText(words).width > room + 1 && style.maxWidth !== style.width;
    if (isCut) faults.push([words, "cut", room]);
    if (parseFloat(style.paddingRight) < 24) faults.push([words, "under the arrow"]);
    if (box.top < row.top - 1 || box.bottom > row.bottom + 1) faults.push([words, "higher than the row"]);
    if (box.top > line + 1) [end, line] = [-Infinity, box.top];
    if (box.left < end - 1) faults.push([words, "on top of another"]);
    end = box.right;
  }
  if (document.documentElement.scrollWidth > innerWidth) faults.push(["the page", "too wide"]);
  return faults;
}"""
BORDER = "(link) => getComputedStyle(link).borderBottomColor"


def colors_along(element: Locator, *shares: float) -> list[tuple[int, ...]]:
    """Return the colours on a line through the middle of an element, at these shares of its width.

    The picture is of the page, since the element may be replaced by a fresh one meanwhile.
    """
    box = element.bounding_box()
    assert box
    picture = Image.open(io.BytesIO(element.page.screenshot(caret="initial", clip=box))).convert("RGB")  # type: ignore
    return [picture.getpixel((int(picture.width * share), picture.height // 2)) for share in shares]  # type: ignore


def test_forced_colors_lose_nothing(page: Page, site, sign_in):
    complete("a")
    half = running("half", percent=50.0)
    waiting("b")
    sign_in(page)
    page.emulate_media(forced_colors="active")
    open_activity(page, site)
    assert page.evaluate("matchMedia('(forced-colors: active)').matches")
    wait_until_stable(page)
    # A screenshot may show what was drawn before the colours were forced.
    bar = progress_bar(page, half)
    wait_until(lambda: len(set(colors_along(bar, 0.2, 0.8))) == 2, "the bar's halves have colours of their own")
    # The line below the current page, and no lines below the others.
    links = page.get_by_role("navigation", name="Main").get_by_role("link")
    current = page.get_by_role("link", name="Activity", exact=True)
    lines = [link.evaluate(BORDER) for link in links.all()]
    assert lines.count(current.evaluate(BORDER)) == 1
    page.get_by_role("button", name="Account of").click()
    leave = page.get_by_role("button", name="Sign out")
    assert float(leave.evaluate("button => getComputedStyle(button).paddingLeft").removesuffix("px")) >= 8
    page.keyboard.press("Escape")
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        open_live_page(page, site, "/?length=medium")
        wait_until_stable(page)
        assert page.evaluate(FILTER_FAULTS) == [], width
        chip = page.locator(".chip.set select")
        assert chip.evaluate("select => getComputedStyle(select).borderTopWidth") == "2px"
        # Whatever is focused has an outline.
        page.locator("[data-title]").first.focus()
        page.keyboard.press("Home")
        outline = page.locator(".card").first.evaluate("card => getComputedStyle(card).outlineStyle")
        assert outline == "solid", width


def test_filters_have_room_for_large_text(page: Page, site, sign_in):
    complete("a")
    Video.objects.update(uploader="A name of some length")
    sign_in(page)
    open_live_page(page, site, "/?uploader=A+name+of+some+length&length=medium")
    for width in (320, 390, 900, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        for text_size in ("100%", "200%"):
            page.evaluate("size => { document.documentElement.style.fontSize = size; }", text_size)
            wait_until_stable(page)
            assert page.evaluate(FILTER_FAULTS) == [], (width, text_size)
    expect(page.locator(".chip.set")).to_have_count(2)
