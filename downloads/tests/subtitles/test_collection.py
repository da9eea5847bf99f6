"""Selection and naming of subtitle files."""

import pytest

from downloads.subtitles import collection
from downloads.tests.support.cases import each_case

WEBVTT_CUE = "\n\n00:00.000 --> 00:02.000\nHello\n"


@pytest.fixture
def fetched_subtitles(tmp_path):
    """A function that creates a fetched file: `fetched_subtitles("en", text)`."""
    (tmp_path / "ready").mkdir()

    def make(language, text=f"WEBVTT{WEBVTT_CUE}"):
        path = tmp_path / f"media.{language}.vtt"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    make.ready = tmp_path / "ready"
    return make


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html><script>alert(1)</script>",
        f"1{WEBVTT_CUE}",
        f"webvtt{WEBVTT_CUE}",
        f"WEBVTTX{WEBVTT_CUE}",
        f" WEBVTT{WEBVTT_CUE}",
        f"WEBVTT{WEBVTT_CUE}".encode("utf-16"),
        b"WEBVTT\n\n\xff\xfe",
        "WEBVTT\n\n" + "x" * collection.MAX_SUBTITLE_BYTES,
    ],
)
def test_it_keeps_nothing_that_is_no_webvtt(fetched_subtitles, text):
    assert collection.collect_subtitles([fetched_subtitles("en", text)], fetched_subtitles.ready, "film") == {}
    assert list(fetched_subtitles.ready.iterdir()) == []


@pytest.mark.parametrize(
    "language", ["x", "english", "en..", "en-", "en de", "live_chat", "e\u0301n", "en-" + "x" * 17]
)
def test_it_keeps_no_language_that_is_none(fetched_subtitles, language):
    assert collection.collect_subtitles([fetched_subtitles(language)], fetched_subtitles.ready, "film") == {}


def test_it_keeps_a_limited_number(fetched_subtitles):
    files = [fetched_subtitles(f"en-{number:03}") for number in range(collection.MAX_SUBTITLE_FILES + 5)]
    assert list(collection.collect_subtitles(files, fetched_subtitles.ready, "film")) == [
        f"en-{number:03}" for number in range(collection.MAX_SUBTITLE_FILES)
    ]


def test_it_keeps_them_by_language_under_the_name_of_the_film(fetched_subtitles):
    files = [
        fetched_subtitles("en"),
        fetched_subtitles("de", b"\xef\xbb\xbfWEBVTT - Untertitel"),
        fetched_subtitles("pt-BR"),
        fetched_subtitles("en-eEY6OEpapPo", "WEBVTT"),
    ]
    assert collection.collect_subtitles(files, fetched_subtitles.ready, "A. film") == {
        "de": "A. film.de.vtt",
        "en": "A. film.en.vtt",
        "en-eEY6OEpapPo": "A. film.en-eEY6OEpapPo.vtt",
        "pt-BR": "A. film.pt-BR.vtt",
    }
    assert sorted(path.name for path in fetched_subtitles.ready.iterdir())[0] == "A. film.de.vtt"


@each_case(
    ("language", "label"),
    [
        ("de", "Deutsch"),
        ("fr", "Français"),
        ("pt-BR", "Português Brasileiro"),
        ("zh-Hans", "简体中文"),
        ("en-orig", "English (en-orig)"),
        ("tlh", "tlh"),
    ],
)
def test_it_calls_a_language_by_its_own_name(language, label):
    assert collection.language_label(language) == label
