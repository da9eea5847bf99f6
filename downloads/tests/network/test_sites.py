"""Sites by their host names."""

from hypothesis import given, settings
from hypothesis import strategies as st

from downloads.network.sites import DEVICE_PREFIXES, SITE_ALIASES, names_of_site, site_of
from downloads.tests.support.cases import each_case

LABELS = st.sampled_from(["www", "m", "mobile", "music", "youtube", "youtu", "be", "com", "example", "co", "uk", "x"])
HOSTS = st.one_of(
    st.lists(LABELS, min_size=1, max_size=5).map(".".join),
    st.builds(str.__add__, st.sampled_from(["", *DEVICE_PREFIXES]), st.sampled_from(sorted(SITE_ALIASES))),
)


@each_case(
    ("host", "site"),
    [
        ("www.youtube.com", "youtube.com"),
        ("m.youtube.com", "youtube.com"),
        ("youtu.be", "youtube.com"),
        ("www.youtu.be", "youtube.com"),
        ("WWW.YouTube.com.", "youtube.com"),
        ("m.example", "m.example"),
        ("m.example.org", "example.org"),
        ("notyoutu.be", "notyoutu.be"),
        ("127.0.0.1", "127.0.0.1"),
        ("", ""),
    ],
)
def test_it_knows_the_names_of_a_site(host, site):
    assert site_of(host) == site


@settings(max_examples=100, deadline=None)
@given(HOSTS)
def test_a_name_is_among_the_names_of_its_site_and_of_no_other(host):
    names = names_of_site(site_of(host))
    assert host in names
    assert {site_of(name) for name in names} == {site_of(host)}


def test_no_site_has_no_names():
    assert names_of_site("") == ()
