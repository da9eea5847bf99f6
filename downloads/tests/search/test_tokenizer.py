"""The tokenizer of texts and queries."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from downloads.search import tokenizer
from downloads.tests.support.cases import each_case


@given(st.text())
@settings(max_examples=200)
def test_it_cuts_any_text_into_words_that_stay_the_same(text):
    words = tokenizer.tokenize(text)
    assert tokenizer.tokenize(" ".join(words)) == words
    assert all(word and not set(word) & set(" '\"\\\x00*") for word in words)
    "".join(words).encode()


@given(st.text(max_size=30))
@settings(max_examples=200)
def test_it_marks_without_losing_a_character(text):
    for start, end in tokenizer.match_spans(text, tokenizer.tokenize(text)):
        assert 0 <= start < end <= len(text)
    spans = list(tokenizer.match_spans(text, tokenizer.tokenize(text)))
    assert spans == sorted(spans)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(spans))


@each_case(
    ("text", "search_text", "marked"),
    [
        ("우리 대한민국 만세", "민국", ["민국"]),
        ("대한민국", "미", ["민"]),
        ("대한민국 국민", "국", ["국", "국"]),
        ("iPhone케이스", "케이스", ["케이스"]),
        ("iPhone케이스", "iphone", ["iPhone"]),
        # Decomposed: the mark ends with its syllable.
        ("\u1106\u1175\u11ab\u1100\u116e\u11a8", "미", ["\u1106\u1175\u11ab"]),
        ("ﾃﾞﾓ", "デ", ["ﾃﾞ"]),
        ("ภาษาไทย", "ไท", ["ไ", "ท"]),
        ("You\u00adTube film", "youtube", ["You\u00adTube"]),
        ("대한민국", "국민", []),
    ],
)
def test_it_marks_the_characters_that_match(text, search_text, marked):
    spans = tokenizer.match_spans(text, tokenizer.tokenize(search_text))
    assert [text[start:end] for start, end in spans] == marked


@given(st.text(alphabet="대한민국가각ㄱㅏ a1日\u1100\u1161\u11a8", max_size=20))
@settings(max_examples=300)
def test_what_is_indexed_and_what_is_marked_agree(text):
    indexed_words = set(tokenizer.iter_indexed_words(text))
    for word in tokenizer.tokenize(text):
        assert word in indexed_words
        assert any(tokenizer.match_spans(text, [word]))
    for word in indexed_words:
        assert any(tokenizer.match_spans(text, [word]))
