"""Conversion to WebVTT: formats, character sets, and what is no subtitles."""

import contextlib
import gzip
import json
import re

import pytest

from downloads.subtitles import webvtt
from downloads.subtitles.conversion import UnusableSubtitles, convert_segment, convert_to_webvtt
from downloads.subtitles.text_decoding import decode_text
from downloads.tests.support.cases import each_case

FIRST, SECOND = "00:00:01.000 --> 00:00:02.500\nGrüße", "00:00:03.000 --> 00:00:04.000\nzweite\nZeile"
EXPECTED = f"WEBVTT\n\n{FIRST}\n\n{SECOND}\n"
SRT = "1\n00:00:01,000 --> 00:00:02,500\nGrüße\n\n2\n00:00:03,000 --> 00:00:04,000\nzweite\nZeile\n"
ASS = r"""[Script Info]
Title: x
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname
Style: Default,Arial

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,{\i1\pos(1,2)}Grüße
Comment: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,not spoken
Dialogue: 0,0:00:02.00,0:00:02.50,Default,,0,0,0,,{\p1}m 0 0 l 1 1{\p0}
Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,zweite\NZeile
"""
TTML = """<?xml version="1.0" encoding="utf-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttp="http://www.w3.org/ns/ttml#parameter" ttp:frameRate="10">
<head><metadata><ttm:title xmlns:ttm="http://www.w3.org/ns/ttml#metadata">x</ttm:title></metadata></head>
<body><div begin="1s"><p begin="0s" end="00:00:01.5"><span>Grüße</span></p>
<p begin="00:00:02:00" dur="1000ms">zweite<br/>Zeile</p></div></body></tt>"""
SAMI = """<SAMI><HEAD><STYLE TYPE="text/css"><!-- P { } --></STYLE></HEAD><BODY>
<SYNC Start=1000><P Class=DE>Gr&uuml;&szlig;e
<SYNC Start=2500><P Class=DE>&nbsp;
<SYNC Start=3000><P Class=DE>zweite<br>Zeile
<SYNC Start=4000><P Class=DE>&nbsp;</BODY></SAMI>"""
JSON3 = json.dumps(
    {
        "wireMagic": "pb3",
        "events": [
            {"tStartMs": 0, "dDurationMs": 9, "wpWinPosId": 1},
            {"tStartMs": 1000, "dDurationMs": 1500, "segs": [{"utf8": "Grü"}, {"utf8": "ße", "tOffsetMs": 9}]},
            {"tStartMs": 2000, "dDurationMs": 9, "segs": [{"utf8": "\n"}]},
            {"tStartMs": 3000, "dDurationMs": 1000, "segs": [{"utf8": "zweite\nZeile"}]},
        ],
    }
)
LIST_JSON = json.dumps(
    {"body": [{"from": 1, "to": 2.5, "content": "Grüße"}, {"from": 3, "to": 4, "content": "zweite\nZeile"}]}
)
SRV1 = """<?xml version="1.0" encoding="utf-8" ?><transcript><text start="1" dur="1.5">Gr&amp;#252;ße</text>
<text start="3" dur="1">zweite
Zeile</text></transcript>"""
SRV3 = """<?xml version="1.0" encoding="utf-8" ?><timedtext format="3"><body>
<p t="1000" d="1500"><s>Grü</s><s t="200">ße</s></p><p t="3000" d="1000">zweite<br/>Zeile</p></body></timedtext>"""
MICRODVD = "{1}{1}10\n{10}{25}{y:i}Grüße\n{30}{40}zweite|Zeile\n"
MPL2 = "[10][25]/Grüße\n[30][40]zweite|Zeile\n"
SUBVIEWER = (
    "[INFORMATION]\n[TITLE]x\n[SUBTITLE]\n00:00:01.00,00:00:02.50\nGrüße\n\n00:00:03.00,00:00:04.00\nzweite[br]Zeile\n"
)
VTT = f"WEBVTT\n\n{FIRST}\n\n{SECOND}\n"


