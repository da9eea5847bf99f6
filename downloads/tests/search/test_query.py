"""Full-text queries: their words, matches and order."""

import pytest
from django.core.management import call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from downloads.models import Metadata, Video
from downloads.search import backend, index, query, tokenizer
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


@pytest.mark.parametrize(
    ("title", "search_text"),
    [
        ("대한민국", "민국"),
        ("대한민국의 역사", "국의 역"),
        ("대한민국", "국"),
        ("대한민국", "민구"),  # while “국” is being typed
        ("대한민국", "미"),
        ("대한민국", "ㅁ"),
        ("\u1103\u1162\u1112\u1161\u11ab\u1106\u1175\u11ab\u1100\u116e\u11a8", "민국"),  # decomposed, as from macOS
        ("대한민국", "\u1106\u1175\u11ab\u1100\u116e\u11a8"),
        ("iPhone케이스", "케이스"),
        ("iPhone케이스", "이스"),
        ("iPhone케이스", "iphone"),
        ("iPhone케이스", "iPhone케이스"),
        ("아이폰15프로", "15"),
        ("아이폰15프로", "프로"),
        ("K팝2024년", "팝 2024"),
        ("ﾃﾞﾓｸﾗｼｰ", "クラシー"),
        ("東京タワーの夜景", "タワー"),
        ("人々の暮らし", "々"),
        ("Ｔｏｋｙｏ東京", "東京 tokyo"),
        ("ภาษาไทยง่ายๆ", "ไทย"),
        ("ພາສາລາວ", "ລາວ"),
        ("မြန်မာဘာသာ", "ဘာသာ"),
        ("ភាសាខ្មែរ", "ខ្មែរ"),
        ("བོད་སྐད་ཡིག", "སྐད"),
        ("ꦧꦱꦗꦮ", "ꦗꦮ"),
        ("ᬪᬵᬱᬩᬮᬶ", "ᬩᬮᬶ"),
        ("ᨽᩣᩈᩣᩃᩣ᩠ᨶᨶᩣ", "ᩃᩣ᩠ᨶ"),
        ("ᥖᥭᥰᥖᥬᥲ", "ᥖᥬᥲ"),
        ("ᦅᧄᦺᦑ", "ᦺᦑ"),
        ("ꪼꪕꪒꪾ", "ꪒꪾ"),
        ("ᨅᨔᨕᨘᨁᨗ", "ᨕᨘᨁᨗ"),
        ("ꆈꌠꁱꂷ", "ꁱꂷ"),
        ("ㄅㄆㄇㄈ", "ㄇㄈ"),
        ("You\u00adTube", "youtube"),
        ("שלו\u200fם עולם", "שלום"),
        ("ශ්\u200dරී ලංකා", "ශ්‍රී"),
    ],
)
@pytest.mark.django_db
def test_it_finds_words_inside_of_what_has_no_spaces(title, search_text):
    create_complete_video("a", title=title)
    assert search_titles(search_text) == [title]
    assert search_titles(f"“{search_text}”") == [title]
    assert any(tokenizer.match_spans(title, query.parse_query(search_text)))


@pytest.mark.django_db
def test_it_finds_no_word_in_hangul_from_within_a_syllable_or_from_another_order():
    create_complete_video("a", title="대한민국")
    assert search_titles("ㅐ") == search_titles("국민") == search_titles("한국") == search_titles("대민") == []
    assert search_titles("iphone한") == []


@pytest.mark.django_db
def test_it_ranks_words_in_hangul_as_all_others():
    create_complete_video("d", title="D", uploader="u", description="우리 대한민국")
    create_complete_video("a", title="대한민국 1")
    create_complete_video("c", title="C", uploader="민국 TV")
    create_complete_video("b", title="민국 2")
    assert search_titles("민국") == ["민국 2", "대한민국 1", "C", "D"]


@pytest.mark.django_db
def test_it_finds_words_far_into_a_text_without_spaces():
    create_complete_video("a", title="가나다라마바사아자차카타파하" * 20 + "민국")
    assert len(search_titles("하민국")) == 1


@pytest.mark.django_db
def test_it_stores_any_amount_of_hangul():
    text = "".join(chr(0xAC00 + number * 7919 % 11172) for number in range(100_000))
    create_complete_video("a", title=text[:500], uploader=text[:255], description=text)
    assert len(search_titles(text[200:204])) == 1


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
@pytest.mark.parametrize("scan_limit_rows", [None, 10_000, 0], ids=["all", "of few", "of many"])
def test_it_ranks_several_words_with_a_single_letter(monkeypatch, django_assert_num_queries, scan_limit_rows):
    create_complete_video("a", title="Begun in the text", description="vitamin coffee")
    create_complete_video("b", title="Begun in the name", uploader="Vitamin Coffee")
    create_complete_video("c", title="In the text", description="vitamin c")
    create_complete_video("d", title="C", uploader="vitamin")
    create_complete_video("e", title="Coffee with vitamins")
    create_complete_video("f", title="Vitamin C")
    create_complete_video("g", title="Vitamin E")
    queryset, extra_queries = None, 0
    if scan_limit_rows is not None:
        monkeypatch.setattr(backend.get_backend(), "SCAN_LIMIT_ROWS", scan_limit_rows)
        queryset, extra_queries = Video.objects.exclude(title="Vitamin E"), 0 if scan_limit_rows else 1
    with django_assert_num_queries(3 + extra_queries):
        keys = list(query.find_matching(["vitamin", "c"], queryset))
    titles = dict(Video.objects.values_list("pk", "title"))
    whole, begun = ["Vitamin C", "C", "In the text"], ["Coffee with vitamins", "Begun in the name", "Begun in the text"]
    assert [titles[key] for key in keys] == whole + begun


@pytest.mark.django_db
@pytest.mark.parametrize("limit", range(1, 7))
def test_the_limit_keeps_the_best_of_several_words_with_a_single_letter(monkeypatch, limit):
    for number, title in enumerate(["Vitamin coffee", "C vitamin", "Vitamin case", "Vitamin C", "Cold vitamin"]):
        create_complete_video(f"title{number}", title=title)
    create_complete_video("text", title="In the text", description="vitamin c")
    best_first = ["Vitamin C", "C vitamin", "In the text", "Cold vitamin", "Vitamin case", "Vitamin coffee"]
    assert search_titles("vitamin c") == best_first
    monkeypatch.setattr(query, "MAX_RESULTS", limit)
    assert search_titles("vitamin c") == best_first[:limit]


@pytest.mark.django_db
def test_it_counts_what_a_filter_leaves_once_and_finds_what_came_since(django_assert_num_queries):
    create_complete_video("a", title="Zebra one", uploader="U")
    videos = Video.objects.filter(uploader="U")
    with django_assert_num_queries(2):
        assert len(query.find_matching(["zebra"], videos)) == 1
    create_complete_video("b", title="Zebra two", uploader="U")
    with django_assert_num_queries(1):
        assert len(query.find_matching(["zebra"], videos)) == 2


@pytest.mark.django_db
def test_a_filter_that_no_video_can_match_finds_nothing():
    create_complete_video("a", title="Zebra")
    assert query.find_matching(["zebra"], Video.objects.none()) == {}
    assert query.find_matching(["zebra"], Video.objects.filter(pk=10**20)) == {}


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
