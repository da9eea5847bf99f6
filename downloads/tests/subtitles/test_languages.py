"""Languages: tags from codes and names, and their match."""

import pytest

from downloads.subtitles import languages
from downloads.tests.support.cases import each_case


@each_case(
    ("text", "tag"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("eng", "en"),
        ("en_US", "en-US"),
        ("en-gb", "en-GB"),
        ("English", "en"),
        ("en (auto)", "en"),
        ("en.us", "en-US"),
        ("english", "en"),
        ("Deutsch", "de"),
        ("ger", "de"),
        ("deu", "de"),
        ("fre", "fr"),
        ("日本語", "ja"),
        ("Español", "es"),
        ("es-419", "es-419"),
        ("pt_br", "pt-BR"),
        ("zh-hant", "zh-Hant"),
        ("zh_TW", "zh-TW"),
        ("sr-latn", "sr-Latn"),
        ("iw", "he"),
        ("en-orig", "en"),
        ("en-eEY6OEpapPo", "en"),
        ("en-nP7-2PuUl7o", "en"),
        ("English (auto-generated)", "en"),
        ("English (US)", "en-US"),
        (" en ", "en"),
        ("live_chat", None),
        ("und", None),
        ("mul", None),
        ("zxx", None),
        ("xx", None),
        ("x", None),
        ("", None),
        ("Default", None),
        ("../../etc/passwd", None),
        ("en/../x", None),
    ],
)
def test_a_code_or_a_name_becomes_a_tag(text, tag):
    assert languages.normalize_language(text) == tag


@each_case(
    ("wanted", "names", "ranked"),
    [
        ("en", ["de", "en_US", "live_chat", "und"], ["en_US"]),
        ("en", ["eng"], ["eng"]),
        ("en", ["English"], ["English"]),
        ("en", ["en-GB", "en-orig", "en", "enm"], ["en", "en-orig", "en-GB"]),
        ("pt-BR", ["pt", "pt-PT", "pt-BR", "es"], ["pt-BR", "pt", "pt-PT"]),
        ("pt-BR", ["pt"], ["pt"]),
        ("zh-Hant", ["zh-Hans", "zh-TW", "zh-CN", "zh"], ["zh-TW"]),
        ("zh-TW", ["zh-Hant", "zh-Hans"], ["zh-Hant"]),
        ("zh", ["zh-Hant"], ["zh-Hant"]),
        ("sr-Latn", ["sr", "sr-Cyrl", "sr-Latn-RS"], ["sr-Latn-RS"]),
        ("no", ["nb", "da", "sv"], ["nb"]),
        ("de", ["den", "nds", "dsb", "live_chat"], []),
        ("de", ["German", "de-AT"], ["German", "de-AT"]),
    ],
)
def test_names_that_match_come_the_best_first(wanted, names, ranked):
    assert languages.rank_matches(wanted, names) == ranked


def test_a_list_is_normalized_without_repetitions():
    assert languages.parse_languages("eng, en_US;English, ger") == ["en", "en-US", "de"]
    assert languages.parse_languages("") == []


@pytest.mark.parametrize("text", ["en,gibberish", "xx", "../x", "en,.*"])
def test_what_is_no_language_is_refused_by_its_name(text):
    with pytest.raises(ValueError, match=f"^{text.rpartition(',')[2].replace('.', '[.]').replace('*', '[*]')}$"):
        languages.parse_languages(text)
