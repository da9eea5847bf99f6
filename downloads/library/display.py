"""The display of the library that a browser has chosen, in a cookie: layout, with or without videos of playlists."""

import dataclasses
from collections.abc import Mapping

from django.conf import settings
from django.http import HttpRequest

COOKIE_NAME = f"{settings.COOKIE_PREFIX}_library"
# By value: the word on its button. The first is the default.
LAYOUTS = {"cards": "Cards", "small": "Small cards", "list": "List"}
_ALONE = "alone"  # in the cookie: playlists stand for their videos


@dataclasses.dataclass(frozen=True)
class Display:
    """A choice of how the library is shown; `hides_entries` leaves out the videos that came with a playlist."""

    layout: str = "cards"
    hides_entries: bool = False

    @property
    def layouts(self) -> list[tuple[str, str, bool]]:
        """Return the layouts to choose from: value, word, and whether it is the current one."""
        return [(value, word, value == self.layout) for value, word in LAYOUTS.items()]

    @property
    def cookie_value(self) -> str:
        """Return the value of the cookie; "" for the default, which needs none."""
        if self == Display():
            return ""
        return f"{self.layout}.{_ALONE}" if self.hides_entries else self.layout

    def changed_by(self, data: Mapping[str, str]) -> "Display | None":
        """Return the choice after a posted form; None if it names no choice that there is."""
        layout, entries = data.get("layout", self.layout), data.get("entries")
        is_known = layout in LAYOUTS and entries in (None, "show", "hide") and ("layout" in data or entries)
        hides_entries = self.hides_entries if entries is None else entries == "hide"
        return Display(layout, hides_entries) if is_known else None


def read_display(request: HttpRequest) -> Display:
    """Return the layout that a browser has chosen, or the default."""
    layout, _, rest = request.COOKIES.get(COOKIE_NAME, "").partition(".")
    return Display(layout, rest == _ALONE) if layout in LAYOUTS else Display()
