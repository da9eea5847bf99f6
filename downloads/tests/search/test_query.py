"""Full-text queries: their words, matches and order."""

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downloads.models import Metadata, Video
from downloads.search import backend, index, query
from downloads.tests.support.search import create_complete_video, create_unindexed_videos, search_titles


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
    ("title", "search_text"),
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
def test_it_finds_words_however_they_are_written(title, search_text):
    create_complete_video("a", title=title)
    assert search_titles(search_text) == [title]


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


@pytest.mark.django_db
@given(st.text(max_size=40))
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_it_finds_any_text_by_itself(text):
    Video.objects.all()._raw_delete("default")
    create_unindexed_videos(text.replace("\x00", "").encode("utf-8", "replace").decode())
    video = Video.objects.get()
    index.index_video(video)
    words = query.parse_query(video.title)
    assert list(query.find_matching(words)) == ([video.pk] if words else [])
