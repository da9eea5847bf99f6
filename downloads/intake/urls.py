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
# What may stay as it is in a path and a query; the rest is written as %XX.
SAFE_URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"


@dataclass(frozen=True)
class ParsedUrl:
    """An address in its canonical form, and the host in it."""

    line: str
    canonical_url: str
    host: str


class _InvalidUrl(ValueError):
    """The reason why a line is no address, in a person's words."""


def parse_url(line: str) -> ParsedUrl:
    """Return the address in a line; raise ValueError with the reason if there is none that may be fetched."""
    if len(line) > MAX_URL_LENGTH:
        raise _InvalidUrl(f"This address is too long: {MAX_URL_LENGTH} characters are taken.")
    if CONTROL_CHARACTERS_PATTERN.search(line):
        raise _InvalidUrl("There are control characters in this line.")
    # yt-dlp reads options of its own from such addresses.
    if SMUGGLE_MARKER in line.lower():
        raise _InvalidUrl("This is an address for yt-dlp's own use, not one of a page.")
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", line) or re.match(r"[^/:]+:\d+(/|$)", line):
        raise _InvalidUrl("This is no address of a page: it must begin with http:// or https://.")
    if re.search(r"[\s\\]", line):
        raise _InvalidUrl("An address holds neither spaces nor backslashes.")
    return _canonicalize_url(line)


def _canonicalize_url(line: str) -> ParsedUrl:
    try:
        url = urlsplit(line)
        port = url.port
    except ValueError as error:
        raise _InvalidUrl(f"This address cannot be read ({error}).") from error
    if url.scheme not in SCHEME_PORTS:
        raise _InvalidUrl(f"Only http and https addresses are taken, not {url.scheme}.")
    if "@" in url.netloc:
        raise _InvalidUrl("An address with a user name or password in it is not taken.")
    if not url.hostname or port == 0:
        raise _InvalidUrl("There is no host in this address.")
    host = _canonicalize_host(url.hostname)
    shown = f"[{host}]" if ":" in host else host
    netloc = shown if port in (None, SCHEME_PORTS[url.scheme]) else f"{shown}:{port}"
    path, query = quote(url.path or "/", safe=SAFE_URL_CHARACTERS), quote(url.query, safe=SAFE_URL_CHARACTERS)
    canonical = urlunsplit((url.scheme, netloc, path, query, ""))
    if len(canonical) > MAX_URL_LENGTH:
        raise _InvalidUrl(f"This address is too long: {MAX_URL_LENGTH} characters are taken.")
    return ParsedUrl(line, canonical, host)


def _canonicalize_host(hostname: str) -> str:
    """Return the canonical host: a judged IP address in its plain spelling, or an ASCII name."""
    # IDNA's other full stops (U+3002 and, before NFKC, U+FF0E and U+FF61) divide names as well.
    host = unicodedata.normalize("NFKC", hostname).replace("\u3002", ".").lower().rstrip(".")
    if address := _parse_ip_address(host):
        if why := address_policy.forbidden_reason(address):
            raise _InvalidUrl(_unreachable_message(hostname, why))
        return str(address)
    if host.isascii() and HOSTNAME_PATTERN.fullmatch(host):
        return host
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError as error:
        raise _InvalidUrl("The host name in this address is none.") from error


def _parse_ip_address(host: str) -> address_policy.IPAddress | None:
    """Return the IP address that a host is, in any of the spellings that programs understand."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        # Also 2130706433, 0x7f.1, 0177.0.0.1 and 127.1.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeError):
        return None


def _unreachable_message(host: str, reason: str) -> str:
    return f"{host} is {reason}, which downloads may not reach."
