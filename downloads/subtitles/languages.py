"""Languages of subtitles: BCP 47 tags from what sites and people write, and their match (RFC 4647, CLDR)."""

import functools
import re
from collections.abc import Iterable

import langcodes

MAX_LANGUAGES = 20
NO_LANGUAGES = frozenset({"und", "mul", "zxx", "mis", "root"})
MAX_NAME_LENGTH = 60
# What a person writes for a language: letters, digits, and what joins the parts of a code or a name.
WRITTEN_LANGUAGE_PATTERN = re.compile(r"\w[\w .’'()-]*")
# The same language under two codes: nb and no have a distance of 1, da and no one of 12 (CLDR).
MAX_SAME_LANGUAGE_DISTANCE = 1


def parse_languages(text: str) -> list[str]:
    """Return the tags of languages that a person wrote with commas between; raise ValueError with the unknown one."""
    tags: list[str] = []
    for part in filter(None, map(str.strip, re.split(r"[,;\n]", text))):
        # `normalize_language` reads past what sites append; what a person mistypes is better refused.
        tag = normalize_language(part) if WRITTEN_LANGUAGE_PATTERN.fullmatch(part) else None
        if not tag:
            raise ValueError(part)
        tags.append(tag)
    return list(dict.fromkeys(tags))


@functools.lru_cache(maxsize=1024)
def normalize_language(text: str) -> str | None:
    """Return the BCP 47 tag for a code or a name, such as "en-US" for "en_US" and "de" for "ger" or "German".

    Sites append what is no part of a tag ("en-orig", "en-eEY6OEpapPo"): it is left out. None if it is no language.
    """
    text = text.strip()[:MAX_NAME_LENGTH]
    subtags = re.split(r"[-_.]", re.sub(r"\s*[(\[].*", "", text))
    if re.fullmatch(r"[A-Za-z]{2,3}", subtags[0]) and all(map(str.isascii, subtags)):
        return _longest_valid_tag(subtags)
    try:
        language = langcodes.find(text.replace("_", " "))
    except LookupError:
        return None
    return None if not language.language or language.language in NO_LANGUAGES else language.to_tag()


def _longest_valid_tag(subtags: list[str]) -> str | None:
    """Return the tag of as many subtags as are valid; None if not even the first is a language."""
    tag: str | None = None
    for count in range(1, len(subtags) + 1):
        candidate = "-".join(subtags[:count])
        if subtags[count - 1].lower() == "x" or not langcodes.tag_is_valid(candidate):
            break
        tag = langcodes.standardize_tag(candidate)
    return None if tag is None or tag.partition("-")[0] in NO_LANGUAGES else tag


def rank_matches(wanted: str, names: Iterable[str]) -> list[str]:
    """Return those of the sites' names that match a language, the best first."""
    ranks: dict[str, tuple[int, bool]] = {}
    for name in names:
        tag = normalize_language(name)
        distance = language_distance(wanted, tag) if tag else None
        if distance is not None:
            # Of two that match alike, the one without an appendix: "en" before "en-orig".
            ranks[name] = (distance, name.replace("_", "-").lower() != str(tag).lower())
    return sorted(ranks, key=lambda name: ranks[name])


def language_distance(wanted: str, available: str) -> int | None:
    """Return how far a language is from the wanted one, 0 for the same; None if it does not match.

    Regions match each other (pt-BR takes pt or pt-PT); scripts only where the wanted tag leaves them open.
    """
    if wanted.lower() == available.lower():
        return 0
    first, second = langcodes.Language.get(wanted), langcodes.Language.get(available)
    is_same = first.language == second.language or (
        langcodes.tag_distance(str(first.language), str(second.language)) <= MAX_SAME_LANGUAGE_DISTANCE
    )
    leaves_script_open = not first.script and not first.territory
    if not is_same or not (leaves_script_open or first.maximize().script == second.maximize().script):
        return None
    return 1 + langcodes.tag_distance(wanted, available)


def english_name(tag: str) -> str:
    """Return the English name of a language, such as "German" or "English (United Kingdom)"."""
    return langcodes.Language.get(tag).display_name("en")
