"""The addresses in pages, style sheets, scripts and response headers."""

import re
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

ADDRESS_ATTRIBUTES = {"href", "src", "action", "formaction", "poster", "hx-get", "hx-post", "hx-push-url"}
KEYS_ATTRIBUTE = "aria-keyshortcuts"  # "/" is a key here
# What a page fetches or leads to by GET.
FETCHED_ATTRIBUTES = {"href", "src", "poster", "hx-get", "data-cards", "data-list"}
ADDRESS_HEADERS = ("Location", "HX-Redirect", "HX-Location", "HX-Push-Url", "HX-Replace-Url", "Content-Location")
STYLE_SHEET_ADDRESS = re.compile(r"""url\(\s*["']?(?!data:)([^"')]+)|@import\s+["']([^"']+)""")
# An import, or text that is a path of the host with two segments or more.
SCRIPT_ADDRESS = re.compile(r"""\b(?:from|import)\s*["'](\.{0,2}/[\w/.-]+)["']|["'`](/[\w.-]+/[\w/.-]*\w)["'`]""")


class AddressParser(HTMLParser):
    """Collector of (attribute, value) of all attributes that hold an address, those of ours (`data-*`) included."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            is_address = name in ADDRESS_ATTRIBUTES or (value or "").startswith("/")
            if value and is_address and name != KEYS_ATTRIBUTE:
                self.addresses.append((name, value))


def page_addresses(html: str) -> list[tuple[str, str]]:
    parser = AddressParser()
    parser.feed(html)
    return parser.addresses


def find_addresses(content_type: str, text: str) -> list[tuple[str, str]]:
    """Return the addresses in a document, each with the attribute or the kind of document that it stands in."""
    kind = content_type.partition(";")[0]
    if kind == "text/html":
        return page_addresses(text)
    pattern = {"text/css": STYLE_SHEET_ADDRESS, "text/javascript": SCRIPT_ADDRESS}.get(kind)
    matches = pattern.finditer(text) if pattern else ()
    return [("src", next(group for group in match.groups() if group)) for match in matches]


def resolve_on_same_host(page_url: str, address: str) -> str | None:
    """Return the absolute URL, without its fragment; None for another host, or what is no address of HTTP."""
    url = urlsplit(urljoin(page_url, address))
    page = urlsplit(page_url)
    return url._replace(fragment="").geturl() if (url.scheme, url.netloc) == (page.scheme, page.netloc) else None
