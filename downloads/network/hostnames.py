"""Internationalized host names: their ASCII form, and a readable form where it cannot deceive."""

import functools
import re
import unicodedata
from urllib.parse import unquote

import idna

HOSTNAME_PATTERN = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)
ACE_PREFIX = "xn--"
VARIATION_SELECTORS_PATTERN = re.compile("[\ufe00-\ufe0f]")
# Scripts that are written together; a label that mixes others is shown in ASCII (Unicode TS 39, 5.2).
COMBINED_SCRIPTS = ({"CJK", "HIRAGANA", "KATAKANA"}, {"CJK", "HANGUL"}, {"CJK", "BOPOMOFO"})
SCRIPT_ALIASES = {"IDEOGRAPHIC": "CJK", "KATAKANA-HIRAGANA": "KATAKANA"}
# Letters that look like Latin ones: a label of nothing else may pretend to be Latin (Unicode TS 39, 4).
LATIN_LOOKALIKES = {
    "CYRILLIC": frozenset("асԁеһіјӏкорԛѕԝхутѵмпгьҽӕ"),
    "GREEK": frozenset("ορειναντυκχςωηϲ"),
    "ARMENIAN": frozenset("օոսցզհյքեխ"),
}
# Latin letters of today's orthographies; others, such as U+0131 and U+0261, look like ASCII letters.
COMMON_LATIN_PATTERN = re.compile(
    "[a-z\u00df-\u00f6\u00f8-\u0130\u0132-\u0137\u0139-\u017e\u01a0\u01a1\u01af\u01b0\u0218-\u021b\u1e00-\u1ef9]+"
)


def normalize_host(hostname: str) -> str:
    """Return a host name without percent-encoding, wide forms of letters, capitals and the dot at its end."""
    decoded = unquote(hostname)
    host = hostname if ":" in decoded or "\ufffd" in decoded else decoded
    # IDNA has more label separators than ".": U+3002 and, before NFKC, U+FF0E and U+FF61 (RFC 3490, section 3.1).
    return unicodedata.normalize("NFKC", host).replace("\u3002", ".").lower().rstrip(".")


def to_ascii(hostname: str) -> str:
    """Return a host name in ASCII, as DNS has it (IDNA 2008, UTS 46); raise ValueError if it is none."""
    host = normalize_host(hostname)
    if host.isascii():
        if HOSTNAME_PATTERN.fullmatch(host):
            return host
        raise ValueError(f"{hostname!r} is no host name")
    try:
        return idna.encode(host, uts46=True).decode()
    except idna.IDNAError as error:
        if ascii_host := _encode_symbols(host):
            return ascii_host
        raise ValueError(f"{hostname!r} is no host name") from error


def _encode_symbols(host: str) -> str:
    """Return a host with emoji in ASCII; "" for any other. IDNA 2008 has none, but some domains exist as in UTS 46."""
    labels = VARIATION_SELECTORS_PATTERN.sub("", host).split(".")
    if not all(_is_symbol_label(label) for label in labels if not label.isascii()):
        return ""
    encoded = ".".join(
        label if label.isascii() else ACE_PREFIX + label.encode("punycode").decode("ascii") for label in labels
    )
    return encoded if HOSTNAME_PATTERN.fullmatch(encoded) else ""


def _is_symbol_label(label: str) -> bool:
    return all(char.isascii() or (unicodedata.category(char) == "So" and char != "\ufffd") for char in label)


@functools.lru_cache(maxsize=1024)
def to_readable(hostname: str) -> str:
    """Return a host name for people: in its own script, or in ASCII where that could pass for another name.

    What is no host name is returned as it is.
    """
    try:
        labels = to_ascii(hostname).split(".")
    except ValueError:
        return hostname
    decoded = [_decode_label(label) for label in labels]
    is_latin_domain = decoded[-1].isascii()
    return ".".join(
        readable if _is_safe_label(readable, is_latin_domain=is_latin_domain) else label
        for label, readable in zip(labels, decoded, strict=True)
    )


def _decode_label(label: str) -> str:
    if not label.startswith(ACE_PREFIX):
        return label
    try:
        return idna.ulabel(label)
    except (idna.IDNAError, UnicodeError):
        return label


def _is_safe_label(label: str, *, is_latin_domain: bool) -> bool:
    if label.isascii():
        return True
    scripts = {_script(char) for char in label if not char.isascii() or char.isalpha()}
    if scripts == {"LATIN"}:
        return all(COMMON_LATIN_PATTERN.fullmatch(char) for char in label if char.isalpha())
    if len(scripts) > 1 and not any(scripts <= combined for combined in COMBINED_SCRIPTS):
        return False
    lookalikes = LATIN_LOOKALIKES.get(next(iter(scripts)), frozenset())
    return not (is_latin_domain and all(char in lookalikes for char in label if char.isalpha()))


def _script(char: str) -> str:
    """Return the script of a character, by the first word of its Unicode name; the standard library has no other."""
    name = unicodedata.name(char, "").partition(" ")[0]
    return SCRIPT_ALIASES.get(name, name)
