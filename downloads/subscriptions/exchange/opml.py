"""OPML (http://opml.org/spec2.opml): the lists of subscriptions that programs which read feeds exchange."""

import codecs
from collections.abc import Iterable
from email.utils import format_datetime
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from django.utils import timezone

from downloads.models import Subscription
from downloads.network.url_secrets import hide_secrets
from downloads.subscriptions.exchange.lists import MAX_ENTRIES, TOO_MANY_MESSAGE, FeedList, ListedFeed, UnreadableList
from downloads.subscriptions.exchange.youtube_feeds import feed_of_page, page_of_feed

NO_ATTRIBUTES: "AttributesImpl[str]" = AttributesImpl({})
MAX_DEPTH = 50
MAX_ATTRIBUTE_LENGTH = 4_096
CONTROL_CHARACTERS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])  # which XML 1.0 has not
SURROGATES = dict.fromkeys(range(0xD800, 0xE000))


class _OpmlReader:
    """Handlers of the parser. A document type is refused: only one can declare entities, or name other files."""

    def __init__(self) -> None:
        self.result = FeedList()
        self.depth = 0
        self.entry_count = 0
        self.open_outlines: list[tuple[str, bool]] = []  # name, and whether it is a folder
        self.has_root = False

    def start_element(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UnreadableList(f"This list is nested too deeply ({MAX_DEPTH} levels at most).")
        if not self.has_root:
            self.has_root = True
            if tag.lower() != "opml":
                raise UnreadableList(f"This isn’t OPML: it begins with <{tag[:40]}>, not with <opml>.")
        if tag.lower() != "outline":
            return
        if self.open_outlines:
            self.open_outlines[-1] = (self.open_outlines[-1][0], True)
        self._add_outline({name.lower(): value[:MAX_ATTRIBUTE_LENGTH] for name, value in attributes.items()})

    def _add_outline(self, attributes: dict[str, str]) -> None:
        self.entry_count += 1
        if self.entry_count > MAX_ENTRIES:
            raise UnreadableList(TOO_MANY_MESSAGE)
        name = attributes.get("title", "").strip() or attributes.get("text", "").strip()
        urls = (attributes.get(key, "").strip() for key in ("xmlurl", "htmlurl", "url"))
        url = next((url for url in urls if url), "")
        if url:
            self.result.feeds.append(ListedFeed(page_of_feed(url), name))
        self.open_outlines.append((name, bool(url)))

    def end_element(self, tag: str) -> None:
        self.depth -= 1
        if tag.lower() == "outline":
            name, has_content = self.open_outlines.pop()
            if not has_content:
                self.result.skipped.append((name or "An entry without a name", "It has no link in it."))

    def refuse_doctype(self, name: str, *_: Any) -> None:
        if name.lower() == "html":
            raise UnreadableList("This is a web page, not OPML. Export the list, and choose the file that comes of it.")
        raise UnreadableList("This file has a document type (DTD) in it, which isn’t accepted. Export it again.")


def read_opml(content: bytes | str) -> FeedList:
    """Return the entries of an OPML document; raise UnreadableList."""
    reader = _OpmlReader()
    parser = expat.ParserCreate("utf-8" if isinstance(content, str) else None)
    parser.StartElementHandler, parser.EndElementHandler = reader.start_element, reader.end_element
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = reader.refuse_doctype
    data = content.encode("utf-8", "replace") if isinstance(content, str) else content
    try:
        parser.Parse(data.lstrip(), True)
    except UnreadableList:
        raise
    except (expat.ExpatError, LookupError, ValueError) as error:  # for encodings that expat cannot have
        raise UnreadableList(f"This OPML can’t be read ({error}). Export it again.") from error
    return reader.result


def is_xml(content: bytes | str) -> bool:
    """Tell whether a text begins as XML does."""
    if isinstance(content, str):
        return content.lstrip("\ufeff \t\r\n").startswith("<")
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content[2:4].strip(b"\x00") == b"<"
    return content.removeprefix(codecs.BOM_UTF8).lstrip().startswith(b"<")


def write_opml(subscriptions: Iterable[Subscription], out: Any, *, with_secrets: bool = True) -> None:
    """Write subscriptions as OPML to a file of text; programs that read feeds get YouTube's own feeds.

    Without secrets, a list whose URL holds a token or the like has only its name.
    """
    xml = XMLGenerator(out, "utf-8", short_empty_elements=True)
    xml.startDocument()
    xml.startElement("opml", AttributesImpl({"version": "2.0"}))
    xml.startElement("head", NO_ATTRIBUTES)
    for name, text in (("title", "Subscriptions of ytarchive"), ("dateCreated", format_datetime(timezone.now()))):
        xml.startElement(name, NO_ATTRIBUTES)
        xml.characters(text)
        xml.endElement(name)
    xml.endElement("head")
    xml.startElement("body", NO_ATTRIBUTES)
    for subscription in subscriptions:
        xml.ignorableWhitespace("\n")
        xml.startElement("outline", AttributesImpl(_outline(subscription, with_secrets=with_secrets)))
        xml.endElement("outline")
    xml.endElement("body")
    xml.endElement("opml")
    xml.endDocument()


def _outline(subscription: Subscription, *, with_secrets: bool) -> dict[str, str]:
    # Not the short address that pages show: what is imported keeps its name.
    name = _clean(subscription.name.strip() or hide_secrets(subscription.url))
    url = _clean(subscription.canonical_url)
    if subscription.has_secret_url and not with_secrets:
        return {"text": name, "title": name}
    feed = _clean(feed_of_page(subscription.canonical_url, subscription.source_id))
    return {"type": "rss", "text": name, "title": name, "xmlUrl": feed, "htmlUrl": url}


def _clean(text: str) -> str:
    """Return a text without the characters that XML has not."""
    return text.translate(CONTROL_CHARACTERS).translate(SURROGATES)
