"""Lists that people bring: OPML, the table of Takeout, links; and the OPML that they take along."""

import io
import time

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from downloads.models import AuditEntry, Subscription
from downloads.subscriptions import verbs
from downloads.subscriptions.exchange import submission
from downloads.subscriptions.exchange.lists import MAX_ENTRIES, ListedFeed, UnreadableList
from downloads.subscriptions.exchange.opml import write_opml
from downloads.subscriptions.exchange.submission import read_list
from downloads.subscriptions.exchange.youtube_feeds import feed_of_page, page_of_feed
from downloads.tests.support.cases import each_case

ENCODINGS = ("utf-7", "shift_jis", "utf-32", "punycode", "rot13", "base64", "idna", "mbcs")
ADA, BOB = "UC" + "a" * 22, "UC" + "b" * 22
TABLE = f"Id,Url,Title\n{ADA},u,Ada\n".encode()
OPML = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="1.1"><head><title>Subs</title></head><body>
<outline text="Videos"><outline text="Ada" title="Ada &amp; co" type="rss"
  xmlUrl="https://www.youtube.com/feeds/videos.xml?channel_id={ada}"/></outline>
<outline text="A list" xmlUrl="https://www.youtube.com/feeds/videos.xml?playlist_id=PLx_1"/>
<outline text="Elsewhere" XMLURL="https://example.org/feed.xml" htmlUrl="https://example.org/"/>
<outline text="A note"/>
<outline text="Empty folder"></outline>
</body></opml>"""


def opml(text: str = OPML) -> str:
    return text.replace("{ada}", ADA)


# Refusals ------------------------------------------------------------------------------------------


@each_case(
    ("content", "sentence"),
    [
        (b"<opml><body><outline", "This OPML can’t be read"),
        (b"<rss><channel/></rss>", "This isn’t OPML: it begins with <rss>"),
        (b'<!DOCTYPE opml [<!ENTITY a "aa">]><opml><body/></opml>', "document type"),
        (b'<!DOCTYPE opml SYSTEM "file:///etc/passwd"><opml/>', "document type"),
        (
            b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "a"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><opml>&b;</opml>',
            "document type",
        ),
        (b"<opml>" + b"<outline>" * 200, "nested too deeply"),
        (b"<opml><body>" + b'<outline xmlUrl="http://e.org/"/>' * (MAX_ENTRIES + 1), "more than 5,000 entries"),
        (b"<opml><body></body></opml>", "no link in this list"),
        (b"PK\x03\x04...", "Unpack it"),
        (b"\x1f\x8b...", "Unpack it"),
        (b"\x00\x01\x02", "isn’t a text file"),
        (b"", "no link in this list"),
        (b" \n", "no link in this list"),
        (b"x" * 8_000_001, "too long"),
        (b'<?xml version="1.0" encoding="no-such"?><opml/>', "This OPML can’t be read"),
        *((f'<?xml version="1.0" encoding="{name}"?><opml/>'.encode(), "can’t be read") for name in ENCODINGS),
        (b"<!DOCTYPE html><html></html>", "This is a web page, not OPML"),
        (b"<html><body/></html>", "This isn’t OPML: it begins with <html>"),
        (b"<opml><body>" + b"<outline/>" * 700_000, "more than 5,000 entries"),
        (b"<opml><body>" + b"<a>" * 10_000, "nested too deeply"),
        (b"<opml><body><outline text='&nbsp;'/></body></opml>", "undefined entity"),
        (OPML.replace("Ada", "Ad\xe9").encode("latin-1"), "can’t be read"),
        (OPML.encode()[:-20], "can’t be read"),
        (b"https://e.org/x\n" * 400_000, "more than 5,000 entries"),
        (f"Id,Url,Title\n{ADA},u,t\n".encode() + b"junk,,\n" * 6_000, "more than 5,000 entries"),
        (b"," * 7_000_000, "a line of 7,000,000 characters that is no link"),
        (b"https://e.org/" + b"x" * 7_000_000, "that is no link: “https://e.org/xxx"),
        (f'{{"subscriptions": [{{"url": "https://www.youtube.com/channel/{ADA}", "name": "x"}}]}}', "This is JSON"),
        (b'[{"snippet": {"title": "a"}}]', "This is JSON"),
        (b"BZh91AY&SY", "Unpack it"),
        (b"7z\xbc\xaf\x27\x1c", "Unpack it"),
    ],
)
def test_what_is_no_list_gets_a_sentence(content, sentence) -> None:
    with pytest.raises(UnreadableList, match=sentence):
        read_list(content)


@hypothesis_settings(max_examples=60, deadline=None)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300), st.text("<opml/>=\"' utlinex&;", max_size=200)))
def test_any_content_is_read_or_refused_with_a_sentence(content) -> None:
    sentence, result = "", None
    try:
        result = read_list(content)
    except UnreadableList as error:
        sentence = str(error)

    assert sentence.endswith(".") if result is None else result.feeds or result.skipped


def test_a_list_of_any_size_is_refused_soon() -> None:
    started = time.thread_time()
    links, outlines = b"https://e.org/x\n" * 500_000, b"<opml><body>" + b"<outline/>" * 700_000
    for content in (links, outlines, b"," * 7_900_000, TABLE + b"junk,,\n" * 1_000_000):
        with pytest.raises(UnreadableList):
            read_list(content)
    for blank in (b"\n", b" ", b" \r\n"):
        assert len(read_list(TABLE + blank * (7_000_000 // len(blank))).feeds) == 1
    assert time.thread_time() - started < 5


# OPML ----------------------------------------------------------------------------------------------


@each_case(
    "content",
    [
        opml(),
        opml().encode(),
        "\ufeff" + opml(),
        b"\n " + opml().split("?>")[1].encode(),
        opml().replace("UTF-8", "UTF-16").encode("utf-16"),
        opml().replace("UTF-8", "windows-1252").encode("cp1252"),
    ],
)
def test_opml_in_any_encoding_is_read_and_feeds_become_pages(content) -> None:
    result = read_list(content)

    assert result.feeds == [
        ListedFeed(f"https://www.youtube.com/channel/{ADA}", "Ada & co"),
        ListedFeed("https://www.youtube.com/playlist?list=PLx_1", "A list"),
        ListedFeed("https://example.org/feed.xml", "Elsewhere"),
    ]
    assert result.skipped == [("A note", "It has no link in it."), ("Empty folder", "It has no link in it.")]


@pytest.mark.parametrize(
    "url",
    [
        f"https://www.youtube.com/channel/{ADA}",
        "https://www.youtube.com/playlist?list=PLx_1",
        "https://example.org/feed?a=1&b=2",
        "https://[broken",
    ],
)
def test_a_feed_leads_back_to_its_page(url) -> None:
    assert page_of_feed(feed_of_page(url)) == url


@pytest.mark.django_db
def test_what_is_exported_can_be_imported() -> None:
    for name, url in (
        ('A <&> "b" \x07', f"https://www.youtube.com/channel/{ADA}"),
        ("", "https://www.example.org/" + "long/" * 30 + "a?b=1&c"),
    ):
        Subscription.objects.create(name=name, url=url, canonical_url=url)
    out = io.StringIO()
    write_opml(Subscription.objects.order_by("pk"), out)

    result = read_list(out.getvalue())

    assert [feed.url for feed in result.feeds] == list(
        Subscription.objects.order_by("pk").values_list("canonical_url", flat=True)
    )
    assert [feed.name for feed in result.feeds] == ['A <&> "b"', result.feeds[1].url]
    assert f"feeds/videos.xml?channel_id={ADA}" in out.getvalue()


# Takeout -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table",
    [
        'Channel Id,Channel Url,Channel Title\n{ada},http://www.youtube.com/channel/{ada},Ada\n{bob},x,"Bob, B."\n',
        "Kanal-ID;Kanal-URL;Kanaltitel\r\n{ada};http://www.youtube.com/channel/{ada};Ada\r\n{bob};x;Bob, B.\r\n",
        "\ufeffID канала\tURL\tНазвание\n{ada}\thttp://www.youtube.com/channel/{ada}\tAda\n{bob}\tx\tBob, B.\n",
        'ID del canal,URL del canal,Título del canal\n{ada},x,Ada\n{bob},x,"Bob, B."',
        'ID des chaînes,URL des chaînes,Titres des chaînes\n{ada},x,Ada\n{bob},x,"Bob, B."\n',
        'チャンネル ID,チャンネルの URL,チャンネルのタイトル\n{ada},x,Ada\n{bob},x,"Bob, B."\n',
        'Channel URL,Title\nhttps://www.youtube.com/channel/{ada},Ada\nhttps://www.youtube.com/channel/{bob},"Bob, B."',
    ],
    ids=["English", "German", "Russian", "Spanish", "French", "Japanese", "no id"],
)
def test_a_table_of_takeout_is_read_whatever_its_headings(table) -> None:
    text = table.replace("{ada}", ADA).replace("{bob}", BOB)

    for content in (text, text.encode()):
        assert read_list(content).feeds == [
            ListedFeed(f"https://www.youtube.com/channel/{ADA}", "Ada"),
            ListedFeed(f"https://www.youtube.com/channel/{BOB}", "Bob, B."),
        ]


def test_a_quote_that_is_not_closed_swallows_no_channel() -> None:
    result = read_list(f'Id,Url,Title\n{ADA},u,"Ada\n{BOB},u,Bob\n')

    assert [feed.name for feed in result.feeds] == ["Ada", "Bob"]


def test_a_title_may_have_any_separator_but_the_end_of_a_line() -> None:
    title = "Ada\u2028Byron\x0b\x1e\x85Lovelace"
    result = read_list(f"Id,Url,Title\r\n{ADA},u,{title}\r{BOB},u,Bob")

    assert [feed.name for feed in result.feeds] == [title, "Bob"]
    assert result.skipped == []


def test_an_entry_with_a_blank_address_has_its_other_one() -> None:
    result = read_list('<opml><outline text="a" title=" " xmlUrl="  " htmlUrl=" https://e.org/ "/></opml>')

    assert result.feeds == [ListedFeed("https://e.org/", "a")]


def test_a_line_of_a_table_without_a_channel_is_told() -> None:
    result = read_list(f"Id,Url,Title\n{ADA},u,Ada\njunk,,\n,,\n")

    assert (len(result.feeds), result.skipped) == (1, [("junk", "There is no channel in this line.")])


@pytest.mark.parametrize("delimiter", [", ", "; ", "\t"])
def test_links_in_one_line_are_no_table(delimiter) -> None:
    urls = [f"https://www.youtube.com/channel/{ADA}", "https://www.youtube.com/@bob", "https://example.org/list"]

    result = read_list(delimiter.join(urls[:2]) + f"\n{urls[2]}")

    assert ([feed.url for feed in result.feeds], result.skipped) == (urls, [])


def test_a_title_may_be_a_link_and_a_late_line_may_be_links() -> None:
    rows = [f"{ADA},http://www.youtube.com/channel/{ADA},www.youtube.com/x"] * 5
    links = [f"https://www.youtube.com/channel/{BOB}", "https://www.youtube.com/@bob"]

    result = read_list("\n".join(["Id,Url,Title", *rows, ",".join(links)]))

    assert [(feed.url, feed.name) for feed in result.feeds] == [
        *[(f"https://www.youtube.com/channel/{ADA}", "www.youtube.com/x")] * 5,
        *((link, "") for link in links),
    ]


def test_a_first_line_with_a_link_is_no_heading() -> None:
    result = read_list(f"https://www.youtube.com/@bob,Bob\nhttps://www.youtube.com/channel/{ADA},Ada\n")

    assert [feed.name for feed in result.feeds] == ["Ada"]
    assert result.skipped == [("https://www.youtube.com/@bob, Bob", "There is no channel in this line.")]


# What becomes of a list ----------------------------------------------------------------------------


@pytest.mark.django_db
def test_each_entry_is_followed_once_or_told() -> None:
    text = f"""https://www.youtube.com/channel/{ADA}
