"""Extraction of URLs from what people paste."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from downloads.intake.pasted_text import extract_address_without_scheme, extract_urls, remove_invisible, split_lines
from downloads.tests.support.cases import each_case

URL = "https://example.org/watch?v=1"
# A character of each kind that shows nothing.
INVISIBLE = (
    "\u200b\ufeff\u200e\u200f\u2060\u00ad\u202a\u202e\u2066\u2069\u061c\u180e\ufe0f\u034f\u3164\ufff0\ufffe\U000e0041"
)


@each_case("char", [*INVISIBLE])
@each_case("place", [0, 3, 12, 20, len(URL)])
def test_it_removes_invisible_characters_wherever_they_are(char, place):
    assert extract_urls(URL[:place] + char + URL[place:]) == [URL]


@each_case("space", [*"\u00a0\u3000\u2003\u202f\u2800\t"])
def test_it_takes_unusual_spaces_for_spaces(space):
    assert extract_urls(f"{space}{URL}{space}") == [URL]
    assert extract_urls(f"{URL}{space}{space}https://example.org/2") == [URL, "https://example.org/2"]


@pytest.mark.parametrize(
    "url",
    [
        "https://fa.example.org/می‌خواهم",
        "https://example.org/👨\u200d👩\u200d👧",
        "https://example.org/❤\ufe0f",
        "https://si.example.org/ශ්\u200dරී",
    ],
)
def test_it_keeps_joiners_that_belong_to_the_spelling(url):
    assert extract_urls(url) == [url]


@each_case(
    "line",
    [
        *("<{}>", "({})", "[{}]", "(see {})", "<URL:{}>", "{{{}}}", "（{}）", "【{}】", "＜{}＞"),
        *("[a title]({})", "[{0}]({0})", "**{}**", "__{}__", "~~{}~~", "||{}||", "`{}`", "*{}*"),
        *('"{}"', "'{}'", "“{}”", "„{}“", "”{}”", "«{}»", "»{}«", "‹{}›", "‘{}’", "「{}」", "『{}』", "《{}》"),
        *("{}.", "{},", "{};", "{}!", "{}?", "{}:", "{}…", "{}...", "{}。", "{}、", "{}）", "{}’", "{}\u201d"),
        *(
            "Watch: {}",
            "Watch:{}",
            "look {} please",
            "ann: {} !",
            "> {}",
            "视频：{}，很好看",
            "「{}」を見て",
            "看{}。好",
        ),
        *("1. {}", "1) {}", "- {}", "* {}", "• {}", "– {}", "☐ {}", "12\t{}", "[12:30] ann: {}", "# {}"),
        *("{} | A title", "{} - A title", "{}\tA title\t12:04", "A title,{},2024-01-01", '"{}","A title"'),
        *("{} A film about something", "{} (720p)", "{} 👍", "{} wow!", "A title;{};12", "|{}|A title|"),
        *('<a href="{}">film</a>', "<a href='{}'>film</a>", "src={}", "view-source:{}", "URL={}"),
        *("&lt;{}&gt;", "{}&gt;", "url=&quot;{}&quot;", "&#39;{}&#39;", "&#x3C;{}&#x3e; x", "{}&nbsp;"),
        *(
            "<{}|A title>",
            "{}，",
            "{}🔥🔥",
            "👉{}👈",
            "{}❤\ufe0f",
            "{}\uf08e",
            "{} 看",
            "〖{}〗",
            "〚{}〛",
            "⟨{}⟩",
            "❝{}❞",
            "〝{}〟",
        ),
        *("{}؟", "{}،", "{}।", "{}።", "{}¡", "{}—", "﹁{}﹂", "❮{}❯", "´{}´", "{}՞", "{}‽"),
        *("{}%E2%80%8B", "{}%20", "{}%ef%bb%bf.", '[1]: {} "A title"', '{{"url":"{}","title":"A title"}}'),
    ],
)
def test_it_finds_the_url_in_the_text_around_it(line):
    assert extract_urls(line.format(URL)) == [URL]


@each_case(
    "url",
    [
        "https://en.example.org/wiki/Heat_(1995_film)",
        "https://example.org/a_(b)_(c)",
        "https://example.org/a%2Fb/(c)[d]",
        "https://youtu.be/abc_",
        "https://youtu.be/-abc-",
        "https://example.org/a,b;c",
        "https://example.org/it's",
        "https://example.org/?next=https://example.com/a",
        "https://web.archive.org/web/2020/https://example.com/a",
        "https://example.org/wiki/《三国演义》",
        "https://example.org/i-love-❤/1",
        "https://example.org/a❤b",
        "https://example.org/?a=1&lt=2",
        "https://example.org/a|b",
        "https://例え.テスト/日本。語",
        "http://[2606:4700::1111]:8080/a",
    ],
)
def test_it_keeps_what_belongs_to_the_url(url):
    assert extract_urls(url) == [url]
    assert extract_urls(f"see ({url}).") == [url]


@each_case(
    ("line", "urls"),
    [
        ("https://a.example/1 https://a.example/2", ["https://a.example/1", "https://a.example/2"]),
        ("https://a.example/1,https://a.example/2;", ["https://a.example/1", "https://a.example/2"]),
        ("https://a.example/1，https://a.example/2；", ["https://a.example/1", "https://a.example/2"]),
        ("<https://a.example/1|One> <https://a.example/2|Two>", ["https://a.example/1", "https://a.example/2"]),
        ("https://a.example/1https://a.example/2", ["https://a.example/1", "https://a.example/2"]),
        ("「https://a.example/1」と「https://a.example/2」", ["https://a.example/1", "https://a.example/2"]),
        ("https://a.example/1 and https://a.example/1", ["https://a.example/1"]),
        ("ｈｔｔｐｓ：／／ａ．ｅｘａｍｐｌｅ／１？ｘ＝２", ["https://a.example/1?x=2"]),
        ("https：//a.example/1", ["https://a.example/1"]),
        ("https://a.example／1？x＝2", ["https://a.example/1?x=2"]),
        ('"https:\\/\\/a.example\\/1"', ["https://a.example/1"]),
        ('<a href="https://a.example/?a=1&amp;b=2">', ["https://a.example/?a=1&b=2"]),
        ("https://https://a.example/1", ["https://a.example/1"]),
        ("https://a.example/1||https://a.example/2", ["https://a.example/1", "https://a.example/2"]),
        ("HTTPS://A.example/1", ["HTTPS://A.example/1"]),
        ("see www.youtube.com/watch?v=1!", ["https://www.youtube.com/watch?v=1"]),
        ("(WWW.example.org/1)", ["https://WWW.example.org/1"]),
    ],
)
def test_it_finds_each_url(line, urls):
    assert extract_urls(line) == urls


@each_case(
    "line",
    [
        "http://example.org/a b",
        "http://example.org/my film.mp4",
        "http://example.org/a b/c",
        "ftp://example.org/?u=https://example.org/1",
        "rtmp://example.org/https://example.org/1",
        "blob:https://example.org/1",
        "data:text/html,https://example.org/1",
        "javascript:open('https://example.org/1')",
        "magnet:?xs=https://example.org/1",
        "ytsearch1:https://example.org/1",
        "example.org/?u=https://example.org/1",
        "//example.org/?u=https://example.org/1",
        "http://example.org\\@127.0.0.1/",
        "ann@www.example.org",
        "no address at all",
    ],
)
def test_it_leaves_a_line_whole_that_may_be_something_else(line):
    assert extract_urls(line) == [line]


@each_case(
    ("line", "address"),
    [
        *((line, "youtu.be/1") for line in ("youtu.be/1", "(youtu.be/1).", "Watch: youtu.be/1!", "«youtu.be/1»")),
        *((f"{scheme}youtu.be/1", "youtu.be/1") for scheme in ("//", "https:/", "https//", "https:// ", "https:///")),
        *((f"{scheme}youtu.be/1", "youtu.be/1") for scheme in ("ttps://", "htps://", "htttps://", "hxxp://")),
        ("youtu.be/1 youtu.be/2", ""),
        ("a b.c", ""),
        ("https://example.org/my film.mp4", ""),
        ("ftp://example.org/1", ""),
        ("ann@example.org/1", ""),
        ("and/or", ""),
        ("", ""),
    ],
)
def test_it_finds_the_only_address_without_a_scheme(line, address):
    assert extract_address_without_scheme(line) == address


def test_it_splits_at_all_line_ends_and_skips_lines_that_show_nothing():
    assert split_lines("a\r\nb\rc\u2028d\x0be\x85f\n\u200b\n \u3000\n\u2060 \ufeff\n") == list("abcdef")


@given(st.text(max_size=80))
@settings(max_examples=300)
def test_it_finds_at_least_one_in_any_line_and_the_same_in_what_it_found(line):
    found_urls = extract_urls(line)
    assert found_urls
    assert remove_invisible(remove_invisible(line)) == remove_invisible(line)
    for url in found_urls:
        assert len(url) <= len(line) + len("https://")


@given(st.text(alphabet=" \u200b()[]<>.,\"'«»「」_*-•aé", max_size=12), st.text(alphabet=" )]>.,\"'»」*!?", max_size=8))
@settings(max_examples=300)
def test_it_finds_a_url_in_any_punctuation(before, after):
    assert extract_urls(f"{before} {URL}{after}") == [URL]


@pytest.mark.alone
@pytest.mark.parametrize(
    "line",
    [
        *(f"({URL},".replace("1", "x") * 20_000, "「" * 300_000 + URL, "/" * 300_000 + URL),
        *(URL + ".%20" * 1_000, URL + ")" * 300_000, f"{URL}{'.' * 4_000} " * 70),
    ],
)
def test_it_reads_a_very_long_line_in_a_moment(line):
    began = time.process_time()
    extract_urls(line)
    assert time.process_time() - began < 4
