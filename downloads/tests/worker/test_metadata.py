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

    def test_it_keeps_the_chapters_that_make_sense(self):
        chapters = [
            {"start_time": 60, "end_time": 90, "title": " Second\x00\u202e "},
            {"start_time": 0, "end_time": 60, "title": "First"},
            {"start_time": 90.5},
            {"start_time": 60, "title": "Again"},
            *(
                {"start_time": start, "title": "x"}
                for start in (-1, float("nan"), float("inf"), 1e30, 10**400, "5", None, True, [1])
            ),
            *(None, "x", 5, []),
        ]
        first, second = {"start": 0.0, "title": "First"}, {"start": 60.0, "title": "Second"}
        assert metadata.parse_metadata({"chapters": chapters}).chapters == [first, second, {"start": 90.5, "title": ""}]

    @pytest.mark.parametrize("chapters", [None, "x", {}, 5])
    def test_it_knows_when_nothing_is_said_of_chapters(self, chapters):
        assert metadata.parse_metadata({"chapters": chapters}).chapters is None

    def test_it_keeps_so_many_chapters_and_so_long_titles(self):
        chapters = [{"start_time": number, "title": "x" * 1000} for number in range(1000)]
        kept = metadata.parse_metadata({"chapters": chapters}).chapters
        assert (len(kept), len(kept[0]["title"])) == (500, 200)

    def test_it_reads_dates_and_durations(self):
        parsed = metadata.parse_metadata({"duration": 61, "upload_date": "20260131"})
        assert (parsed.duration, parsed.upload_date) == (61.0, dt.date(2026, 1, 31))

    def test_it_mends_broken_text(self):
        assert metadata.parse_metadata({"title": "a\ud800b"}).title == "a?b"

    @pytest.mark.parametrize(
        ("title", "info"),
        [
            ("media", {}),
            ("Untitled", {}),
            ("no title", {}),
            ("...", {}),
            ("dQw4w9WgXcQ", {"id": "dQw4w9WgXcQ"}),
            ("My film", {"webpage_url": "https://a.example/My%20film.mp4?x=1"}),
            ("my_film.mp4", {"url": "https://a.example/my-film.mp4"}),
            ("https://a.example/x", {"webpage_url": "https://a.example/x"}),
            ("site:page video #7", {"extractor": "site:page", "id": "7"}),
        ],
    )
    def test_it_knows_a_title_that_says_nothing(self, title, info):
        assert metadata.parse_metadata({"title": title, **info}).has_placeholder_title

    @pytest.mark.parametrize("title", ["A film", "Funny video #3", "日本", "Media literacy", "Untitled (Blue)", "42"])
    def test_it_knows_a_title(self, title):
        info = {"title": title, "id": "x1", "extractor": "Site", "webpage_url": "https://a.example/watch/x1"}
        assert not metadata.parse_metadata(info).has_placeholder_title

    def test_a_live_title_has_no_time_of_the_look(self):
        info = {"title": "On air 2026-11-28 12:00", "fulltitle": "On air", "is_live": True}
        assert metadata.parse_metadata(info).title == "On air"
