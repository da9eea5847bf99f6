"""Playlists as separate videos, duplicates, and stored subtitles."""

import pytest

from downloads.forms import IngestForm
from downloads.intake import duplicates, playlists
from downloads.models import Metadata, Status, Video, querysets
from downloads.network.proxy import EgressProxy
from downloads.worker import attempt
from downloads.ytdlp import results

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


@pytest.fixture
def download(redis_server):
    """Run one attempt at a URL; return its row afterwards."""

    def run(url, **more):
        video, _ = Video.objects.ingest(url, url, **more)
        video.move_to_front()
        video = Video.objects.claim("test")
        with EgressProxy() as proxy:
            attempt.run_attempt(video, proxy_url=proxy.url, on_progress=lambda state: None)
        return Video.objects.get(pk=video.pk)

    return run


@pytest.mark.parametrize("path", ["/feed?count=3", "/several"])
def test_it_makes_each_entry_a_video_of_its_own(download, media_server, path):
    listed = download(media_server.url(path), quality="720p", subtitle_languages="en")
    assert (listed.status, listed.is_list, listed.media_file) == (Status.COMPLETE, True, "")
    entries = list(listed.entries.order_by("pk"))
    assert len(entries) == (3 if "feed" in path else 2)
    assert {(entry.status, entry.quality, entry.subtitle_languages) for entry in entries} == {("queued", "720p", "en")}
    assert all(entry.url.startswith(media_server.url("/named/")) for entry in entries)
    assert listed.events.last().reason == f"Playlist: {len(entries)} videos added."
    assert list(Video.objects.waiting()) == entries


def test_it_titles_a_playlist_and_its_entries(download, media_server):
    listed = download(media_server.url("/feed?count=1&twice=1"))
    assert listed.title == "Many films"
    assert [entry.title for entry in listed.entries.all()] == ["Film 0"]


def test_it_takes_no_more_than_its_limit(download, media_server, settings):
    settings.PLAYLIST_LIMIT = 4
    listed = download(media_server.url("/feed?count=30"))
    assert listed.entries.count() == 4
    assert listed.events.last().reason == "Playlist: 4 videos added. There are more: only the first 4 were added."


def test_an_addition_may_have_a_limit_of_its_own(download, media_server, settings):
    settings.PLAYLIST_LIMIT = 4
    listed = download(media_server.url("/feed?count=30"), list_limit=6)
    assert listed.entries.count() == 6
    assert set(listed.entries.values_list("list_limit", flat=True)) == {6}  # to be found in the playlist again


def test_an_addition_takes_more_than_the_usual_200_if_its_page_says_so(download, media_server, settings):
    assert settings.PLAYLIST_LIMIT == 200
    form = IngestForm({"urls": media_server.url("/feed?count=260"), "quality": "best", "list_limit": "250"})
    assert form.is_valid()
    listed = download(form.url_lines()[0], list_limit=form.chosen_limit())
    assert listed.entries.count() == 250
    assert listed.events.last().reason.endswith("There are more: only the first 250 were added.")


def test_it_counts_what_is_here_already(download, media_server):
    url = media_server.url("/named/0.mp4")
    Video.objects.ingest(url, url)
    listed = download(media_server.url("/feed?count=3&twice=1"))
    assert listed.events.last().reason == "Playlist: 2 videos added, 4 already here."


def test_it_redownloads_a_playlist(download, media_server):
    listed = download(media_server.url("/feed?count=2"))
    assert listed.redownload()
    again = download(listed.url)
    assert again.events.last().reason == "Playlist: 0 videos added, 2 already here."


def test_it_refuses_deeply_nested_playlists(redis_server):
    parent = None
    for n in range(3):
        parent, _ = Video.objects.ingest(f"http://{n}/", f"http://{n}/", parent=parent)
        parent.move_to_front()
    claimed = Video.objects.claim("w")
    assert playlists.expand_playlist(claimed, results.Playlist("x", [], False))
    assert claimed.status == Status.FAILED


def test_it_refuses_forbidden_addresses_in_a_playlist(redis_server):
    Video.objects.ingest("http://a/", "http://a/")
    claimed = Video.objects.claim("w")
    entries = [
        results.PlaylistEntry(url) for url in ("file:///etc/passwd", "http://169.254.169.254/x", "", "ytsearch:x")
    ]
    playlists.expand_playlist(claimed, results.Playlist("x", entries, False))
    assert claimed.events.last().reason == "Playlist: 0 videos added, 4 links skipped."


