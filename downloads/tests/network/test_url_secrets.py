"""Secrets in URLs, hidden in what people and the log may see."""

import time

from downloads.network.url_secrets import has_secrets, hide_secrets
from downloads.tests.support.cases import each_case


@each_case(
    ("url", "hidden"),
    [
        ("https://a.example/v?token=abc123", "https://a.example/v?token=…"),
        ("https://a.example/v?id=7&access_token=abc&t=3", "https://a.example/v?id=7&access_token=…&t=3"),
        ("https://a.example/v?accessToken=abc", "https://a.example/v?accessToken=…"),
        ("https://a.example/v?TOKEN=abc", "https://a.example/v?TOKEN=…"),
        ("https://a.example/v?%74oken=abc", "https://a.example/v?%74oken=…"),
        ("https://a.example/v?sig=abc&key=d", "https://a.example/v?sig=…&key=…"),
        ("https://a.example/v?a=1&amp;sig=abc", "https://a.example/v?a=1&amp;sig=…"),
        ("https://a.example/v#access_token=abc", "https://a.example/v#access_token=…"),
        ("https://a.example/v;jsessionid=abc?x=1", "https://a.example/v;jsessionid=…?x=1"),
        ("https://a.example/token=abc/list.m3u8", "https://a.example/token=…/list.m3u8"),
        ("https://ann:secret@a.example/v", "https://…@a.example/v"),
        ("https://ann@a.example/v", "https://…@a.example/v"),
        ("https://b.s3.example/v?X-Amz-Date=1&X-Amz-Signature=ab", "https://b.s3.example/v?X-Amz-Date=1&X-Amz-Signature=…"),
        ("https://c.example/v?Policy=eyJ&Key-Pair-Id=K&Signature=x", "https://c.example/v?Policy=…&Key-Pair-Id=…&Signature=…"),
        ("https://a.example/v?hdnea=exp=1~acl=/*~hmac=ab", "https://a.example/v?hdnea=…"),
        ("https://a.example/v?x=eyJhbGciOiJI.eyJzdWIi.c2ln", "https://a.example/v?x=…"),
        (f"https://a.example/v?x={'0123456789abcdef' * 3}", "https://a.example/v?x=…"),
        (f"https://a.example/v?x={'aB3' * 15}", "https://a.example/v?x=…"),
        ("https://a.example/v?u=https%3A%2F%2Fb.example%2F%3Ftoken%3Dabc", "https://a.example/v?u=…"),
        ("Unable to open https://a.example/v?token=abc (403)", "Unable to open https://a.example/v?token=… (403)"),
        ("No answer from url: /v?token=abc (Caused by x)", "No answer from url: /v?token=… (Caused by x)"),
        ("Authorization: Bearer abcdefghij", "Authorization: Bearer …"),
    ],
)  # fmt: skip
def test_it_hides_secrets(url, hidden):
    assert hide_secrets(url) == hidden
    assert has_secrets(url)
    assert hide_secrets(hidden) == hidden


@each_case(
    "url",
    [
        *("https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=PLrAXtmErZgOeiKm4sgNOknGvNjby9efdf&t=30", ""),
        *("https://a.example/token/film?page=2", "https://a.example/v?q=a@b.example", "https://a.example/@ann/7"),
        *("https://a.example/v?title=how-to-make-a-very-long-title-with-2-words-in-it", "https://a.example/v?token="),
        *("The site does not answer: retry.", "https://a.example/v?keyboard=1&monkey=2&design=3&author=4"),
    ],
)
def test_it_leaves_other_urls_as_they_are(url):
    assert hide_secrets(url) == url


@each_case("text", ["?a=", "a=", "://", "://a@", "?token=b&", "Bearer ", "/a=b", "?u=%3Fu=", "&amp;", "aB"])
def test_it_takes_no_time_for_long_texts(text):
    started_at = time.process_time()
    hide_secrets(text * (20_000 // len(text)))
    assert time.process_time() - started_at < 0.5
