"""URLs as names, for what has no title yet."""

import re
from urllib.parse import unquote

from downloads.network import hostnames
from downloads.network.url_secrets import hide_secrets

MAX_SHORT_URL_LENGTH = 60
MAX_CUT_WORD_LENGTH = 24  # characters of a word that a short URL leaves out rather than show its end


def short_url(url: str) -> str:
    """Return a URL without scheme and "www.", its middle cut out if it is long, such as "example.org/…/clip.mp4".

    Secrets in it are hidden. The host is in its own script ("bücher.example"), or in ASCII where that could pass for
    another name.
    """
    url = hide_secrets(url)
    decoded = unquote(url)
    readable_url = decoded if decoded.isprintable() and "\ufffd" not in decoded else url
    shortened = _with_readable_host(readable_url.partition("://")[2].removeprefix("www.").rstrip("/")) or url
    if len(shortened) <= MAX_SHORT_URL_LENGTH:
        return shortened
    host, _, path = shortened.partition("/")
    host = host if len(host) <= MAX_SHORT_URL_LENGTH // 2 else f"…{host[-MAX_SHORT_URL_LENGTH // 2 :]}"
    return f"{host}/…{_whole_words(path[len(host) - MAX_SHORT_URL_LENGTH :])}"


def _whole_words(end: str) -> str:
    """Return the end of a path from its first slash on, else from the first word that is whole in it."""
    if "/" in end:
        return end[end.index("/") :]
    word_start = re.search(r"[-_?&=.+ ]", end[:MAX_CUT_WORD_LENGTH])
    return end[word_start.end() :] if word_start else end


def _with_readable_host(url_without_scheme: str) -> str:
    host = re.split("[/?#:]", url_without_scheme, maxsplit=1)[0]
    if host.isascii() and hostnames.ACE_PREFIX not in host.lower():
        return url_without_scheme
    return hostnames.to_readable(host) + url_without_scheme[len(host) :]
