"""Highlighted search words."""

from downloads.models import Video
from downloads.templatetags.highlight import highlight_words, search_excerpt


def test_it_marks_the_beginnings_of_words_and_escapes_the_rest():
    assert highlight_words("Überfahrt <b>", ["uber"]) == "<mark>Über</mark>fahrt &lt;b&gt;"
    assert highlight_words("A&B a", ["a"]) == "<mark>A</mark>&amp;B <mark>a</mark>"
    assert highlight_words("<script>", None) == "&lt;script&gt;"
    assert highlight_words("Straße", ["strass"]) == "<mark>Straß</mark>e"
    assert highlight_words("日本語", ["本"]) == "日<mark>本</mark>語"
    assert highlight_words("cafe\u0301s", ["cafe"]) == "<mark>cafe\u0301</mark>s"


def test_it_shows_the_place_in_the_description_that_has_the_word():
    video = Video(title="Animals", description=f"{'before ' * 40}<a zebra> lives here {'after ' * 60}")
    excerpt, seconds = search_excerpt(video, ["zebra", "animals"])
    assert seconds is None
    assert "<a zebra> lives here" in excerpt
    assert excerpt.startswith("…before")
    assert excerpt.endswith("after…")
    assert len(excerpt) < 300
    assert search_excerpt(video, ["animals"]) is None
