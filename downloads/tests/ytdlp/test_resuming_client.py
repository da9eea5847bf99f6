"""Resuming a partial download: real yt-dlp, and a server that replaces files under their address."""

import json
import threading

import pytest

from downloads.files import ffmpeg, partial_file, workspace
from downloads.network.proxy import EgressProxy
from downloads.tests.support import file_versions
from downloads.ytdlp import downloader

pytestmark = pytest.mark.usefixtures("ytdlp_environment")

CUT_AT_BYTES = 300_000


class AttemptStopped(BaseException):
    """Ends an attempt at once, as a kill would."""


@pytest.fixture
def run_attempt(tmp_path):
    """Run one attempt, as after a kill and a new claim; it stops after `at` bytes or so many `fragments`."""

    def run(url, at=None, fragments=None):
        def stop(update):
            if (at is not None and update.downloaded_bytes >= at) or (
                fragments is not None and (update.fragment_index or 0) >= fragments
            ):
                raise AttemptStopped

        workspace.prepare_for_resume(tmp_path)
        with EgressProxy() as proxy:
            probed = downloader.probe_url(url, tmp_path, proxy_url=proxy.url)
            return downloader.download_files(probed, stop, threading.Event().set).media

    return run


def other_version(data):
    """Return another version of the same size, with the same beginning of the file, that is no less playable."""
    unchanged_bytes = len(data) // 3
    return data[:unchanged_bytes] + bytes(255 - byte for byte in data[unchanged_bytes:])


@pytest.mark.parametrize("validators", [("etag", "modified"), ("etag",), ("modified",), ()])
def test_it_goes_on_where_a_killed_attempt_ended(run_attempt, versioned_files, media_server, tmp_path, validators):
    versioned_files.validators = validators
    url = media_server.url("/version/a.mp4")
    with pytest.raises(AttemptStopped):
        run_attempt(url, at=CUT_AT_BYTES)
    part_size = (tmp_path / "media.mp4.part").stat().st_size
    assert part_size >= CUT_AT_BYTES - 64 * 1024
    assert run_attempt(url).read_bytes() == media_server.clip
    assert versioned_files.answers_for("a.mp4")[-1][0] == part_size - min(part_size, partial_file.OVERLAP_BYTES)


@pytest.mark.parametrize("validators", [("etag", "modified"), ("etag",), ("modified",), ()])
def test_it_never_joins_two_versions(run_attempt, versioned_files, media_server, validators):
    versioned_files.validators = validators
    url = media_server.url("/version/a.mp4")
    with pytest.raises(AttemptStopped):
        run_attempt(url, at=CUT_AT_BYTES)
    versioned_files.data["a.mp4"] = other_version(media_server.clip)
    assert run_attempt(url).read_bytes() == versioned_files.data["a.mp4"]


@pytest.mark.parametrize("validators", [("etag", "modified"), ("modified",), ()])
def test_it_never_joins_two_versions_within_one_attempt(run_attempt, versioned_files, media_server, validators):
    """yt-dlp's own retry after a connection that was cut."""
    versioned_files.validators = validators
    versioned_files.cuts["a.mp4"] = [10, CUT_AT_BYTES]
    original = media_server.clip
    versioned_files.data["a.mp4"] = original

    def replace_then_serve(handler, serve=file_versions.serve_version):
        serve(handler)
        if versioned_files.answers_for("a.mp4") and versioned_files.answers_for("a.mp4")[-1][1] == CUT_AT_BYTES:
            versioned_files.data["a.mp4"] = other_version(original)

    file_versions.media_server.ROUTES["/version/"] = replace_then_serve
    try:
        downloaded = run_attempt(media_server.url("/version/a.mp4")).read_bytes()
    finally:
        file_versions.media_server.ROUTES["/version/"] = file_versions.serve_version
    assert downloaded in (original, other_version(original))
    assert CUT_AT_BYTES in [sent for _, sent in versioned_files.answers_for("a.mp4")]


def test_it_goes_on_within_one_attempt_where_nothing_changed(run_attempt, versioned_files, media_server):
    versioned_files.cuts["a.mp4"] = [10, CUT_AT_BYTES, CUT_AT_BYTES + 100_000]
    assert run_attempt(media_server.url("/version/a.mp4")).read_bytes() == media_server.clip
    starts = [first for first, _ in versioned_files.answers_for("a.mp4")]
    assert starts[-1] > CUT_AT_BYTES - partial_file.OVERLAP_BYTES - 1


@pytest.mark.parametrize("grown", [b"more", b""])
def test_it_begins_again_where_the_size_is_another(run_attempt, versioned_files, media_server, grown):
    url = media_server.url("/version/a.mp4")
    versioned_files.validators = ()
    with pytest.raises(AttemptStopped):
        run_attempt(url, at=CUT_AT_BYTES)
    versioned_files.data["a.mp4"] = media_server.clip + grown if grown else media_server.clip[:200_000]
    assert run_attempt(url).read_bytes() == versioned_files.data["a.mp4"]


def test_it_begins_again_where_the_server_knows_no_ranges(run_attempt, versioned_files, media_server):
    url = media_server.url("/version/a.mp4")
    with pytest.raises(AttemptStopped):
        run_attempt(url, at=CUT_AT_BYTES)
    versioned_files.has_ranges = False
    assert run_attempt(url).read_bytes() == media_server.clip