https://www.youtube.com/channel/{ADA}/videos https://youtu.be/abc
nonsense
https://example.org/list"""

    result = submission.follow(read_list(text), values={"max_new": 7})

    assert {one.canonical_url for one in result.added} == {
        f"https://www.youtube.com/channel/{ADA}",
        "https://example.org/list",
    }
    assert {one.max_new for one in Subscription.objects.all()} == {7}
    assert [rejection.line for rejection in result.rejections] == ["https://youtu.be/abc", "nonsense"]
    assert all(rejection.reason.endswith(".") for rejection in result.rejections)
    again = submission.follow(read_list(text), values={})
    assert (again.added, len(again.known)) == ([], 2)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("first", "others"),
    [
        (
            "https://example.org/feed",
            ["http://example.org/feed", "https://www.example.org/feed/", "http://example.org:80/feed/#top"],
        ),
        (
            "https://www.youtube.com/@ada",
            [
                "http://youtube.com/@Ada/",
                "https://m.youtube.com/@ada/shorts?si=x",
                "https://www.youtube.com/@ADA/featured",
            ],
        ),
        ("https://www.youtube.com/playlist?list=PL12", ["http://youtube.com/playlist?si=x&list=PL12&feature=share"]),
    ],
)
def test_a_list_is_followed_once_however_its_link_is_spelt(first, others):
    feeds = read_list("\n".join([first, *others]))
    together = submission.follow(feeds, values={})
    assert (len(together.added), together.known, together.rejections) == (1, [], [])
    again = submission.follow(feeds, values={"max_new": 7})
    assert (again.added, again.known, again.rejections) == ([], together.added, [])
    assert Subscription.objects.get().max_new == 50