class TestDuplicates:
    """Detection of the same video under another URL."""

    @pytest.fixture(autouse=True)
    def generic_ids_are_unique(self, monkeypatch):
        """Treat the generic extractor's ids as unique; they are file names, which are unique in these tests."""
        monkeypatch.setattr(querysets, "GENERIC_EXTRACTORS", ())

    def test_it_skips_a_duplicate(self, download, media_server):
        first = download(media_server.url("/clip.mp4"))
        second = download(media_server.url("/clip.mp4?from=elsewhere"))
        assert first.source_id == "clip"
        assert second.status == Status.CANCELLED
        assert second.error.startswith("This video is already in the archive: clip.")

    def test_a_video_is_downloaded_as_audio_beside_it(self, download, media_server):
        first = download(media_server.url("/clip.mp4"))
        audio = download(media_server.url("/clip.mp4"), quality="audio")
        assert (audio.status, audio.source_id) == (Status.COMPLETE, first.source_id)
        assert audio.pk != first.pk
        again = download(media_server.url("/clip.mp4?from=elsewhere"), quality="audio")
        assert again.status == Status.CANCELLED
        assert again.error.startswith("This video is already in the archive")

    def test_a_playlist_is_added_as_audio_beside_its_videos(self, redis_server):
        entries = [results.PlaylistEntry(f"http://b/{name}", "Site", name) for name in "xyz"]
        for quality in ("best", "audio", "720p"):
            Video.objects.ingest(f"http://a/{quality}", f"http://a/{quality}", quality=quality)[0].move_to_front()
            claimed = Video.objects.claim("w")
            playlists.expand_playlist(claimed, results.Playlist("x", entries, False))
            expected = "3 videos added" if quality != "720p" else "0 videos added, 3 already here"
            assert claimed.events.last().reason == f"Playlist: {expected}."
        assert Video.objects.filter(parent__isnull=False).count() == 6

    def test_retry_downloads_a_duplicate(self, download, media_server):
        download(media_server.url("/clip.mp4"))
        second = download(media_server.url("/clip.mp4?from=elsewhere"))
        assert second.retry()
        assert download(second.url).status == Status.COMPLETE

    def test_it_knows_entries_by_their_id(self, redis_server):
        Video.objects.ingest("http://a/1", "http://a/1", extractor="Site", source_id="1")
        listed, _ = Video.objects.ingest("http://a/", "http://a/")
        listed.move_to_front()
        claimed = Video.objects.claim("w")
        entries = [results.PlaylistEntry("http://b/x", "Site", "1"), results.PlaylistEntry("http://b/y", "Site", "2")]
        playlists.expand_playlist(claimed, results.Playlist("x", entries, False))
        assert claimed.events.last().reason == "Playlist: 1 video added, 1 already here."


def test_it_takes_no_file_name_for_an_id(redis_server):
    Video.objects.ingest("http://a/clip.mp4", "http://a/clip.mp4", extractor="Generic", source_id="clip")
    other, _ = Video.objects.ingest("http://b/clip.mp4", "http://b/clip.mp4")
    assert duplicates.find_duplicate(other, Metadata(extractor="Generic", source_id="clip")) is None


class TestSubtitles:
    """Subtitles of the chosen languages, stored as WebVTT."""

    def stored_subtitles(self, settings, video):
        folder = settings.MEDIA_ROOT / video.video_id
        return {path.name: path.read_text() for path in folder.glob("*.vtt")}

    def test_it_keeps_the_chosen_languages(self, download, media_server, settings):
        video = download(media_server.url("/subtitled/index.m3u8?languages=en,de"), subtitle_languages="de")
        stored = self.stored_subtitles(settings, video)
        assert list(stored) == ["index.de.vtt"]
        assert video.subtitle_files == [{"language": "de", "file": f"{video.video_id}/index.de.vtt"}]
        assert "Hello in de" in stored["index.de.vtt"]

    def test_it_keeps_those_of_the_settings(self, download, media_server, settings):
        settings.SUBTITLES = "en,de"
        video = download(media_server.url("/subtitled/index.m3u8"))
        assert sorted(self.stored_subtitles(settings, video)) == ["index.de.vtt", "index.en.vtt"]
        assert [track["language"] for track in video.subtitle_files] == ["de", "en"]

    def test_it_replaces_them_with_those_of_a_later_download(self, download, media_server, settings):
        video = download(media_server.url("/subtitled/index.m3u8?languages=en,de"), subtitle_languages="de")
        Video.objects.update(subtitle_languages="en")
        assert video.redownload()
        again = download(video.url)
        assert list(self.stored_subtitles(settings, again)) == ["index.en.vtt"]
        assert [track["language"] for track in again.subtitle_files] == ["en"]

    def test_it_keeps_none_unasked(self, download, media_server, settings):
        assert self.stored_subtitles(settings, download(media_server.url("/subtitled/index.m3u8"))) == {}

    def test_it_files_a_video_whose_subtitles_cannot_be_had(self, download, media_server, settings):
        video = download(media_server.url("/subtitled/index.m3u8?languages=xx"), subtitle_languages="xx")
        assert (video.status, self.stored_subtitles(settings, video), video.subtitle_files) == (Status.COMPLETE, {}, [])
