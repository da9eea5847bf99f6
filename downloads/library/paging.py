"""Paging of listings: links to the pages beside the shown one, and the change that the page was read at."""

from functools import cached_property
from typing import Any

from downloads.models import VideoEvent, event


class PageLinks:
    """Links to other pages of a listing, by its `page` and its `build_url(page=…)`."""

    neighbours_in_links = 2
    page: Any

    @property
    def place(self) -> Any:
        """Return the page's place among the pages, which may be known before its contents are read."""
        return self.page

    def build_url(self, **changes: str | int) -> str:
        """Return the URL of the listing with other parameters, such as `page`."""
        raise NotImplementedError

    @property
    def page_links(self) -> list[tuple[int | None, str]]:
        """Return the page numbers with their URLs; (None, "") stands for numbers that are left out."""
        numbers = self.place.paginator.get_elided_page_range(
            self.place.number, on_each_side=self.neighbours_in_links, on_ends=1
        )
        return [(number, self.build_url(page=number)) if isinstance(number, int) else (None, "") for number in numbers]

    @property
    def previous_url(self) -> str:
        """Return the URL of the page before; "" on the first."""
        return self.build_url(page=self.place.number - 1) if self.place.has_previous() else ""

    @property
    def next_url(self) -> str:
        """Return the URL of the page after; "" on the last."""
        return self.build_url(page=self.place.number + 1) if self.place.has_next() else ""


class LatestChange:
    """The archive's `rev` when a listing began to read."""

    @cached_property
    def latest_event(self) -> VideoEvent | None:
        """Return the newest event; cached counts are valid until the next one."""
        return event.latest_event()

    @property
    def rev(self) -> int:
        """Return the archive's `rev`; it is read before the rows, so that no change in between is missed."""
        return self.latest_event.pk if self.latest_event else 0


class SelectableListing:
    """A listing whose videos can all be selected at once, on all its pages, by its `total`."""

    @property
    def total(self) -> int:
        """Return the number of videos on all pages."""
        raise NotImplementedError

    @property
    def select_all_label(self) -> str:
        """Return the label of the control that selects them, such as "Select all 1,204"."""
        return f"Select all {self.total:,}"

    @property
    def all_selected_text(self) -> str:
        """Return what is said once they are selected."""
        return f"All {self.total:,} selected"
