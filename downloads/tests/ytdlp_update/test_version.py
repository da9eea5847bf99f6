"""Versions of yt-dlp: order and age."""

import datetime as dt

import pytest

from downloads.tests.support.cases import each_case
from downloads.ytdlp_update.version import age_days, parse_version


@each_case("text", ["", "1", "2026.10", "2026.13.1", "2026.2.30", "latest", "2026.10.26rc1", "２０２６.1.1"])
def test_it_refuses_what_is_no_date(text):
    with pytest.raises(ValueError, match=r"version|month|day"):
        parse_version(text)


def test_it_orders_versions_by_number():
    versions = ["2025.12.31", "2026.1.2", "2026.01.02.1", "2026.01.02.232815.dev0", "2026.1.10", "2026.10.1"]

    assert sorted({*versions}, key=parse_version) == versions
    assert parse_version("2026.03.04") == parse_version("2026.3.4")


def test_it_knows_the_age():
    assert age_days("2026.10.26", dt.date(2026, 12, 10)) == 45
    assert age_days("2026.12.11", dt.date(2026, 12, 10)) == 0