@each_case("text", [SRT, ASS, TTML, SAMI, JSON3, LIST_JSON, SRV3, MICRODVD, MPL2, SUBVIEWER, VTT])
@each_case("line_end", ["\n", "\r\n", "\r"])
def test_each_format_becomes_the_same_webvtt(text, line_end):
    assert convert_to_webvtt(text.replace("\n", line_end).encode(), language="de") == EXPECTED


def test_the_first_format_of_youtube_is_read():
    assert convert_to_webvtt(SRV1.encode()) == EXPECTED.replace("zweite\nZeile", "zweite Zeile")


def test_lyrics_are_shown_until_the_next_line():
    text = "[ti:x]\n[00:01.00]Grüße\n[00:02.50]\n[00:03.00][00:09.00]zweite <00:03.50>Zeile\n"
    cues = convert_to_webvtt(text.encode()).split("\n\n")[1:]
    assert cues == [
        "00:00:01.000 --> 00:00:02.500\nGrüße",
        "00:00:03.000 --> 00:00:09.000\nzweite Zeile",
        "00:00:09.000 --> 00:00:14.000\nzweite Zeile\n",
    ]


LANGUAGES = [
    ("en", "windows-1252", "café — naïve “quotes”"),
    ("de", "windows-1252", "Größe über Äpfel, schöne Grüße"),
    ("fr", "mac_roman", "Où est le garçon ? Là-bas, à côté."),
    ("pl", "windows-1250", "Zażółć gęślą jaźń, proszę"),
    ("pl", "iso-8859-2", "Zażółć gęślą jaźń, proszę"),
    ("cs", "iso-8859-2", "Příliš žluťoučký kůň úpěl ďábelské ódy"),
    ("hu", "iso-8859-2", "Árvíztűrő tükörfúrógép"),
    ("ru", "windows-1251", "Привет, как дела? Всё хорошо."),
    ("ru", "koi8-r", "Привет, как дела? Всё хорошо."),
    ("ru", "cp866", "Привет, как дела? Всё хорошо."),
    ("ru", "iso-8859-5", "Привет, как дела? Всё хорошо."),
    ("uk", "windows-1251", "Її ґанок і є їжа"),
    ("el", "windows-1253", "Καλημέρα σας, τι κάνετε;"),
    ("tr", "windows-1254", "Günaydın, nasılsınız? Şöyle"),
    ("he", "windows-1255", "שלום מה שלומך"),
    ("ar", "windows-1256", "مرحبا كيف حالك"),
    ("lt", "windows-1257", "Ačiū, labas rytas, žąsis"),
    ("th", "cp874", "สวัสดีครับ"),
    ("ja", "shift_jis", "こんにちは、元気ですか。"),
    ("ja", "euc-jp", "こんにちは、元気ですか。"),
    ("ja", "iso-2022-jp", "こんにちは、元気ですか。"),
    ("zh-CN", "gbk", "你好，今天天气很好"),
    ("zh-TW", "big5", "你好，今天天氣很好"),
    ("ko", "euc-kr", "안녕하세요 반갑습니다"),
    ("en", "utf-16", "café"),
    ("en", "utf-16-le", "café"),
    ("ja", "utf-16-be", "こんにちは"),
    ("en", "utf-8-sig", "café"),
    ("en", "utf-32", "café"),
    ("en", "utf-8", "café 🎬"),
]


@each_case(("language", "charset", "words"), LANGUAGES)
def test_it_keeps_the_words_of_each_character_set(language, charset, words):
    srt = "".join(f"{n}\r\n00:00:0{n},000 --> 00:00:0{n},500\r\n{words}\r\n\r\n" for n in range(1, 4))
    assert convert_to_webvtt(srt.encode(charset), language=language).count(words) == 3
    assert words in convert_to_webvtt(gzip.compress(srt.encode(charset)), language=language)


@pytest.mark.parametrize(
    ("declared", "charset"),
    [("windows-1251", "cp1251"), ("KOI8-R", "koi8-r"), ("utf-8", "cp1251"), ("nonsense", "cp1251"), ("", "utf-8")],
)
def test_a_declared_character_set_is_believed_where_it_fits(declared, charset):
    assert decode_text("Привет, как дела?".encode(charset), declared, "ru") == "Привет, как дела?"


