"""Internationalized host names: in ASCII, and as they are shown."""

from hypothesis import given, settings
from hypothesis import strategies as st

from downloads.formatting import short_url, site_name
from downloads.network import hostnames
from downloads.tests.support.cases import each_case


@each_case(
    ("host", "shown"),
    [
        ("xn--bcher-kva.example", "bücher.example"),
        ("XN--BCHER-KVA.example.", "bücher.example"),
        ("bücher.example", "bücher.example"),
        ("xn--r8jz45g.xn--zckzah", "例え.テスト"),
        ("xn--80ak6aa92e.xn--p1ai", "аррӏе.рф"),
        ("xn--e1afmkfd.xn--80akhbyknj4f", "пример.испытание"),
        ("xn--hxajbheg2az3al.xn--jxalpdlp", "παράδειγμα.δοκιμή"),
        ("xn--9n2bp8q.xn--9t4b11yi5a", "실례.테스트"),
        ("xn--mgbh0fb.xn--kgbechtv", "مثال.إختبار"),
        ("www.xn--8ws00zhy3a.com", "www.詹姆斯.com"),
        ("example.org", "example.org"),
        ("a_b.example", "a_b.example"),
    ],
)
def test_it_shows_a_name_in_its_own_script(host, shown):
    assert hostnames.to_readable(host) == shown


@each_case(
    ("host", "shown"),
    [
        ("аррӏе.com", "xn--80ak6aa92e.com"),  # all Cyrillic, reads "apple"
        ("аpple.com", "xn--pple-43d.com"),  # Cyrillic and Latin
        ("gοοgle.com", "xn--ggle-0nda.com"),  # Greek and Latin
        ("gıthub.com", "xn--gthub-n4a.com"),  # without its dot
        ("ɡoogle.com", "xn--oogle-qmc.com"),  # U+0261
        ("googleー.com", "xn--google-u64e.com"),  # a sign of kana beside Latin
        ("օո.com", "xn--mbbz.com"),  # Armenian
        ("i❤.example", "xn--i-7iq.example"),
    ],
)
def test_it_shows_in_ascii_what_could_pass_for_another_name(host, shown):
    assert hostnames.to_readable(host) == shown
    assert site_name(f"https://{host}/a") == shown


@each_case("host", ["", "-", "..", "xn--", "xn--a", "a b", "\u2260", "xn--\u00fc", "a" * 300])
def test_it_shows_what_is_no_name_as_it_is(host):
    assert hostnames.to_readable(host).strip(".") in (host, host.strip("."))


def test_addresses_on_pages_have_readable_hosts():
    assert short_url("https://www.xn--bcher-kva.example:8443/%C3%A4") == "bücher.example:8443/ä"
    assert short_url("https://xn--80ak6aa92e.com?a=1") == "xn--80ak6aa92e.com?a=1"
    assert site_name("https://例え.テスト/a") == "例え.テスト"


@given(st.text(max_size=30))
@settings(max_examples=300)
def test_it_reads_any_text(text):
    hostnames.to_readable(text)
    try:
        ascii_host = hostnames.to_ascii(text)
    except ValueError:
        return
    assert hostnames.to_ascii(ascii_host) == ascii_host
    assert hostnames.to_ascii(hostnames.to_readable(ascii_host)) == ascii_host
