"""Entries of playlists that need more than their address: real yt-dlp, a real server."""

import json
import math

import pytest
from yt_dlp.utils import smuggle_url

from downloads.intake import urls
from downloads.models import EntryRequest, Status, Video
from downloads.network.proxy import EgressProxy
from downloads.tests.support.playlist_site import add_extractor, playlist_site
from downloads.worker import attempt

__all__ = ["playlist_site"]
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment", "redis_server")]
MARKER = "__youtubedl_smuggle"


@pytest.fixture
def run_attempt():
    """Run one attempt at a video, or at a URL that is added first; return its row afterwards."""

    def run(target, **fields):
        video = target if isinstance(target, Video) else Video.objects.ingest(target, target, **fields)[0]
        assert Video.objects.get(pk=video.pk).move_to_front()
        claimed = Video.objects.claim("test")
        assert claimed.pk == video.pk
        with EgressProxy() as proxy:
            attempt.run_attempt(claimed, proxy_url=proxy.url, on_progress=lambda state: None)
        return Video.objects.get(pk=video.pk)

    return run


def last_reason(video):
    return video.events.last().reason


def test_it_fetches_a_feed_whose_items_have_a_guid(run_attempt, media_server, playlist_site):
    listed = run_attempt(media_server.url("/guids"))
    assert last_reason(listed) == "Playlist: 3 videos added."
    entries = list(listed.entries.order_by("pk"))
    assert [entry.url for entry in entries] == [media_server.url(f"/named/{n}.mp4") for n in range(3)]
    for n, entry in enumerate(entries):
        video = run_attempt(entry)
        assert (video.status, video.error, video.title) == (Status.COMPLETE, "", f"Film {n}")
        assert (video.description, video.source_id) == (f"About Film {n}", f"guid-{n}")


def test_a_page_with_two_videos_keeps_its_referer_and_cookies(run_attempt, media_server, playlist_site, settings):
    listed = run_attempt(media_server.url("/guarded/page"))
    assert last_reason(listed) == "Playlist: 2 videos added."
    for entry in listed.entries.order_by("pk"):
        assert "s3cret-cookie" in json.dumps(entry.entry_request.cookies)
        video = run_attempt(entry)
        assert (video.status, video.error) == (Status.COMPLETE, "")
        assert (settings.MEDIA_ROOT / video.media_file).read_bytes() == media_server.clip
        assert video.title.startswith("Guarded videos")
    assert media_server.count_requests("/guarded/page") == 1
    assert playlist_site.refused == []


def test_files_whose_addresses_have_expired_are_read_from_their_page_again(run_attempt, media_server, playlist_site):
    playlist_site.expires = True
    listed = run_attempt(media_server.url("/guarded/page"))
    playlist_site.token += 1
    first, second = listed.entries.order_by("pk")
    assert run_attempt(second).status == Status.COMPLETE
    assert run_attempt(first).status == Status.COMPLETE
    assert [path for path in playlist_site.refused if "two" in path]
    fetched = [path for _, path, _ in media_server.requests if path.startswith("/guarded/file/one")]
    assert fetched[-1].endswith(f"token={playlist_site.token}")


def test_the_right_video_is_read_again_after_the_page_has_changed(run_attempt, media_server, playlist_site):
    playlist_site.expires = True
    listed = run_attempt(media_server.url("/guarded/page"))
    playlist_site.videos = ["new", "one", "two"]
    first = run_attempt(listed.entries.earliest("pk"))
    assert first.status == Status.COMPLETE
    served = [path for _, path, _ in media_server.requests if path.startswith("/guarded/file/")]
    assert served[-1].startswith("/guarded/file/one")


def test_a_redownload_reads_the_page_again(run_attempt, media_server, playlist_site):
    playlist_site.expires = True
    listed = run_attempt(media_server.url("/guarded/page"))
    video = run_attempt(listed.entries.latest("pk"))
    assert video.status == Status.COMPLETE
    request = EntryRequest.objects.get(video=video)
    assert (request.info, request.cookies) == (None, [])
    assert video.redownload()
    again = run_attempt(video)
    assert (again.status, again.error) == (Status.COMPLETE, "")
    assert again.attempt == 2