def test_latin1_is_a_declaration_for_windows_1252():
    assert decode_text(b"\x93caf\xe9\x94", "iso-8859-1", "fr") == "“café”"


@each_case("declared", ["iso-8859-1", "windows-1252", "us-ascii"])
@each_case(("language", "charset", "words"), LANGUAGES)
def test_a_charset_that_a_server_declares_for_all_files_garbles_none(language, charset, words, declared):
    srt = f"1\n00:00:01,000 --> 00:00:02,000\n{words}\n".encode(charset)
    assert words in convert_to_webvtt(srt, charset=declared, language=language)


@each_case(
    ("charset", "words"),
    [
        ("windows-1251", "Привет, как дела? Всё хорошо."),
        ("windows-1253", "Καλημέρα σας, τι κάνετε;"),
        ("shift_jis", "こんにちは、元気ですか。東京に行きましょう"),
        ("big5", "你好，今天天氣很好。我們去台北吧"),
        ("euc-kr", "안녕하세요, 반갑습니다. 서울에 갑시다"),
    ],
)
@each_case("declared", ["", "utf-8", "iso-8859-1"])
def test_words_in_another_script_than_that_of_the_language_are_kept(charset, words, declared):
    srt = "".join(f"{n}\n00:00:0{n},000 --> 00:00:0{n},500\n{words}\n\n" for n in range(1, 4)).encode(charset)
    assert convert_to_webvtt(srt, charset=declared, language="en").count(words) == 3


@pytest.mark.parametrize("words", ["Здравейте, как сте днес?", "Роман, Сергей и Таня тут", "Я тут. Ты где?"])
def test_capitals_of_windows_1251_are_no_signs_of_an_apple(words):
    srt = f"1\n00:00:01,000 --> 00:00:02,000\n{words}\n".encode("cp1251")
    assert words in convert_to_webvtt(srt, language="bg")


def test_a_few_bytes_that_are_not_utf8_garble_no_other_word():
    cues = "1\n00:00:01,000 --> 00:00:02,000\nGrüße aus Köln, schöne Träume\n\n2\n00:00:03,000 --> 00:00:04,000\n"
    result = convert_to_webvtt(cues.encode() + b"Caf\xe9 \x96 zu \xc3", language="de")
    assert "Grüße aus Köln, schöne Träume" in result
    assert "Café – zu" in result


def test_zeros_behind_the_text_do_no_harm():
    srt = "1\n00:00:01,000 --> 00:00:02,000\nKöln\n".encode()
    assert convert_to_webvtt(srt + bytes(99)) == convert_to_webvtt(srt)


def test_ttml_with_entities_of_html_and_bare_ampersands_is_read():
    ttml = '<tt xmlns="http://www.w3.org/ns/ttml"><body><div><p begin="{}" end="1:02">{}</p></div></body></tt>'
    result = convert_to_webvtt(ttml.format("1:00.5", "Caf&eacute;&nbsp;&amp; Bar & more &foo; a&b").encode())
    assert result.endswith("00:01:00.500 --> 00:01:02.000\nCafé &amp; Bar &amp; more &amp;foo; a&amp;b\n")
    doctype = "<?xml version='1.0'?>\n<!DOCTYPE tt [<!ENTITY name 'Ann'>]>"
    assert "Ann says" in convert_to_webvtt((doctype + ttml.format("1s", "&name; says")).encode())


def test_a_mistaken_declaration_does_not_garble_utf8():
    assert decode_text("Größe".encode(), "iso-8859-1", "de") == "Größe"


@pytest.mark.parametrize(
    "declaration", ['<?xml version="1.0" encoding="windows-1251"?>', "<meta charset=windows-1251>"]
)
def test_a_declaration_in_the_file_is_believed(declaration):
    assert "Привет" in decode_text(f"{declaration} Привет".encode("cp1251"), "", "en")


