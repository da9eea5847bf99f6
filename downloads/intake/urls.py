"""Parsing and canonical form of submitted URLs."""

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from downloads.intake.pasted_text import extract_address_without_scheme
from downloads.models import MAX_URL_LENGTH
from downloads.network import address_policy, hostnames, special_purpose

SCHEME_PORTS = {"http": 80, "https": 443}
SCHEME_ADVICE = {
    "file": "It’s a file on the computer it was copied from; only videos on sites can be added.",
    "data": "It contains the data itself. Use the link of the page with the video.",
    **dict.fromkeys(("magnet", "ed2k"), "Peer-to-peer downloads (BitTorrent, eDonkey) aren’t supported."),
    **dict.fromkeys(
        ("blob", "javascript", "about", "chrome", "view-source"),
        "It only works in the browser it came from. Use the link of the page.",
    ),
    **dict.fromkeys(("ftp", "ftps", "sftp", "gopher", "smb", "ws", "wss"), "The site may also have it over https."),
    **dict.fromkeys(
        ("rtmp", "rtmps", "rtmpe", "rtsp", "mms", "mmsh", "rtp", "udp", "srt"),
        "Streams of this older kind aren’t supported. Use the link of the page with the video.",
    ),
}
CONTROL_CHARACTERS_PATTERN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
SMUGGLE_MARKER = "__youtubedl_smuggle"
# Characters that stay as they are in a path and a query; all others are percent-encoded (RFC 3986, section 2).
SAFE_URL_CHARACTERS = "!#$%&'()*+,/:;=?@[]~"
PERCENT_ENCODED_PATTERN = re.compile(r"%([0-9A-Fa-f]{2})")
UNRESERVED_PATTERN = re.compile(r"[A-Za-z0-9._~-]")
# A key of a fragment that names another page where a script reads it: "#video=1", "#entries&eid=1".
# So does the number of a video: "#film-2", "#2".
CONTENT_KEY_PATTERN = re.compile(
    r"(?:^|[?&])(?:v|id|vid|eid|uuid|guid|video|clip|film|movie|episode|track|song|media|item)(?:_?id)?=."
    r"|^(?:video|clip|film|movie|episode|track|song|media|item)?[-_:]?\d+$",
    re.IGNORECASE,
)


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
        raise InvalidUrl(f"This link is too long ({MAX_URL_LENGTH:,} characters at most).")
    if CONTROL_CHARACTERS_PATTERN.search(line):
        raise InvalidUrl("This line contains invisible characters. Copy the link again.")
    # yt-dlp reads internal options from such URLs (smuggle_url).
    if SMUGGLE_MARKER in line.lower():
        raise InvalidUrl("This is an internal yt-dlp link. Use the page’s own link.")
    # "Watch: …" begins with a word, not with a scheme.
    if not re.match(r"https?:|[A-Za-z][A-Za-z0-9+.-]*:(?!\s)", line) or re.match(r"[^/:]+:\d+(/|$)", line):
        raise InvalidUrl("This isn’t a link. It must start with http:// or https://.")
    if re.search(r"[\s\\]", line):
        raise InvalidUrl("A link can’t contain spaces or backslashes.")
    return _canonicalize_url(line)


def suggest_url(line: str) -> str:
    """Return a URL that a line without a scheme may stand for, such as that of "(youtu.be/1)"; "" if there is none."""
    address = extract_address_without_scheme(line)
    try:
        return parse_url(f"https://{address}").line if address else ""
    except InvalidUrl:
        return ""


def _canonicalize_url(line: str) -> ParsedUrl:
    try:
        url = urlsplit(line)
        port = url.port
    except ValueError as error:
        raise InvalidUrl(f"This link can’t be read ({error}).") from error
    if url.scheme not in SCHEME_PORTS:
        advice = SCHEME_ADVICE.get(url.scheme, "Use the link of the page with the video.")
        raise InvalidUrl(f"Only http and https links work, not {url.scheme}. {advice}")
    if "@" in url.netloc:
        raise InvalidUrl("Links that contain a username or password aren’t accepted.")
    if not url.hostname or port == 0:
        raise InvalidUrl("This link has no site in it.")
    host = _canonicalize_host(url.hostname)
    bracketed_host = f"[{host}]" if ":" in host else host
    netloc = bracketed_host if port in (None, SCHEME_PORTS[url.scheme]) else f"{bracketed_host}:{port}"
    path, query = _normalize_encoding(url.path or "/"), _normalize_encoding(url.query)
    canonical = urlunsplit((url.scheme, netloc, path, query, _content_fragment(url.fragment)))
    if len(canonical) > MAX_URL_LENGTH:
        raise InvalidUrl(f"This link is too long ({MAX_URL_LENGTH:,} characters at most).")
    return ParsedUrl(line, canonical, host)


def _normalize_encoding(text: str) -> str:
    """Percent-encode what must be, decode what need not be, and write the digits in capitals (RFC 3986, 6.2.2)."""
    return PERCENT_ENCODED_PATTERN.sub(_normalize_octet, quote(text, safe=SAFE_URL_CHARACTERS))


def _normalize_octet(match: re.Match[str]) -> str:
    char = chr(int(match[1], 16))
    return char if UNRESERVED_PATTERN.fullmatch(char) else match[0].upper()


def _content_fragment(fragment: str) -> str:
    """Return the fragment if it makes the URL the address of another page, such as "/film/1" or "!film"; else "".

    Anchors ("comments"), times ("t=30") and text directives (":~:text=…") lead to a place in the same page.
    """
    content = fragment.partition(":~:")[0]
    is_route = ("/" in content or content.startswith("!")) and content.strip("/!")
    return _normalize_encoding(content) if is_route or CONTENT_KEY_PATTERN.search(content) else ""


def _canonicalize_host(hostname: str) -> str:
    """Return an IP address in its canonical form, or an ASCII host name; raise InvalidUrl for a forbidden address."""
    host = hostnames.normalize_host(hostname)
    if address := _parse_ip_address(host):
        if reason := address_policy.forbidden_reason(address):
            raise InvalidUrl(unreachable_message(hostname, reason))
        if getattr(address, "scope_id", None):
            raise InvalidUrl("Links that name a network interface (%) aren’t accepted.")
        return str(address)
    try:
        return hostnames.to_ascii(host)
    except ValueError as error:
        raise InvalidUrl("The site name in this link isn’t valid.") from error


def _parse_ip_address(host: str) -> address_policy.IPAddress | None:
    """Parse an IP address in any notation that programs accept; None for a host name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        # inet_aton(3) also accepts 2130706433, 0x7f.1, 0177.0.0.1 and 127.1.
        return ipaddress.IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):  # ValueError: a NUL, or what is not ASCII
        return None


def with_ascii_host(url: str) -> str:
    """Return a URL with its host name in ASCII and the rest as submitted, as the site expects it.

    yt-dlp would encode the name itself, but by IDNA 2003, in which "faß.example" is "fass.example".
    """
    try:
        split = urlsplit(url)
        host = hostnames.to_ascii(split.hostname or "")
    except ValueError:
        return url
    if split.netloc.isascii() and "%" not in split.netloc:
        return url
    return split._replace(netloc=host if split.port is None else f"{host}:{split.port}").geturl()


def unreachable_message(host: str, reason: str) -> str:
    """Return the message for a host that downloads may not reach; `reason` is such as "a private address"."""
    if reason == special_purpose.PRIVATE:
        return f"{host} is on a private network. Downloads from private networks are off."
    return f"{host} is {reason}. Downloads from such addresses are off."
