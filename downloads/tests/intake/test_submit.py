"""Validation of pasted lines."""

import threading
import time

import pytest

from downloads.intake import submit
from downloads.intake.rejections import Rejection, group_by_reason, remaining_text
from downloads.models import Video, VideoEvent
from downloads.network import address_policy
from downloads.search import query as search_query

pytestmark = pytest.mark.django_db

PUBLIC_ADDRESSES = ["203.0.114.1"]


@pytest.fixture(autouse=True)
def host_names(monkeypatch):
    """Host names that resolve, by a table; all others are unknown."""
    addresses_by_host = {
        "example.org": PUBLIC_ADDRESSES,
        "inside.example": ["10.0.0.7"],
        "mixed.example": [*PUBLIC_ADDRESSES, "::1"],
    }
    addresses_by_host |= {"metadata.example": ["169.254.169.254"], "localhost": ["127.0.0.1"]}

    def resolve(host, port):
        if host in addresses_by_host:
            return addresses_by_host[host]
        raise address_policy.HostUnreachable(f"unknown host name {host}")

    monkeypatch.setattr(address_policy, "resolve_host", resolve)
    return addresses_by_host


def refusal_reason(line):
    taken, refusals = submit.submit([line])
    assert taken == []
    assert len(refusals) == 1
    assert refusals[0].line == line.strip()
    assert not Video.objects.exists()
    return refusals[0].reason


def test_it_takes_good_lines_and_skips_blank_ones():
    taken, refusals = submit.submit(["", "  https://example.org/a ", "\t", "http://example.org/b?x=1"], quality="720p")
    assert [video.url for video in taken] == ["https://example.org/a", "http://example.org/b?x=1"]
    assert [video.quality for video in taken] == ["720p", "720p"]
    assert refusals == []


def test_it_remembers_who_added_a_video(django_user_model):
    user = django_user_model.objects.create_user("ann")
    (video,), _ = submit.submit(["https://example.org/a"], added_by=user)
    assert video.added_by == user


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("hello world", "must start with http"),
        ("example.org/v.mp4", "must start with http"),
        ("127.0.0.1:7250/v.mp4", "must start with http"),
        ("example.org:8080", "must start with http"),
        ("//example.org/x", "must start with http"),
        ("Watch: example.org/x", "must start with http"),
        ("-v", "must start with http"),
        ("--exec=touch x", "must start with http"),
        (":ythistory", "must start with http"),
        ("file:///etc/passwd", "not file"),
        ("ftp://example.org/x", "not ftp. The site may also have it over https."),
        ("data:video/mp4;base64,AAAA", "not data. It contains the data itself"),
        ("magnet:?xt=urn:btih:0", "not magnet. Peer-to-peer downloads"),
        ("blob:https://example.org/1", "not blob. It only works in the browser it came from"),
        ("javascript:alert(1)", "not javascript."),
        ("rtmp://example.org/live", "not rtmp. Streams of this older kind"),
        ("mms://example.org/a.wmv", "not mms."),
        ("gopher://example.org/", "not gopher."),
        ("wss://example.org/", "not wss."),
        ("foo://example.org/", "not foo. Use the link of the page"),
        ("data:text/html,hi", "not data"),
        ("javascript:alert(1)", "not javascript"),
        ("gopher://example.org", "not gopher"),
        ("ws://example.org/x", "not ws"),
        ("rtmp://example.org/x", "not rtmp"),
        ("rtsp://example.org/x", "not rtsp"),
        ("mms://example.org/x", "not mms"),
        ("ytsearch1:foo", "not ytsearch1"),
        ("http://", "no site in it"),
        ("http:///x", "no site in it"),
        ("http:example.org", "no site in it"),
        ("http://example.org:0/", "no site in it"),
        ("http://example.org:99999/", "can’t be read"),
        ("http://[::1", "can’t be read"),
        ("http://..example.org/", "site name"),
        ("http://-x.example.org\u2260/", "site name"),
        ("http://user@example.org/", "username or password"),
        ("http://example.org@127.0.0.1/", "username or password"),
        ("http://a:b@example.org/", "username or password"),
        ("http://example.org/a b", "spaces"),
        ("http://example.org\\@127.0.0.1/", "backslashes"),
        ("http://example.org/\x00", "invisible characters"),
        ("http://example.org/a\nb", "invisible characters"),
        ("http://example.org/\udcff", "invisible characters"),
        ("http://example.org/#__youtubedl_smuggle=%7B%7D", "internal yt-dlp link"),
        ("http://example.org/" + "a" * 2048, "too long"),
        ("http://example.org/" + "é" * 1000, "too long"),
    ],
)
def test_it_refuses_what_is_no_address(line, word):
    assert word in refusal_reason(line)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "2130706433", "0177.0.0.1", "0x7f000001", "0x7f.0.0.1", "127.1", "127.0.1", "0.0.0.0", "0"),
        *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::127.0.0.1]"),
        *("127。0。0。1", "１２７.0.0.1", "①②⑦.⓪.⓪.①", "127.0.0.1.", "10.0.0.1", "192.168.0.1", "169.254.169.254"),
        *("[fe80::1]", "[fd00::1]", "localhost", "LOCALHOST.", "inside.example", "mixed.example", "metadata.example"),
    ],
)
def test_it_refuses_forbidden_hosts_in_every_spelling(host):
    assert "Downloads from " in refusal_reason(f"http://{host}:8000/v.mp4")


