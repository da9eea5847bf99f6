"""Canonical form of submitted URLs: what counts as the same address."""

import pytest

from downloads.intake.urls import InvalidUrl, parse_url, with_ascii_host
from downloads.tests.support.cases import each_case


def canonical(url):
    return parse_url(url).canonical_url


@each_case(
    "fragment",
    [
        "/film/1",
        "!/film/1",
        "!film=1",
        "/film?id=1",
        "video=1",
        "entries&eid=1",
        "?v=1",
        "uuid=a-1",
        "quickies/a/1",
        "1",
        "film-1",
        "video_1",
    ],
)
def test_a_fragment_that_names_a_page_makes_another_address(fragment):
    url = f"https://example.org/watch#{fragment}"
    assert canonical(url) == url
    assert canonical(url) != canonical(url.replace("1", "2"))


@each_case(
    "fragment",
    ["t=30", "t=1m30s", "comments", "part-2", ":~:text=a/b", "/", "!", "!/", "xywh=1,2,3,4", "utm_source=x", "start=5"],
)
def test_a_fragment_within_a_page_does_not(fragment):
    assert canonical(f"https://example.org/watch#{fragment}") == "https://example.org/watch"


def test_a_text_directive_is_no_part_of_a_fragment_that_names_a_page():
    assert canonical("https://example.org/#/film/1:~:text=a") == "https://example.org/#/film/1"


@each_case(
    ("one", "other"),
    [
        ("https://example.org/ä?q=ö", "https://example.org/%C3%A4?q=%c3%b6"),
        ("https://example.org/%7Eann/%41", "https://example.org/~ann/A"),
        ("https://example.org/日本", "https://example.org/%E6%97%A5%E6%9C%AC"),
        ("https://example.org/#/фильм/1", "https://example.org/#/%D1%84%D0%B8%D0%BB%D1%8C%D0%BC/1"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://BÜCHER.example./", "https://b\u0075\u0308cher.example/"),
        ("https://例え.テスト/", "https://xn--r8jz45g.xn--zckzah/"),
        ("https://例え。テスト/", "https://例え．テスト:443/"),
        ("https://ex%61mple.org/", "https://EXAMPLE.org"),
        ("https://b%C3%BCcher.example/", "https://bücher.example/"),
        ("http://[2606:4700:0:0::1111]:80/", "http://[2606:4700::1111]"),
        ("https://i❤.example/", "https://i❤\ufe0f.example/"),
        ("https://i❤.example/", "https://xn--i-7iq.example/"),
    ],
)
def test_one_address_in_two_spellings_is_the_same(one, other):
    assert canonical(one) == canonical(other)


@each_case(
    ("one", "other"),
    [
        ("https://example.org/a%2Fb", "https://example.org/a/b"),
        ("https://example.org/A", "https://example.org/a"),
        ("https://faß.example/", "https://fass.example/"),
        ("https://example.org:8443/", "https://example.org/"),
        ("https://example.org/?a=1&b=2", "https://example.org/?b=2&a=1"),
        ("https://example.org/%25", "https://example.org/%"),
    ],
)
def test_what_a_site_may_tell_apart_stays_apart(one, other):
    assert canonical(one) != canonical(other)


@each_case(
    ("url", "words"),
    [
        ("http://127%2E0%2E0%2E1/", "Downloads from such addresses are off"),
        ("http://%31%32%37.0.0.1/", "Downloads from such addresses are off"),
        ("http://[fe80::1%25eth0]/", "Downloads from such addresses are off"),
        ("http://[2606:4700::1111%25eth0]/", "network interface"),
        ("http://%3A%3A1/", "site name in this link isn’t valid"),
        ("http://ex%2Fample.org/", "site name in this link isn’t valid"),
        ("http://exa%00mple.org/", "site name in this link isn’t valid"),
        ("http://ex%ffample.org/", "site name in this link isn’t valid"),
        ("http://user%40example.org/", "site name in this link isn’t valid"),
        ("http://a..b/", "site name in this link isn’t valid"),
        ("http://\u2260.example/", "site name in this link isn’t valid"),
        ("http://a\u200db.example/", "site name in this link isn’t valid"),
    ],
)
def test_it_refuses_hosts_that_are_none_or_forbidden(url, words):
    with pytest.raises(InvalidUrl, match=words):
        parse_url(url)


@each_case(
    ("url", "fetched"),
    [
        ("https://faß.example/ä?q=%c3%b6#/1", "https://xn--fa-hia.example/ä?q=%c3%b6#/1"),
        ("https://bücher.example:8443/a", "https://xn--bcher-kva.example:8443/a"),
        ("https://b%C3%BCcher.example/a", "https://xn--bcher-kva.example/a"),
        ("https://i❤.example/a", "https://xn--i-7iq.example/a"),
        ("https://example.org/A%2fb?", "https://example.org/A%2fb?"),
        ("https://[2606:4700::1111]/a", "https://[2606:4700::1111]/a"),
        ("not a url", "not a url"),
    ],
)
def test_a_site_is_asked_for_the_submitted_path_at_the_host_in_ascii(url, fetched):
    assert with_ascii_host(url) == fetched
