"""Full text search: which words a text has, what is found by them, and in which order."""

import itertools
import json

import pytest
from django.core.management import call_command
from django.db import DataError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downloads.files import webvtt
from downloads.models import Metadata, StoredFiles, Video
from downloads.search import backend, index, query, tokenizer
from downloads.templatetags.highlight import highlight_words, search_excerpt
from downloads.tests.support.search import create_complete_video, create_unindexed_videos, search_titles
from downloads.tests.support.subtitles import MALFORMED_SUBTITLE_FILES, SAMPLE_WEBVTT


@pytest.mark.parametrize(
    "text",
    ["", "   ", '"', "*", "(((", '"" AND NOT', "a:b*^-", "NEAR(", "\x00", "' OR 1=1 --", "\ud800", "{title}:", "-"],
)
@pytest.mark.django_db
def test_it_takes_bad_syntax_for_words(text):
    create_complete_video("a", title="Nothing of the kind")
    assert search_titles(text) == []


@pytest.mark.django_db
def test_it_finds_nothing_that_lacks_a_word():
    create_complete_video("a", title="Big buck bunny")
    assert search_titles("big rabbit") == []
    assert search_titles("uck") == []


@pytest.mark.django_db
def test_it_takes_ten_words_of_a_long_query():
    create_complete_video("a", title=" ".join(f"word{n}" for n in range(10)))
    assert len(search_titles(" ".join(f"word{n}" for n in range(200)))) == 1
    assert search_titles("x" * 10_000) == []


@pytest.mark.parametrize(
    ("title", "asked"),
    [
        ("Big Buck Bunny", "bun big"),
        ("Über die Straße", "uber STRASSE"),
        ("Ｆｕｌｌｗｉｄｔｈ ﬁsh", "fullwidth fish"),
        ("Ναύς και Ὀδυσσεύς", "ναυς οδυσσευσ"),
        ("日本語の字幕", "字幕"),
        ("한국어 노래", "한국 노래"),
        ("İstanbul ve ışık", "istanbul"),
        ("don't stop_me-now", "dont’t stop me now".replace("dont", "don")),
        ("C++ in 2024", "c 2024"),
        ("Привет, мир", "прив МИР"),
    ],
)
@pytest.mark.django_db
def test_it_finds_words_however_they_are_written(title, asked):
    create_complete_video("a", title=title)
    assert search_titles(asked) == [title]


@pytest.mark.django_db
def test_it_finds_the_beginning_of_a_word_from_its_first_letter_on():
    create_complete_video("a", title="Alpha b")
    create_complete_video("b", title="Alpha beta")
    create_complete_video("c", title="Other b")
    assert search_titles("alpha b") == ["Alpha b", "Alpha beta"]
    assert search_titles("alpha be") == ["Alpha beta"]
    assert search_titles("b alpha") == ["Alpha b", "Alpha beta"]
    assert search_titles("a be") == ["Alpha beta"]
    assert search_titles("x alpha") == []
    assert len(query.filter_matching(list(query.find_matching(["alpha"])), ["alpha", "b"])) == 2


@pytest.mark.django_db
def test_it_takes_a_last_sign_that_is_a_word_for_one():
    create_complete_video("a", title="日本")
    create_complete_video("b", title="日曜")
    assert search_titles("日本") == ["日本"]


@pytest.mark.django_db
def test_it_takes_a_single_letter_for_a_whole_word_first():
    create_complete_video("a", title="Vitamin C")
    create_complete_video("b", title="Coffee")
    create_complete_video("c", title="Other", description="Ćevapi")
    assert search_titles("c") == ["Vitamin C", "Coffee", "Other"]
    assert search_titles("co") == ["Coffee"]
    assert search_titles("c·") == search_titles("c")


@pytest.mark.django_db
def test_it_finds_by_its_address_what_has_no_title_yet():
    waiting, _ = Video.objects.ingest("http://films.example.org/Lighthouse", "http://films.example.org/Lighthouse")
    assert list(query.find_matching(["lighth"])) == [waiting.pk]
    claimed = Video.objects.claim("w")
    assert claimed.save_metadata(Metadata(title="The lamp"))
    assert query.find_matching(["lighth"]) == {}
    assert list(query.find_matching(["lamp"])) == [waiting.pk]


@pytest.mark.django_db
def test_it_ranks_by_where_the_words_are_then_the_newest_first():
    create_complete_video("d", title="D", uploader="someone", description="zebra in the savanna")
    create_complete_video("a", title="Zebra savanna old")
    create_complete_video("c", title="C savanna", uploader="Zebra films")
    create_complete_video("b", title="Zebra savanna new")
    assert search_titles("zebra savanna") == ["Zebra savanna new", "Zebra savanna old", "C savanna", "D"]


