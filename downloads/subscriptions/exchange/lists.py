"""Reading of a list that somebody brings: OPML, the CSV of Google Takeout, or links, told apart by their content."""

import codecs
from dataclasses import dataclass, field

from downloads.intake import pasted_text

MAX_BYTES = 8_000_000
MAX_ENTRIES = 5_000
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
ZIP_MARK, GZIP_MARK = b"PK\x03\x04", b"\x1f\x8b"


class UnreadableList(ValueError):
    """The text or file is no list that can be read; the message tells the user why and what to do."""


@dataclass(frozen=True)
class ListedFeed:
    """One entry of a list: the address of a channel or playlist, and its name, if the list has one."""

    url: str
    name: str = ""


@dataclass
class FeedList:
    """The entries of a list in their order, and what of it is no entry: the text with a sentence."""

    feeds: list[ListedFeed] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)


def decode_list(content: bytes) -> str:
    """Return the text of a file that is no XML; raise UnreadableList."""
    encoding = "utf-16" if content.startswith(UTF16_MARKS) else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    if "\x00" in text:
        raise UnreadableList("This isn’t a text file. Choose an OPML file, or the subscriptions.csv of Google Takeout.")
    return text


def read_lines(text: str) -> FeedList:
    """Return the links of a text, those of a line with several each by itself."""
    urls = (url for line in pasted_text.split_lines(text) for url in pasted_text.extract_urls(line))
    return FeedList([ListedFeed(url) for url in urls])


def refuse_archives(content: bytes) -> None:
    """Raise UnreadableList for a compressed file, and for one that is too large."""
    if content.startswith(ZIP_MARK):
        raise UnreadableList("This is a ZIP file. Unpack it, and choose the subscriptions.csv inside.")
    if content.startswith(GZIP_MARK):
        raise UnreadableList("This is a compressed file. Unpack it, and choose the list inside.")
    if len(content) > MAX_BYTES:
        raise UnreadableList(f"This list is too long ({MAX_BYTES // 1_000_000} MB at most). Bring it in parts.")