def test_a_video_that_has_left_its_page_says_so(run_attempt, media_server, playlist_site):
    listed = run_attempt(media_server.url("/guarded/page"))
    video = listed.entries.latest("pk")
    EntryRequest.objects.update(info=None)
    playlist_site.videos = ["other", "another"]
    EntryRequest.objects.update(title="Renamed", source_id="")
    Video.objects.filter(pk=video.pk).update(url=media_server.url("/guarded/file/gone.mp4"))
    failed = run_attempt(video)
    assert (failed.status, failed.error) == (
        Status.FAILED,
        "This video is no longer in its playlist, and has no link of its own.",
    )


@pytest.mark.parametrize("path", ["/guids", "/guarded/page"])
def test_the_same_list_added_again_adds_none_twice(run_attempt, media_server, playlist_site, path):
    listed = run_attempt(media_server.url(path))
    count = listed.entries.count()
    run_attempt(listed.entries.earliest("pk"))
    assert listed.redownload()
    again = run_attempt(listed)
    assert last_reason(again) == f"Playlist: 0 videos added, {count} already here."


def test_entries_that_differ_in_their_data_only_are_two_videos(run_attempt, media_server, playlist_site):
    link = media_server.url("/named/same.mp4")
    playlist_site.items = [("A", link, "guid-a"), ("B", link, "guid-b")]
    listed = run_attempt(media_server.url("/guids"))
    assert last_reason(listed) == "Playlist: 2 videos added."
    entries = list(listed.entries.order_by("pk"))
    assert [entry.url for entry in entries] == [link, link]
    assert [run_attempt(entry).source_id for entry in entries] == ["guid-a", "guid-b"]
    playlist_site.items.reverse()
    assert listed.redownload()
    assert last_reason(run_attempt(listed)) == "Playlist: 0 videos added, 2 already here."


def test_a_video_that_a_person_has_pasted_is_not_added_again(run_attempt, media_server, playlist_site):
    pasted = run_attempt(media_server.url("/named/1.mp4"))
    listed = run_attempt(media_server.url("/guids"))
    assert last_reason(listed) == "Playlist: 2 videos added, 1 already here."
    assert Video.objects.filter(url=pasted.url).count() == 1


def test_what_a_list_knows_helps_a_pasted_video_that_had_failed(run_attempt, media_server, monkeypatch):
    link = media_server.url("/referred/a.mp4")
    pasted = run_attempt(link)
    assert pasted.status == Status.FAILED
    add_referring_list(monkeypatch, media_server, link)
    listed = run_attempt(media_server.url("/extracted/list"))
    assert last_reason(listed) == "Playlist: 2 videos added."
    assert run_attempt(pasted).status == Status.COMPLETE


def add_referring_list(monkeypatch, media_server, *links):
    """Add an extractor whose entries have the shapes of the generic extractor's JSON-LD and of embedded players."""
    data = {"to_generic": True, "referer": media_server.url("/embedding")}
    other = smuggle_url(media_server.url("/referred/other.mp4"), dict(data))
    entries = [
        {"_type": "url_transparent", "url": smuggle_url(link, dict(data)), "title": "From the list", "duration": 61}
        for link in links
    ]
    entries.append({"_type": "url", "url": other, "ie_key": "Generic", "title": "Other"})
    add_extractor(
        monkeypatch, r"https?://[^/]+/extracted/list", lambda ie, url: ie.playlist_result(entries, "list", "A list")
    )


def test_data_of_an_extractor_reach_the_next_one(run_attempt, media_server, monkeypatch):
    add_referring_list(monkeypatch, media_server, media_server.url("/referred/a.mp4"))
    listed = run_attempt(media_server.url("/extracted/list"))
    videos = [run_attempt(entry) for entry in listed.entries.order_by("pk")]
    assert [(video.status, video.title) for video in videos] == [
        (Status.COMPLETE, "From the list"),
        (Status.COMPLETE, "Other"),
    ]
    assert videos[0].duration == 61