def test_it_takes_private_hosts_where_the_settings_say_so(settings):
    settings.ALLOW_PRIVATE_HOSTS = True
    taken, _ = submit.submit(["http://127.0.0.1:8000/a", "http://inside.example/b"])
    assert len(taken) == 2
    assert "metadata" in submit.submit(["http://metadata.example/"])[1][0].reason


def test_it_takes_a_name_that_nobody_knows_today():
    assert len(submit.submit(["http://not-known.example/a"])[0]) == 1


@pytest.mark.parametrize(
    ("line", "canonical"),
    [
        ("HTTP://EXAMPLE.org:80", "http://example.org/"),
        ("https://example.org:443/a#part", "https://example.org/a"),
        ("https://example.org:8443/a?b=c", "https://example.org:8443/a?b=c"),
        ("http://example.org./a", "http://example.org/a"),
        ("http://Bücher.example/ä", "http://xn--bcher-kva.example/%C3%A4"),
        ("http://faß.example/", "http://xn--fa-hia.example/"),
        ("http://example.org/a%2Fb/(c)[d]", "http://example.org/a%2Fb/(c)[d]"),
        ("http://0x08.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:4700:0::1111]/", "http://[2606:4700::1111]/"),
        ("http://a_b.example.org/", "http://a_b.example.org/"),
    ],
)
def test_it_writes_an_address_in_one_way(line, canonical):
    (video,), _ = submit.submit([line])
    assert (video.url, video.canonical_url) == (line, canonical)


def test_it_says_what_is_already_here():
    (video,), _ = submit.submit(["http://example.org/a"])
    taken, (again,) = submit.submit(["HTTP://example.org:80/a#x"])
    assert taken == []
    assert again.video == video
    assert again.reason == "This video is already in the archive."


def test_it_takes_a_line_once_that_is_pasted_twice():
    (video,), (again,) = submit.submit(["http://example.org/a", "http://example.org/a"])
    assert again.video == video
    assert again.reason == "You pasted this link twice."


def test_it_takes_so_many_lines_and_keeps_what_is_beyond(monkeypatch):
    assert submit.MAX_SUBMITTED_LINES == 5_000
    monkeypatch.setattr(submit, "MAX_SUBMITTED_LINES", 1_000)
    urls = [f"http://example.org/{n}" for n in range(1_002)]
    taken, refusals = submit.submit(urls)
    assert [video.url for video in taken] == urls[:1_000]
    assert [video.url for video in Video.objects.waiting()] == urls[:1_000]
    assert [refusal.line for refusal in refusals] == urls[1_000:]
    assert {refusal.reason for refusal in refusals} == {"1,000 links at a time. Add the rest next."}
    # They come first, so that what is refused again and again never keeps them out.
    assert remaining_text([Rejection("here already", "…"), *refusals]).split("\n") == [*urls[1_000:], "here already"]


