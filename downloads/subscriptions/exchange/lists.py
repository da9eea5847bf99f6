"""Reading of a list that somebody brings: OPML, the CSV of Google Takeout, or links, told apart by their content."""

import codecs
import re
from dataclasses import dataclass, field

from downloads.intake import pasted_text

MAX_BYTES = 8_000_000
MAX_ENTRIES = 5_000
MAX_LINK_LENGTH = 10_000  # of what is shown again to be mended; a longer one is no link that somebody has typed
TOO_MANY_MESSAGE = f"This list has more than {MAX_ENTRIES:,} entries. Bring it in parts."
UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
ZIP_MARK = b"PK\x03\x04"
COMPRESSED_MARKS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\x28\xb5\x2f\xfd")
JSON_PATTERN = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*[{\"\]])")


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
    """Return the links of a text, those of a line with several each by itself; raise UnreadableList."""
    result = FeedList()
    for line in pasted_text.split_lines(text):
        for url in pasted_text.extract_urls(line):
            if len(url) > MAX_LINK_LENGTH:
                raise UnreadableList(f"This list has a line of {len(url):,} characters that is no link: “{url[:40]}…”.")
            result.feeds.append(ListedFeed(url))
        if len(result.feeds) > MAX_ENTRIES:
            raise UnreadableList(TOO_MANY_MESSAGE)
    return result


def refuse_json(text: str) -> None:
    """Raise UnreadableList for JSON, in which links may be found, but not which of them are lists."""
    if JSON_PATTERN.match(text):
        raise UnreadableList("This is JSON, which can’t be read. Bring OPML, the table of Google Takeout, or links.")


def refuse_archives(content: bytes) -> None:
    """Raise UnreadableList for a compressed file, and for one that is too large."""
    if content.startswith(ZIP_MARK):
        raise UnreadableList("This is a ZIP file. Unpack it, and choose the subscriptions.csv inside.")
    if content.startswith(COMPRESSED_MARKS):
        raise UnreadableList("This is a compressed file. Unpack it, and choose the list inside.")
    if len(content) > MAX_BYTES:
        raise UnreadableList(f"This list is too long ({MAX_BYTES // 1_000_000} MB at most). Bring it in parts.")
