"""Going on with a part: exactly, or not at all. Real yt-dlp; a server that replaces files under their address."""

import json
import threading

import pytest

from downloads.files import ffmpeg, partial_file
from downloads.network.proxy import EgressProxy
from downloads.tests.support import versioned_files
from downloads.ytdlp import downloader, options

CUT = 300_000


@pytest.fixture(autouse=True)
def as_in_a_child(settings, monkeypatch):
    settings.ALLOW_PRIVATE_HOSTS = True
    monkeypatch.setenv("PATH", ffmpeg.build_search_path())
    monkeypatch.setattr(options, "_retry_delay", lambda n: 0.0)


@pytest.fixture
def shelf(monkeypatch):
    monkeypatch.setattr(versioned_files, "SHELF", versioned_files.Shelf())
    return versioned_files.SHELF


class Stopped(BaseException):
    """Stands for the kill: it ends the attempt where it is."""


@pytest.fixture
def attempt(tmp_path):
    """One attempt, as after a kill and another claim; `at` stops it when so many bytes or fragments are here."""

    def run(url, at=None, fragments=None):
        def stop(step):
            if (at is not None and step.downloaded_bytes >= at) or (
                fragments is not None and (step.fragment_index or 0) >= fragments
            ):
                raise Stopped

        partial_file.prepare_for_resume(tmp_path)
        with EgressProxy() as proxy:
            found = downloader.probe_url(url, tmp_path, proxy_url=proxy.url)
            return downloader.download_files(found, stop, threading.Event().set).media

    return run


def other(data):
    """Return another version of the same size, with the same beginning of the file, that is no less playable."""
    half = len(data) // 3
    return data[:half] + bytes(255 - byte for byte in data[half:])


@pytest.mark.parametrize("validators", [("etag", "modified"), ("etag",), ("modified",), ()])
def test_it_goes_on_where_a_killed_attempt_ended(attempt, shelf, media_server, tmp_path, validators):
    shelf.validators = validators
    url = media_server.url("/version/a.mp4")
    with pytest.raises(Stopped):
        attempt(url, at=CUT)
    here = (tmp_path / "media.mp4.part").stat().st_size
    assert here >= CUT - 64 * 1024
    assert attempt(url).read_bytes() == media_server.clip
    assert shelf.of("a.mp4")[-1][0] == here - min(here, partial_file.OVERLAP_BYTES)


@pytest.mark.parametrize("validators", [("etag", "modified"), ("etag",), ("modified",), ()])
def test_it_splices_no_two_versions(attempt, shelf, media_server, validators):
    shelf.validators = validators
    url = media_server.url("/version/a.mp4")
    with pytest.raises(Stopped):
        attempt(url, at=CUT)
    shelf.data["a.mp4"] = other(media_server.clip)
    assert attempt(url).read_bytes() == shelf.data["a.mp4"]


@pytest.mark.parametrize("validators", [("etag", "modified"), ("modified",), ()])
def test_it_splices_none_within_one_attempt_either(attempt, shelf, media_server, validators):
    """yt-dlp's own retry after a connection that was cut."""
    shelf.validators = validators
    shelf.cuts["a.mp4"] = [10, CUT]
    before = media_server.clip
    shelf.data["a.mp4"] = before

    def replace_then_serve(handler, serve=versioned_files.serve):
        serve(handler)
        if shelf.of("a.mp4") and shelf.of("a.mp4")[-1][1] == CUT:
            shelf.data["a.mp4"] = other(before)

    versioned_files.media_server.WAYS["/version/"] = replace_then_serve
    try:
        found = attempt(media_server.url("/version/a.mp4")).read_bytes()
    finally:
        versioned_files.media_server.WAYS["/version/"] = versioned_files.serve
    assert found in (before, other(before))
    assert CUT in [sent for _, sent in shelf.of("a.mp4")]


def test_it_goes_on_within_one_attempt_where_nothing_changed(attempt, shelf, media_server):
    shelf.cuts["a.mp4"] = [10, CUT, CUT + 100_000]
    assert attempt(media_server.url("/version/a.mp4")).read_bytes() == media_server.clip
    starts = [first for first, _ in shelf.of("a.mp4")]
    assert starts[-1] > CUT - partial_file.OVERLAP_BYTES - 1


@pytest.mark.parametrize("grown", [b"more", b""])
def test_it_begins_again_where_the_size_is_another(attempt, shelf, media_server, grown):
    url = media_server.url("/version/a.mp4")
    shelf.validators = ()
    with pytest.raises(Stopped):
        attempt(url, at=CUT)
    shelf.data["a.mp4"] = media_server.clip + grown if grown else media_server.clip[:200_000]
    assert attempt(url).read_bytes() == shelf.data["a.mp4"]


