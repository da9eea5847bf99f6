"""Addresses of lists in one form, so that a list is followed once: tabs and views of a channel are the same channel."""

from downloads.intake import urls


def parse_list_url(line: str) -> tuple[urls.ParsedUrl, str]:
    """Return the URL of the list that a line leads to, and the tab that it names ("" for none); raise InvalidUrl."""
    return urls.parse_url(line), ""