def test_entries_that_only_an_extractor_can_address_are_fetched(run_attempt, media_server, monkeypatch):
    def extract_video(ie, url):
        video_id = url.removeprefix("local:")
        return {"id": video_id, "title": f"Video {video_id}", "url": media_server.url(f"/named/{video_id}.mp4")}

    add_extractor(monkeypatch, r"local:\w+", extract_video, "LocalVideo")
    entries = [{"_type": "url", "url": f"local:{name}", "ie_key": "LocalVideo"} for name in ("x1", "x2")]
    add_extractor(monkeypatch, r"https?://[^/]+/extracted/ids", lambda ie, url: ie.playlist_result(entries, "ids"))
    url = media_server.url("/extracted/ids")
    listed = run_attempt(url)
    assert last_reason(listed) == "Playlist: 2 videos added."
    videos = [run_attempt(entry) for entry in listed.entries.order_by("pk")]
    assert [(video.status, video.url, video.title) for video in videos] == [
        (Status.COMPLETE, url, "Video x1"),
        (Status.COMPLETE, url, "Video x2"),
    ]
    assert listed.redownload()
    assert last_reason(run_attempt(listed)) == "Playlist: 0 videos added, 2 already here."


def test_extracted_entries_within_nested_playlists_are_fetched(run_attempt, media_server, monkeypatch):
    def make_video(name):
        formats = [{"url": media_server.url(f"/referred/{name}.mp4"), "ext": "mp4"}]
        headers = {"Referer": media_server.url("/embedding")}
        return {"id": name, "title": f"Part {name}", "formats": formats, "http_headers": headers}

    inner = {"_type": "playlist", "id": "inner", "entries": (make_video(name) for name in ("b", "c"))}
    entries = [make_video("a"), inner, None]
    add_extractor(monkeypatch, r"https?://[^/]+/extracted/nested", lambda ie, url: ie.playlist_result(entries, "n"))
    listed = run_attempt(media_server.url("/extracted/nested"))
    assert last_reason(listed) == "Playlist: 3 videos added."
    assert [run_attempt(entry).status for entry in listed.entries.order_by("pk")] == [Status.COMPLETE] * 3


def test_one_broken_entry_leaves_the_others(run_attempt, media_server, monkeypatch):
    good = {"_type": "video", "id": "a", "title": "A", "url": media_server.url("/named/a.mp4"), "ext": "mp4"}
    broken = [
        {"_type": "video", "id": "b", "title": "Without formats", "formats": []},
        {"_type": "url", "url": f"http://a.example/#{MARKER}=no%20json"},
        {"_type": "url", "url": f"http://a.example/#{MARKER}"},
        {"_type": "url", "url": "ytsearch5:cats"},
        {"_type": "url", "url": "file:///etc/passwd", "ie_key": "Generic"},
        {"_type": "url", "url": "ftp://a.example/x.mp4"},
        {"_type": "url", "url": "http://169.254.169.254/latest"},
    ]
    add_extractor(
        monkeypatch, r"https?://[^/]+/extracted/mixed", lambda ie, url: ie.playlist_result([good, *broken], "m")
    )
    listed = run_attempt(media_server.url("/extracted/mixed"))
    assert last_reason(listed).startswith("Playlist: ")
    assert listed.status == Status.COMPLETE
    assert run_attempt(listed.entries.earliest("pk")).status == Status.COMPLETE
    hosts = set(listed.entries.values_list("host", flat=True))
    assert hosts == {"127.0.0.1"}


def test_odd_values_of_a_site_are_stored_safely(run_attempt, media_server, monkeypatch):
    def extract(ie, url):
        entries = [
            {
                **{"_type": "url_transparent", "url": media_server.url(f"/named/{name}.mp4")},
                **{"title": "a\x00b\ud800c", "duration": math.nan, "view_count": 10**30, "tags": ["\x00"]},
                **{"description": "x" * (70_000 if name == "large" else 10), "__post_extractor": dict},
            }
            for name in ("small", "large")
        ]
        return ie.playlist_result(entries, "odd", "T\x00itle\udfff")

    add_extractor(monkeypatch, r"https?://[^/]+/extracted/odd", extract)
    listed = run_attempt(media_server.url("/extracted/odd"))
    assert last_reason(listed) == "Playlist: 2 videos added."
    small, large = listed.entries.order_by("pk")
    assert (small.entry_request.info["title"], small.entry_request.info["duration"]) == ("ab?c", None)
    assert large.entry_request.info is None
    assert [run_attempt(video).status for video in (small, large)] == [Status.COMPLETE] * 2


