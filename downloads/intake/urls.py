"""Parsing and canonical form of submitted URLs."""

import ipaddress
import re
import socket
import unicodedata
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

import idna

from downloads.models import MAX_URL_LENGTH
from downloads.network import address_policy

SCHEME_PORTS = {"http": 80, "https": 443}
CONTROL_CHARACTERS_PATTERN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
SMUGGLE_MARKER = "__youtubedl_smuggle"
HOSTNAME_PATTERN = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
# Characters that stay as they are in a path and a query; all others are percent-encoded (RFC 3986, section 2).
SAFE_URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True)
class ParsedUrl:
    """A submitted line, its URL in canonical form, and the URL's host."""

    line: str
    canonical_url: str
    host: str


class InvalidUrl(ValueError):
    """The line is not a URL that may be fetched; the message tells the user why."""


def parse_url(line: str) -> ParsedUrl:
    """Parse a line as an http or https URL; raise InvalidUrl, a ValueError, unless it may be fetched."""
    if len(line) > MAX_URL_LENGTH:
        raise InvalidUrl(f"This address is too long: {MAX_URL_LENGTH} characters are taken.")
    if CONTROL_CHARACTERS_PATTERN.search(line):
        raise InvalidUrl("There are control characters in this line.")
    # yt-dlp reads internal options from such URLs (smuggle_url).
    if SMUGGLE_MARKER in line.lower():
        raise InvalidUrl("This is an address for yt-dlp's own use, not one of a page.")
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", line) or re.match(r"[^/:]+:\d+(/|$)", line):
        raise InvalidUrl("This is no address of a page: it must begin with http:// or https://.")
    if re.search(r"[\s\\]", line):
        raise InvalidUrl("An address holds neither spaces nor backslashes.")
    return _canonicalize_url(line)


def _canonicalize_url(line: str) -> ParsedUrl:
    try:
        url = urlsplit(line)
        port = url.port
    except ValueError as error:
        raise InvalidUrl(f"This address cannot be read ({error}).") from error
    if url.scheme not in SCHEME_PORTS:
        raise InvalidUrl(f"Only http and https addresses are taken, not {url.scheme}.")
    if "@" in url.netloc:
        raise InvalidUrl("An address with a user name or password in it is not taken.")
    if not url.hostname or port == 0:
        raise InvalidUrl("There is no host in this address.")
    host = _canonicalize_host(url.hostname)
    bracketed_host = f"[{host}]" if ":" in host else host
    netloc = bracketed_host if port in (None, SCHEME_PORTS[url.scheme]) else f"{bracketed_host}:{port}"
    path, query = quote(url.path or "/", safe=SAFE_URL_CHARACTERS), quote(url.query, safe=SAFE_URL_CHARACTERS)
    canonical = urlunsplit((url.scheme, netloc, path, query, ""))
    if len(canonical) > MAX_URL_LENGTH:
        raise InvalidUrl(f"This address is too long: {MAX_URL_LENGTH} characters are taken.")
    return ParsedUrl(line, canonical, host)


def _canonicalize_host(hostname: str) -> str:
    """Return an IP address in its canonical form, or an ASCII host name; raise InvalidUrl for a forbidden address."""
    # IDNA has more label separators than ".": U+3002 and, before NFKC, U+FF0E and U+FF61 (RFC 3490, section 3.1).
    host = unicodedata.normalize("NFKC", hostname).replace("\u3002", ".").lower().rstrip(".")
    if address := _parse_ip_address(host):
        if reason := address_policy.forbidden_reason(address):
            raise InvalidUrl(unreachable_message(hostname, reason))
        return str(address)
    if host.isascii() and HOSTNAME_PATTERN.fullmatch(host):
        return host
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError as error:
        raise InvalidUrl("The host name in this address is none.") from error


def _parse_ip_address(host: str) -> address_policy.IPAddress | None:
    """Parse an IP address in any notation that programs accept; None for a host name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        # inet_aton(3) also accepts 2130706433, 0x7f.1, 0177.0.0.1 and 127.1.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def unreachable_message(host: str, reason: str) -> str:
    """Return the message for a host that downloads may not reach; `reason` is such as "a private address"."""
    return f"{host} is {reason}, which downloads may not reach."
