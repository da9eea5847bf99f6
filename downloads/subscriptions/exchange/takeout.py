"""The subscriptions.csv of Google Takeout: id, address and title of each channel, under headings of any language."""

import csv
import itertools
import re
from collections.abc import Iterator

from downloads.subscriptions.exchange.lists import MAX_ENTRIES, TOO_MANY_MESSAGE, FeedList, ListedFeed, UnreadableList
from downloads.subscriptions.exchange.youtube_feeds import CHANNEL_ID_PATTERN, channel_url

SAMPLE_LENGTH = 4_096
LINK_PATTERN = re.compile(r"https?://|(www\.|m\.)?youtube\.com/", re.IGNORECASE)
LINE_PATTERN = re.compile(r"[^\r\n]+")
DELIMITERS = ",;\t"
NOT_A_CHANNEL = "There is no channel in this line."


def is_takeout(text: str) -> bool:
    """Tell whether a text is a table of channels; several links in a line are a list of links, not a table."""
    rows = [row for row in itertools.islice(_rows(text[:SAMPLE_LENGTH]), 5) if len(row) > 1]
    return any(_find_channel(row) for row in rows) and not any(_has_links_alone(row) for row in rows)


def _find_links(cells: list[str]) -> list[str]:
    return [cell.strip() for cell in cells if LINK_PATTERN.match(cell.strip())]


def _has_links_alone(cells: list[str]) -> bool:
    """Tell whether a row has several links and no id in a column of its own: its title may be a link, too."""
    return len(_find_links(cells)) > 1 and not any(CHANNEL_ID_PATTERN.fullmatch(cell.strip()) for cell in cells)


def read_takeout(text: str) -> FeedList:
    """Return the channels of the table; a first line without one or any other link is that of the headings."""
    result = FeedList()
    for number, row in enumerate(_rows(text)):
        cells = [cell.strip() for cell in row]
        channel_id = _find_channel(cells)
        if _has_links_alone(cells):
            result.feeds += [ListedFeed(link) for link in _find_links(cells)]
        elif channel_id:
            names = [cell for cell in cells if channel_id not in cell and cell]
            result.feeds.append(ListedFeed(channel_url(channel_id), names[-1] if names else ""))
        elif any(cells) and (number or _find_links(cells)):
            result.skipped.append((", ".join(filter(None, cells))[:200], NOT_A_CHANNEL))
        if len(result.feeds) + len(result.skipped) > MAX_ENTRIES:
            raise UnreadableList(TOO_MANY_MESSAGE)
    return result


def _rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of each line that has any.

    No title has a line break, so a quote that is not closed ends with its line; but titles may have separators that
    `str.splitlines` takes for one.
    """
    first_line = text.lstrip().partition("\n")[0]
    delimiter = max(DELIMITERS, key=first_line.count)
    try:
        for line in LINE_PATTERN.finditer(text.lstrip("\ufeff")):
            if not line[0].isspace():
                yield next(csv.reader([line[0]], delimiter=delimiter), [])
    except csv.Error as error:
        raise UnreadableList(f"This table can’t be read ({error}). Export it again.") from error


def _find_channel(cells: list[str]) -> str:
    """Return the id of the channel in a row; "" if there is none."""
    for cell in cells:
        if CHANNEL_ID_PATTERN.fullmatch(cell.strip()):
            return cell.strip()
    for cell in cells:
        match = CHANNEL_ID_PATTERN.search(cell.partition("/channel/")[2])
        if match:
            return match[0]
    return ""