@each_case(
    ("data", "reason"),
    [
        (b"", "an empty file"),
        (b" \r\n ", "an empty file"),
        (b"<!doctype html><html><body>Sign in</body></html>", "a web page"),
        ("<html><body>Größe</body></html>".encode("utf-16"), "a web page"),
        (b"\n<html>1\n00:00:01,000 --> 00:00:02,000\nx", "a web page"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "an image"),
        (b"PK\3\4" + bytes(400), "an archive"),
        (bytes(range(256)) * 8, "a file that is no text"),
        (b"\x1f\x8b\x08broken", "a damaged archive"),
        (b"404 not found", "a text without times"),
        (b'{"error": "gone"}', "data (JSON), not subtitles"),
        (b"#EXTM3U\n#EXTINF:1,\na.vtt\n", "a playlist"),
        (b"WEBVTT\n", "a file without words"),
        (b"<tt><body><p>", "damaged XML"),
        (b'<timedtext><p t="x" d="y">Hi</p></timedtext>', "a damaged file"),
        (b"<SAMI><SYNC Start=" + b"9" * 400 + b">x", "a damaged file"),
        (b"WEBVTT\n\n00:00.000 --> 00:01.000\n" + b"x" * 20_000_001, "a file that is too large"),
    ],
)
def test_what_is_no_subtitles_is_called_what_it_is(data, reason):
    with pytest.raises(UnusableSubtitles, match=rf"^{reason.replace('(', '.').replace(')', '.')}$"):
        convert_to_webvtt(data, language="de")


@each_case(
    ("timing", "expected"),
    [
        ("00:00:01,000 --> 00:00:02,000", "00:00:01.000 --> 00:00:02.000"),
        ("0:00:01.5 --> 0:00:02", "00:00:01.500 --> 00:00:02.000"),
        ("00:01 --> 00:02", "00:00:01.000 --> 00:00:02.000"),
        ("1.5 --> 2.5", "00:00:01.500 --> 00:00:02.500"),
        ("00:00:01:500 --> 00:00:02:500", "00:00:01.500 --> 00:00:02.500"),
        ("00:00:01,000-->00:00:02,000", "00:00:01.000 --> 00:00:02.000"),
        ("00:00:01,000 -> 00:00:02,000", "00:00:01.000 --> 00:00:02.000"),
        ("00:00:01,000 --> 00:00:02,000 X1:1 X2:2", "00:00:01.000 --> 00:00:02.000"),
        ("00:00:01,000 --> 00:00:02,000 line:0 align:start", "00:00:01.000 --> 00:00:02.000 line:0 align:start"),
        ("00:00:05,000 --> 00:00:02,000", "00:00:05.000 --> 00:00:07.000"),
        ("00:00:05,000 --> ??", "00:00:05.000 --> 00:00:07.000"),
        ("100:00:01,000 --> 100:00:02,000", "100:00:01.000 --> 100:00:02.000"),
    ],
)
@each_case("head", ["", "WEBVTT\n\n"])
def test_broken_times_are_mended_and_no_word_is_lost(timing, expected, head):
    text = convert_to_webvtt(f"{head}1\n{timing}\nHello\n\n2\n200:00:09,000 --> 200:00:10,000\nEnd\n".encode())
    assert f"{expected}\nHello\n" in text
    assert text.endswith("200:00:09.000 --> 200:00:10.000\nEnd\n")


def test_a_webvtt_keeps_styles_regions_notes_and_markup():
    text = (
        "WEBVTT Kind: captions; Language: de\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:0\n\n"
        "STYLE\n::cue { color: red }\n\nREGION\nid:r\n\nNOTE a note\nof two lines\n\n"
        "intro\n00:01.000 --> 00:02.000 region:r line:0\n<v Ann>Hello <c.loud>you</c> <00:01.500>there</v>\n\n"
        "NOTE between\n\n00:03.000 --> 00:04.000\nEnd &amp; over\n"
    )
    result = convert_to_webvtt(text.encode())
    for part in ("STYLE\n::cue { color: red }", "REGION\nid:r", "NOTE a note\nof two lines", "NOTE between"):
        assert part in result
    assert "00:01.000 --> 00:02.000 region:r line:0\n<v Ann>Hello <c.loud>you</c> <00:01.500>there</v>" in result
    assert result.endswith("00:03.000 --> 00:04.000\nEnd &amp; over\n")


@pytest.mark.parametrize("start", ["\ufeff", "\n\n", " ", "\ufeff\n"])
def test_what_stands_before_the_header_of_a_webvtt_does_not_matter(start):
    assert convert_to_webvtt(f"{start}{VTT}".encode()) == EXPECTED