def test_a_title_of_the_list_is_not_replaced_by_a_worse_one(run_attempt, media_server, playlist_site, monkeypatch):
    names = ["media.mp4", "index.mp4", "wE1rd-id_0.mp4"]
    entries = [
        {"_type": "url", "url": media_server.url(f"/named/{name}"), "title": f"Good title {n}"}
        for n, name in enumerate(names)
    ]
    add_extractor(monkeypatch, r"https?://[^/]+/extracted/titles", lambda ie, url: ie.playlist_result(entries, "t"))
    listed = run_attempt(media_server.url("/extracted/titles"))
    titles = [run_attempt(entry).title for entry in listed.entries.order_by("pk")]
    assert titles == ["Good title 0", "Good title 1", "Good title 2"]


class TestSecrecy:
    """What an entry needs is shown nowhere, taken from no person, and deleted when it is no longer needed."""

    def test_it_is_in_no_page_and_no_file(
        self, run_attempt, media_server, playlist_site, superuser_client, settings, caplog, static_files
    ):
        caplog.set_level("DEBUG")
        link = media_server.url("/named/1.mp4")
        playlist_site.items = [("A", link, "guid-a"), ("B", media_server.url("/missing.mp4"), "guid-b")]
        listed = run_attempt(media_server.url("/guids"))
        guarded = run_attempt(media_server.url("/guarded/page"))
        videos = [*listed.entries.order_by("pk"), *guarded.entries.order_by("pk")]
        pages = [superuser_client.get(path).content.decode() for path in ("/activity/", "/")]
        for video in videos[:3]:
            run_attempt(video)
        for video in [listed, guarded, *videos]:
            pages.append(superuser_client.get(video.get_absolute_url()).content.decode())
            pages.append(superuser_client.get(f"/admin/downloads/video/{video.pk}/change/").content.decode())
        pages += [superuser_client.get(path).content.decode() for path in ("/activity/", "/?q=s3cret")]
        pages.append(superuser_client.get("/admin/downloads/video/?q=smuggle").content.decode())
        pages.append(superuser_client.get("/api/progress").content.decode())
        pages += [path.read_text() for path in settings.MEDIA_ROOT.rglob("*.info.json")]
        pages.append(caplog.text)
        for text in pages:
            assert MARKER not in text
            assert "s3cret-cookie" not in text

    def test_a_failed_address_is_told_without_them(self, run_attempt, media_server, playlist_site, caplog):
        caplog.set_level("DEBUG")
        playlist_site.items = [(name, media_server.url("/page/x?src="), "guid-a") for name in "AB"]
        listed = run_attempt(media_server.url("/guids"))
        for entry in listed.entries.all():
            run_attempt(entry)
        assert MARKER not in caplog.text
        assert not Video.objects.filter(error__contains=MARKER).exists()
        assert not Video.objects.filter(events__reason__contains=MARKER).exists()

    def test_it_is_not_taken_from_a_person(self):
        with pytest.raises(urls.InvalidUrl):
            urls.parse_url(smuggle_url("http://a.example/clip.mp4", {"referer": "http://b.example/"}))

    def test_it_ends_with_its_video(self, run_attempt, media_server, playlist_site):
        listed = run_attempt(media_server.url("/guarded/page"))
        first, second = listed.entries.order_by("pk")
        run_attempt(first)
        assert EntryRequest.objects.get(video=first).cookies == []
        assert second.remove()
        assert list(EntryRequest.objects.values_list("video_id", flat=True)) == [first.pk]

    def test_it_survives_a_failure_and_a_cancellation(self, run_attempt, media_server, playlist_site):
        listed = run_attempt(media_server.url("/guarded/page"))
        video = listed.entries.earliest("pk")
        assert video.cancel()
        assert video.retry()
        assert run_attempt(video).status == Status.COMPLETE


def test_an_entry_goes_through_the_proxy(run_attempt, media_server, playlist_site, settings, monkeypatch):
    listed = run_attempt(media_server.url("/guarded/page"))
    media_server.reset()
    settings.ALLOW_PRIVATE_HOSTS = False
    video = run_attempt(listed.entries.earliest("pk"))
    assert video.status == Status.FAILED
    assert video.error.startswith("127.0.0.1 is this machine itself")
    assert media_server.requests == []
