"""The metadata of an attempt."""

import datetime as dt

import pytest

from downloads.worker import metadata

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


@pytest.mark.django_db(transaction=False)
class TestMetadata:
    """Metadata taken from the result of a look-up."""

    def test_it_leaves_out_what_makes_no_sense(self):
        parsed = metadata.parse_metadata({"duration": float("nan"), "upload_date": "99999999", "title": None, "id": 5})
        assert (parsed.duration, parsed.upload_date, parsed.title, parsed.source_id) == (None, None, "", "5")

    @pytest.mark.parametrize("duration", [-1, 0, float("inf"), "12", None, [1]])
    def test_it_believes_no_odd_duration(self, duration):
        assert metadata.parse_metadata({"duration": duration}).duration is None

    def test_it_reads_dates_and_durations(self):
        parsed = metadata.parse_metadata({"duration": 61, "upload_date": "20260131"})
        assert (parsed.duration, parsed.upload_date) == (61.0, dt.date(2026, 1, 31))

    def test_it_mends_broken_text(self):
        assert metadata.parse_metadata({"title": "a\ud800b"}).title == "a?b"