def test_all_that_belongs_to_a_video_is_there_after_adding_many(django_user_model):
    user = django_user_model.objects.create_user("ann")
    urls = [f"https://example.org/Lighthouse/{n}" for n in range(submit.INGEST_CHUNK_SIZE + 5)]
    taken, _ = submit.submit(urls, added_by=user, quality="480p", subtitles="en")
    assert len({video.pk for video in taken}) == len(urls)
    assert search_query.find_matching(["lighthouse"]).keys() == {video.pk for video in taken}
    assert {(video.host, video.added_by, video.kind) for video in taken} == {("example.org", user, "video")}
    events = VideoEvent.objects.values_list("video__pk", "public_id", "status", "attempt", "reason")
    assert [*events] == [(video.pk, video.video_id, "queued", 1, "Added") for video in taken]


def test_many_lines_take_few_queries(django_assert_max_num_queries):
    with django_assert_max_num_queries(40):
        submit.submit([f"http://example.org/{n}" for n in range(submit.INGEST_CHUNK_SIZE)])


def test_lines_that_show_nothing_are_blank():
    assert submit.submit(["\u200b", "\ufeff \u2060"]) == ([], [])


def test_it_takes_each_url_of_a_line_and_tells_which_is_refused():
    taken, (refusal,) = submit.submit(["Watch: https://example.org/a, http://127.0.0.1/b and https://example.org/c!"])
    assert [video.url for video in taken] == ["https://example.org/a", "https://example.org/c"]
    assert refusal.line == "http://127.0.0.1/b"


@pytest.mark.parametrize(
    "line", ["\u200bhttps://example.org/a", "https://exam\u200bple.org/a\ufeff", "<https://example.org/a>."]
)
def test_a_site_never_sees_what_surrounds_an_address(line):
    (video,), refusals = submit.submit([line])
    assert (video.url, refusals) == ("https://example.org/a", [])


def test_pages_of_one_address_with_different_fragments_are_added_both():
    taken, refusals = submit.submit(["https://example.org/#/film/1", "https://example.org/#/film/2"])
    assert [video.url for video in taken] == ["https://example.org/#/film/1", "https://example.org/#/film/2"]
    assert refusals == []


def test_a_video_is_added_as_audio_too_and_each_once():
    (video,), _ = submit.submit(["https://example.org/a"])
    (audio,), _ = submit.submit(["https://example.org/a"], quality="audio")
    assert video.pk != audio.pk
    for quality, known in (("best", video), ("480p", video), ("audio", audio)):
        added, (refusal,) = submit.submit(["https://example.org/a#x"], quality=quality)
        assert (added, refusal.video) == ([], known)


def test_what_turned_out_to_be_audio_is_not_added_as_audio():
    (video,), _ = submit.submit(["https://example.org/a.mp3"])
    Video.objects.filter(pk=video.pk).update(media_file="a/a.mp3")
    added, (refusal,) = submit.submit(["https://example.org/a.mp3"], quality="audio")
    assert (added, refusal.video, refusal.could_be_audio) == ([], video, False)


def test_it_groups_many_of_one_reason():
    urls = [f"http://example.org/{n}" for n in range(37)]
    submit.submit(urls)
    groups = group_by_reason(submit.submit([*urls, "nonsense", "ftp://example.org/"])[1])
    assert [(group.is_long, len(group.rejections)) for group in groups] == [(True, 37), (False, 1), (False, 1)]
    assert groups[0].summary == "37 lines: These videos are already in the archive."
    assert groups[0].text.split() == urls


def test_it_refuses_lines_one_by_one():
    taken, refusals = submit.submit(["nonsense", "http://example.org/a", "http://10.0.0.1/"])
    assert [video.url for video in taken] == ["http://example.org/a"]
    assert [refusal.line for refusal in refusals] == ["nonsense", "http://10.0.0.1/"]


def test_it_does_not_wait_for_a_slow_name(monkeypatch):
    name_resolved = threading.Event()

    def hang(host, port):
        name_resolved.wait(20)
        return ["10.0.0.1"]

    monkeypatch.setattr(address_policy, "resolve_host", hang)
    began = time.monotonic()
    taken, _ = submit.submit([f"http://slow{n}.example/" for n in range(40)])
    assert len(taken) == 40
    assert time.monotonic() - began < submit.DNS_TIMEOUT_SECONDS + 5
    name_resolved.set()


def test_the_limit_of_an_addition_is_kept_with_its_videos():
    videos, _ = submit.submit(["http://93.184.215.14/list"], list_limit=500)
    assert [video.list_limit for video in videos] == [500]