@pytest.mark.django_db
def test_it_finds_subtitles_once_they_are_stored(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    taken = Video.objects.ingest("http://a.example/", "http://a.example/")[0]
    running = Video.objects.claim("w")
    assert running.save_metadata(Metadata(title="Animals"))
    assert search_titles("zebra") == []
    filed = StoredFiles("a/a.mp4", 1, tracks=[{"language": "en", "file": "a/a.en.vtt"}])
    assert running.finish(
        filed, lambda: (tmp_path / "a").mkdir() or (tmp_path / "a/a.en.vtt").write_text(SAMPLE_WEBVTT)
    )
    assert search_titles("zebra friends savanna") == ["Animals"]
    assert search_titles("secret") == search_titles("hidden") == search_titles("yellow") == search_titles("intro") == []
    assert search_excerpt(running, ["savan"]) == "“of the savanna”"
    taken.refresh_from_db()
    assert taken.remove()
    assert query.find_matching(["zebra"]) == {}


@pytest.mark.django_db
@pytest.mark.parametrize("row", MALFORMED_SUBTITLE_FILES)
def test_it_ignores_malformed_subtitle_files(settings, tmp_path, row):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    (tmp_path / "secret.vtt").write_text(SAMPLE_WEBVTT)
    (tmp_path / "media/a.en.vtt").write_text(SAMPLE_WEBVTT)
    if connection.vendor == "postgresql" and "\\u0000" in json.dumps(row):
        with pytest.raises(DataError):
            Video.objects.create(canonical_url="http://a.example/", tracks=row)
        return
    video = Video.objects.create(canonical_url="http://a.example/", title="Animals", tracks=row)
    index.index_video(video)
    assert search_titles("animals") == ["Animals"]
    assert search_titles("zebra") == []
    assert search_excerpt(video, ["zebra"]) == ""


def test_it_reads_each_line_of_subtitles_once(tmp_path):
    (tmp_path / "a.vtt").write_text(SAMPLE_WEBVTT)
    assert list(webvtt.iter_caption_lines([tmp_path / "a.vtt", tmp_path / "gone.vtt"])) == [
        "Hello zebra & friends",
        "of the savanna",
    ]


@pytest.mark.django_db
def test_it_follows_a_title_that_changes_and_leaves_nothing_of_what_is_rolled_back():
    first = create_complete_video("a", title="Before")
    assert first.redownload()
    again = Video.objects.claim("w")
    again.save_metadata(Metadata(title="After"))
    assert search_titles("before") == []
    assert search_titles("after") == ["After"]


@pytest.mark.django_db
def test_it_finds_playlist_entries_before_their_download():
    Video.objects.ingest("http://a.example/", "http://a.example/", title="Episode one")
    assert search_titles("episode") == ["Episode one"]


@pytest.mark.django_db
def test_it_forgets_what_is_deleted_in_whichever_way():
    create_unindexed_videos("Zebra one", "Zebra two")
    call_command("index", verbosity=0)
    # As a database's own console would, behind the back of all our verbs.
    Video.objects.filter(title="Zebra one")._raw_delete("default")
    assert search_titles("zebra") == ["Zebra two"]
    assert query.filter_matching(list(range(1000)), ["zebra"]) == {Video.objects.get().pk}


@pytest.mark.django_db
def test_it_indexes_what_was_put_into_the_database_without_it(capsys):
    create_unindexed_videos("Zebra a", "Zebra b")
    assert search_titles("zebra") == []
    call_command("index")
    assert search_titles("zebra") == ["Zebra b", "Zebra a"]
    call_command("index")
    assert capsys.readouterr().out == "Indexed 2 videos.\nIndexed 0 videos.\n"
    Video.objects.filter(title="Zebra a").update(title="Lion a")
    call_command("index", "--all")
    assert search_titles("lion") == ["Lion a"]


@pytest.mark.django_db
def test_it_finds_the_first_thousand_of_very_many():
    create_unindexed_videos(*(f"Zebra {n}" for n in range(1100)))
    call_command("index", verbosity=0)
    keys = list(query.find_matching(["zebra"]))
    assert len(keys) == 1000
    assert keys == sorted(keys, reverse=True)
    few = Video.objects.filter(title__in=["Zebra 1", "Zebra 2"])
    assert len(query.find_matching(["zebra"], few)) == 2


@pytest.mark.django_db
def test_it_finds_among_many_by_looking_each_up(monkeypatch):
    monkeypatch.setattr(backend.get_backend(), "SCAN_LIMIT_ROWS", 0)
    for name in "abc":
        create_complete_video(name, title=f"Zebra {name}", uploader="U" if name != "b" else "V")
    assert len(query.find_matching(["zebra"], Video.objects.filter(uploader="U"))) == 2


def test_it_marks_the_beginnings_of_words_and_escapes_the_rest():
    assert highlight_words("Überfahrt <b>", ["uber"]) == "<mark>Über</mark>fahrt &lt;b&gt;"
    assert highlight_words("A&B a", ["a"]) == "<mark>A</mark>&amp;B <mark>a</mark>"
    assert highlight_words("<script>", None) == "&lt;script&gt;"
    assert highlight_words("Straße", ["strass"]) == "<mark>Straß</mark>e"
    assert highlight_words("日本語", ["本"]) == "日<mark>本</mark>語"
    assert highlight_words("cafe\u0301s", ["cafe"]) == "<mark>cafe\u0301</mark>s"


def test_it_shows_the_place_in_the_description_that_has_the_word():
    told = Video(title="Animals", description=f"{'before ' * 40}<a zebra> lives here {'after ' * 60}")
    shown = search_excerpt(told, ["zebra", "animals"])
    assert "<a zebra> lives here" in shown
    assert shown.startswith("…before")
    assert shown.endswith("after…")
    assert len(shown) < 300
    assert search_excerpt(told, ["animals"]) == ""


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


@pytest.mark.django_db
@given(st.text(max_size=40))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_it_finds_any_text_by_itself(text):
    Video.objects.all()._raw_delete("default")
    create_unindexed_videos(text.replace("\x00", "").encode("utf-8", "replace").decode())
    made = Video.objects.get()
    index.index_video(made)
    words = query.parse_query(made.title)
    assert list(query.find_matching(words)) == ([made.pk] if words else [])