@pytest.mark.django_db
def test_other_lists_of_a_site_are_others():
    lines = (
        "https://example.org/feed\nhttps://example.org/feed?a=1\nhttps://example.org/Feed\nhttps://a.example.org/feed"
    )
    assert len(submission.follow(read_list(lines), values={}).added) == 4


@pytest.mark.django_db
def test_many_lists_are_followed_by_few_queries(django_assert_max_num_queries) -> None:
    lines = "\n".join(f"https://example.org/{number}" for number in range(500))
    feeds = read_list(lines)
    started = time.thread_time()

    with django_assert_max_num_queries(80):  # SQLite takes 20 rows at once
        result = submission.follow(feeds, values={})

    assert len(result.added) == Subscription.objects.count() == 500
    assert AuditEntry.objects.filter(action="subscribed").count() == 500
    assert {one.events().count() for one in result.added[:3]} == {1}
    assert time.thread_time() - started < 2


@pytest.mark.django_db
def test_what_somebody_else_follows_at_the_same_moment_is_known(monkeypatch) -> None:
    def wait_for_somebody_else(name: str) -> None:
        monkeypatch.setattr(verbs, "advisory_lock", lambda name: None)
        verbs.subscribe("https://example.org/2")

    monkeypatch.setattr(verbs, "advisory_lock", wait_for_somebody_else)
    result = submission.follow(read_list("https://example.org/1\nhttps://example.org/2"), values={})
    assert [one.url for one in result.added] == ["https://example.org/1"]
    assert [one.url for one in result.known] == ["https://example.org/2"]


@pytest.mark.django_db
def test_the_name_of_an_entry_is_used_and_a_link_names_its_tab() -> None:
    submission.follow(read_list(opml()), values={"tabs": "videos"})
    assert Subscription.objects.get(canonical_url__contains=ADA).name == "Ada & co"

    submission.follow(read_list("https://www.youtube.com/@eve/shorts"), values={"tabs": "videos"})
    assert Subscription.objects.get(canonical_url__endswith="@eve").tabs == "shorts"


@pytest.mark.django_db
def test_what_is_too_much_at_once_is_kept(monkeypatch) -> None:
    monkeypatch.setattr(submission, "MAX_FOLLOWED_AT_ONCE", 2)
    lines = "\n".join(f"https://example.org/{number}" for number in range(4))

    result = submission.follow(read_list(lines), values={})

    assert len(result.added) == 2
    assert [rejection.line for rejection in result.rejections] == ["https://example.org/2", "https://example.org/3"]
    assert "Add the rest next" in result.rejections[0].reason