@pytest.mark.parametrize("damage", ["", "{", '{"format_id": 3}', '{"format_id": "other", "size": 1}'])
def test_it_starts_over_without_valid_resume_info(run_attempt, versioned_files, media_server, tmp_path, damage):
    url = media_server.url("/version/a.mp4")
    with pytest.raises(AttemptStopped):
        run_attempt(url, at=CUT_AT_BYTES)
    (tmp_path / "media.mp4.mark").write_text(damage)
    (tmp_path / "media.mp4.part").write_bytes(b"x" * CUT_AT_BYTES)
    assert run_attempt(url).read_bytes() == media_server.clip


def test_it_looks_at_the_end_only_of_what_is_whole(run_attempt, versioned_files, media_server):
    url = media_server.url("/version/a.mp4")
    run_attempt(url)
    versioned_files.served.clear()
    assert run_attempt(url).read_bytes() == media_server.clip
    assert versioned_files.answers_for("a.mp4")[-1] == (
        len(media_server.clip) - 1 - partial_file.OVERLAP_BYTES,
        partial_file.OVERLAP_BYTES + 1,
    )


def test_it_relies_after_a_power_cut_on_what_was_synced(run_attempt, versioned_files, media_server, tmp_path):
    url = media_server.url("/version/a.mp4")
    with pytest.raises(AttemptStopped):
        run_attempt(url, at=CUT_AT_BYTES)
    path = tmp_path / "media.mp4.mark"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"boot": "another", "synced": 100_000}))
    with (tmp_path / "media.mp4.part").open("r+b") as part:
        part.seek(100_000)
        part.write(bytes(100_000))
    assert run_attempt(url).read_bytes() == media_server.clip
    assert versioned_files.answers_for("a.mp4")[-1][0] == 100_000 - partial_file.OVERLAP_BYTES


class TestFragments:
    """Streams that are downloaded in fragments."""

    def joined(self, media_server):
        folder = media_server.folder / "separate"
        return b"".join((folder / f"video{n}.ts").read_bytes() for n in range(6))

    def picture(self, tmp_path):
        return max(tmp_path.glob("media.f*.mp4"), key=lambda path: path.stat().st_size).read_bytes()

    def last_sound(self, media_server):
        return len(list((media_server.folder / "separate").glob("audio*.ts"))) - 1

    def pieces(self, media_server):
        return [path for _, path, _ in media_server.requests if path.endswith(".ts")]

    def test_it_goes_on_after_the_last_whole_fragment(self, run_attempt, media_server, tmp_path):
        url = media_server.url("/separate/index.m3u8")
        with pytest.raises(AttemptStopped):
            run_attempt(url, fragments=4)
        first = self.pieces(media_server)  # some were fetched ahead
        assert {f"/separate/video{n}.ts" for n in range(4)} <= {*first} <= {f"/separate/video{n}.ts" for n in range(6)}
        media_server.requests.clear()
        assert ffmpeg.validation_error(run_attempt(url)) == ""
        again = self.pieces(media_server)
        again = {path for path in again if "video" in path}  # one of the attempt before may come late
        assert again == {f"/separate/video{n}.ts" for n in range(2, 6)}
        assert self.picture(tmp_path) == self.joined(media_server)

    def test_it_begins_again_where_a_fragment_changed(self, run_attempt, media_server, tmp_path):
        url = media_server.url("/separate/index.m3u8")
        with pytest.raises(AttemptStopped):
            run_attempt(url, fragments=4)
        mark = next(tmp_path.glob("*.mark"))
        resume_info = json.loads(mark.read_text())
        part = tmp_path / mark.name.replace(".mark", ".part")
        data = bytearray(part.read_bytes())
        start, end = resume_info["fragment"]["start"], resume_info["fragment"]["end"]
        data[start:end] = bytes(end - start)
        part.write_bytes(data)
        resume_info["fragment"]["digest"] = partial_file.PartialFile._digest_range(part, start, end)
        mark.write_text(json.dumps(resume_info))
        assert ffmpeg.validation_error(run_attempt(url)) == ""
        assert self.picture(tmp_path) == self.joined(media_server)

    def test_it_never_repeats_a_fragment_not_recorded_yet(self, run_attempt, media_server, tmp_path):
        """The attempt was killed after it wrote a fragment and before yt-dlp recorded it."""
        url = media_server.url("/separate/index.m3u8")
        with pytest.raises(AttemptStopped):
            run_attempt(url, fragments=4)
        part = next(tmp_path.glob("*.part"))
        with part.open("ab") as file:
            file.write((media_server.folder / "separate" / "video4.ts").read_bytes())
        run_attempt(url)
        assert self.picture(tmp_path) == self.joined(media_server)

    def test_it_looks_at_the_ends_only_of_streams_that_wait_to_be_joined(self, run_attempt, media_server):
        url = media_server.url("/separate/index.m3u8")
        run_attempt(url)
        media_server.requests.clear()
        assert ffmpeg.validation_error(run_attempt(url)) == ""
        assert self.pieces(media_server) == [
            "/separate/video5.ts",
            f"/separate/audio{self.last_sound(media_server)}.ts",
        ]