def test_words_behind_a_blank_line_in_a_cue_are_kept():
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n\nyou\n\n00:03.000 --> 00:04.000\nEnd\n"
    assert "00:01.000 --> 00:02.000\nHello\nyou\n" in convert_to_webvtt(text.encode())


def test_cues_without_a_blank_line_between_them_are_kept_apart():
    text = "1\n00:00:01,000 --> 00:00:02,000\nHello\n2\n00:00:03,000 --> 00:00:04,000\nEnd\n"
    assert webvtt.count_cues(convert_to_webvtt(text.encode())) == 2


@each_case("words", ["[00:12] Hello", "<tt>Hello</tt>", "{1}{2}Hello", "[Events]", "a --> b", "12"])
def test_words_that_look_like_another_format_stay_words(words):
    srt = f"1\n00:00:01,000 --> 00:00:02,000\n{words} x\n\n2\n00:00:03,000 --> 00:00:04,000\nEnd\n"
    text = convert_to_webvtt(srt.encode())
    assert webvtt.count_cues(text) == 2
    assert re.sub(r"</?tt>", "", words).replace("-->", "→") in text


def test_markup_stays_text_unless_it_is_bold_italic_or_underlined():
    srt = "1\n00:00:01,000 --> 00:00:02,000\n{\\an8}<font color=red><i>Hi</i></font> 1 < 2 & <3 <B>x</B>\n"
    assert convert_to_webvtt(srt.encode()).endswith("\n<i>Hi</i> 1 &lt; 2 &amp; &lt;3 <b>x</b>\n")


def test_ttml_in_the_samples_of_an_mp4_is_read():
    samples = [TTML, TTML.replace("zweite<br/>Zeile", "dritte").replace("Gr\u00fc\u00dfe", "vierte")]
    boxes = [len(data := sample.encode()).to_bytes(4, "big") + b"mdat" + data for sample in samples]
    text = convert_to_webvtt(b"\0\0\0\x10ftypdash\0\0\0\0" + b"\0\0\0\x08moof".join(boxes))
    assert webvtt.count_cues(text) == 4
    for words in ("Grüße", "zweite\nZeile", "dritte", "vierte"):
        assert words in text


def test_a_segment_is_converted_unless_it_is_binary_or_a_manifest():
    assert convert_segment(SRT.encode("cp1252"), language="de").decode() == EXPECTED
    for data in (b"#EXTM3U\n", b"\0\0\0\x18ftypisom" + bytes(9), b"\x47\1\2\3" * 99):
        assert convert_segment(data) == data
    assert convert_segment(b"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n").startswith(b"WEBVTT\nX-TIME")
    with pytest.raises(UnusableSubtitles):
        convert_segment(b"<html><body>x")


HOSTILE = {
    "braces": "[Script Info]\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,,,,,,," + "{\\p1" * 300_000,
    "angles": "1\n00:00:01,000 --> 00:00:02,000\n" + "<" * 1_000_000,
    "spaces": "1\n00:00:01,000 --> 00:00:02,000 x" + " " * 1_000_000 + "y\nHi\n",
    "digits": "1\n" + "1:" * 500_000 + " --> 2\nHi\n",
    "paragraphs": "<timedtext>" + '<p t="1" d="2">' * 100_000,
    "syncs": "<SAMI>" + "<SYNC Start=1" * 100_000,
    "lyrics": "[00:01.00]x\n" * 20_000,
    "notes": "WEBVTT\n\n00:01.000 --> 00:02.000\nHi\n\n" + "NOTE x\n" * 200_000,
    "tags": "<SAMI><SYNC Start=1>" + "<b" * 500_000,
    "nesting": "<tt>" + "<div>" * 100_000,
    "blanks": "<SAMI><SYNC Start=1>" + " " * 1_000_000 + "Hi",
    "objects": '{"a":' * 100_000,
}


@pytest.mark.timeout(120)
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_takes_no_long_time(text):
    with contextlib.suppress(UnusableSubtitles):
        assert convert_to_webvtt(text.encode()).startswith("WEBVTT")
