"""The tokenizer of texts and queries."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from downloads.search import tokenizer


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