def test_it_begins_again_where_the_server_knows_no_ranges(attempt, shelf, media_server):
    url = media_server.url("/version/a.mp4")
    with pytest.raises(Stopped):
        attempt(url, at=CUT)
    shelf.has_ranges = False
    assert attempt(url).read_bytes() == media_server.clip


@pytest.mark.parametrize("damage", ["", "{", '{"format_id": 3}', '{"format_id": "other", "size": 1}'])
def test_it_begins_again_without_a_good_mark(attempt, shelf, media_server, tmp_path, damage):
    url = media_server.url("/version/a.mp4")
    with pytest.raises(Stopped):
        attempt(url, at=CUT)
    (tmp_path / "media.mp4.mark").write_text(damage)
    (tmp_path / "media.mp4.part").write_bytes(b"x" * CUT)
    assert attempt(url).read_bytes() == media_server.clip


def test_it_looks_at_the_end_only_of_what_is_whole(attempt, shelf, media_server):
    url = media_server.url("/version/a.mp4")
    attempt(url)
    shelf.served.clear()
    assert attempt(url).read_bytes() == media_server.clip
    assert shelf.of("a.mp4")[-1] == (
        len(media_server.clip) - 1 - partial_file.OVERLAP_BYTES,
        partial_file.OVERLAP_BYTES + 1,
    )


def test_it_relies_after_a_power_cut_on_what_was_synced(attempt, shelf, media_server, tmp_path):
    url = media_server.url("/version/a.mp4")
    with pytest.raises(Stopped):
        attempt(url, at=CUT)
    path = tmp_path / "media.mp4.mark"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"boot": "another", "synced": 100_000}))
    with (tmp_path / "media.mp4.part").open("r+b") as part:
        part.seek(100_000)
        part.write(bytes(100_000))
    assert attempt(url).read_bytes() == media_server.clip
    assert shelf.of("a.mp4")[-1][0] == 100_000 - partial_file.OVERLAP_BYTES


class TestFragments:
    """Streams that come in pieces."""

    def joined(self, media_server):
        folder = media_server.folder / "separate"
        return b"".join((folder / f"video{n}.ts").read_bytes() for n in range(6))

    def picture(self, tmp_path):
        return max(tmp_path.glob("media.f*.mp4"), key=lambda path: path.stat().st_size).read_bytes()

    def last_sound(self, media_server):
        return len(list((media_server.folder / "separate").glob("audio*.ts"))) - 1

    def pieces(self, media_server):
        return [path for _, path, _ in media_server.requests if path.endswith(".ts")]

    def test_it_goes_on_after_the_last_whole_fragment(self, attempt, media_server, tmp_path):
        url = media_server.url("/separate/index.m3u8")
        with pytest.raises(Stopped):
            attempt(url, fragments=4)
        first = self.pieces(media_server)
        assert first == [f"/separate/video{n}.ts" for n in range(4)]
        media_server.requests.clear()
        assert ffmpeg.validation_error(attempt(url)) == ""
        again = self.pieces(media_server)
        assert [path for path in again if "video" in path] == [f"/separate/video{n}.ts" for n in range(2, 6)]
        assert self.picture(tmp_path) == self.joined(media_server)

    def test_it_begins_again_where_a_fragment_changed(self, attempt, media_server, tmp_path):
        url = media_server.url("/separate/index.m3u8")
        with pytest.raises(Stopped):
            attempt(url, fragments=4)
        mark = next(tmp_path.glob("*.mark"))
        found = json.loads(mark.read_text())
        part = tmp_path / mark.name.replace(".mark", ".part")
        data = bytearray(part.read_bytes())
        start, end = found["fragment"]["start"], found["fragment"]["end"]
        data[start:end] = bytes(end - start)
        part.write_bytes(data)
        found["fragment"]["digest"] = partial_file.PartialFile._digest_range(part, start, end)
        mark.write_text(json.dumps(found))
        assert ffmpeg.validation_error(attempt(url)) == ""
        assert self.picture(tmp_path) == self.joined(media_server)

    def test_it_repeats_no_fragment_whose_note_was_not_written(self, attempt, media_server, tmp_path):
        """A kill between the bytes and yt-dlp's own note of them."""
        url = media_server.url("/separate/index.m3u8")
        with pytest.raises(Stopped):
            attempt(url, fragments=4)
        part = next(tmp_path.glob("*.part"))
        with part.open("ab") as file:
            file.write((media_server.folder / "separate" / "video4.ts").read_bytes())
        attempt(url)
        assert self.picture(tmp_path) == self.joined(media_server)

    def test_it_looks_at_the_ends_only_of_streams_that_wait_to_be_joined(self, attempt, media_server):
        url = media_server.url("/separate/index.m3u8")
        attempt(url)
        media_server.requests.clear()
        assert ffmpeg.validation_error(attempt(url)) == ""
        assert self.pieces(media_server) == [
            "/separate/video5.ts",
            f"/separate/audio{self.last_sound(media_server)}.ts",
        ]
