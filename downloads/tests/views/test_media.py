"""Responses with media files: whole, in ranges, and only for files that a row names."""

import asyncio
import io
import os
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import AsyncClient
from PIL import Image

from downloads.files.thumbnails import stored
from downloads.models import StoredFiles, Video
from downloads.tests.support import pictures
from downloads.tests.support.subtitles import MALFORMED_SUBTITLE_FILES
from downloads.tests.support.users import make_user
from downloads.views import media

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
FILM_CONTENT = bytes(range(256)) * 40_000  # 10.24 MB, many times what a player gets at once
FILM_BYTES = len(FILM_CONTENT)


@pytest.fixture
def media_root(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    return settings.MEDIA_ROOT


@pytest.fixture
def video_with_files(media_root) -> Video:
    (media_root / "a").mkdir()
    (media_root / "a" / "film.mp4").write_bytes(FILM_CONTENT)
    for name in ("film.jpg", "film.small.jpg"):  # as drawn when it was filed
        (media_root / "a" / name).write_bytes(b"\xff\xd8picture")
    return create_complete_video("a/film.mp4", "a/film.jpg")


def create_complete_video(media_file: str, thumbnail: str = "") -> Video:
    url = f"http://example.org/{media_file}"
    Video.objects.ingest(url, url)
    video = Video.objects.claim("w")
    assert video
    assert video.finish(StoredFiles(media_file, FILM_BYTES, thumbnail), lambda: None)
    Video.objects.filter(pk=video.pk).update(title='Fünf "Filme"/..\r\nX-Evil: 1')
    return video


def get_media(video_id: str, kind: str = "video", method: str = "get", user=None, **headers):
    """Return the response, with its whole body in `response.body`."""

    async def fetch():
        client = AsyncClient()
        if user:
            await client.aforce_login(user)
        response = await getattr(client, method)(f"/media/{video_id}/{kind}", headers=headers)
        if isinstance(response, StreamingHttpResponse):
            chunks = [chunk async for chunk in response.streaming_content]
            response.chunks, response.body = chunks, b"".join(chunks)
        else:
            response.body = response.content
        return response

    return async_to_sync(fetch)()


def test_it_answers_the_whole_file(video_with_files):
    response = get_media(video_with_files.video_id)
    assert (response.status_code, response.body) == (200, FILM_CONTENT)
    assert response["Content-Length"] == str(FILM_BYTES)
    assert response["Content-Type"] == "video/mp4"
    assert response["Accept-Ranges"] == "bytes"
    assert max(map(len, response.chunks)) <= media.STREAM_CHUNK_BYTES


def test_it_is_no_page_of_ours(video_with_files):
    response = get_media(video_with_files.video_id)
    assert response["Content-Security-Policy"] == "sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize(
    ("range_header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=5-9", 5, 9),
        ("bytes=0-", 0, FILM_BYTES - 1),
        ("bytes=7000000-", 7_000_000, FILM_BYTES - 1),
        (f"bytes={FILM_BYTES - 1}-", FILM_BYTES - 1, FILM_BYTES - 1),
        ("bytes=-5", FILM_BYTES - 5, FILM_BYTES - 1),
        (f"bytes=-{FILM_BYTES + 1}", 0, FILM_BYTES - 1),
        (f"bytes=9-{FILM_BYTES * 2}", 9, FILM_BYTES - 1),
        ("BYTES= 5-9 ", 5, 9),
        (f"bytes=5-{2**64 - 1}", 5, FILM_BYTES - 1),
        (f"bytes=-{2**64 - 1}", 0, FILM_BYTES - 1),
    ],
)
def test_it_answers_a_range(video_with_files, range_header, first, last):
    response = get_media(video_with_files.video_id, range=range_header)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{FILM_BYTES}"
    assert response["Content-Length"] == str(last - first + 1)
    assert response.body == FILM_CONTENT[first : last + 1]


PLAYER_OVER_HTTPS = {"sec-fetch-dest": "video"}
PLAYER_OVER_HTTP = {
    "referer": "http://nas.example/videos/abc/",
    "accept": "*/*",
    "accept-encoding": "identity",
    "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0",
}
OLDER_CHROMIUM = {**PLAYER_OVER_HTTP, "accept-encoding": "identity;q=1, *;q=0"}
FIREFOX_OVER_HTTP = {"referer": "http://nas.example/videos/abc/", "accept": "video/webm,video/*;q=0.9,*/*;q=0.5"}


@pytest.mark.parametrize(
    "player", [PLAYER_OVER_HTTPS, {"sec-fetch-dest": "audio"}, PLAYER_OVER_HTTP, OLDER_CHROMIUM, FIREFOX_OVER_HTTP]
)
def test_it_gives_a_player_a_piece_that_the_browser_reads_to_its_end(video_with_files, player):
    response = get_media(video_with_files.video_id, range="bytes=100-", **player)
    assert response["Content-Range"] == f"bytes 100-{99 + media.MAX_PLAYER_RANGE_BYTES}/{FILM_BYTES}"
    assert response.body == FILM_CONTENT[100 : 100 + media.MAX_PLAYER_RANGE_BYTES]
    # Chromium's cache would join the pieces to one long response.
    assert response["Cache-Control"] == "no-store"
    last = get_media(video_with_files.video_id, range=f"bytes={FILM_BYTES - 9}-", **player)
    assert last.body == FILM_CONTENT[-9:]


@pytest.mark.parametrize(
    "client",
    [
        {"accept": "*/*"},  # curl, wget, ffmpeg
        {"accept": "*/*", "accept-encoding": "identity", "user-agent": "Wget/1.25.0"},
        {"accept": "*/*", "referer": "http://nas.example/videos/abc/"},  # curl --referer, download managers
        {"accept": "*/*", "accept-encoding": "identity", "referer": "http://nas.example/", "user-agent": "Wget/1"},
        {
            "accept": "*/*",
            "accept-encoding": "gzip, deflate",
            "referer": "http://nas.example/",
            "user-agent": "Mozilla/5",
        },
        {"sec-fetch-dest": "document", "referer": "http://localhost/videos/abc/", "accept": "*/*"},
        {"sec-fetch-dest": "empty"},  # fetch() of a page, and Chromium's Resume
        {"referer": "http://nas.example/videos/abc/", "if-range": "ETAG"},  # Chromium's Resume over plain HTTP
    ],
)
def test_it_answers_an_open_range_of_all_others_to_its_end(video_with_files, client):
    etag = get_media(video_with_files.video_id, method="head")["ETag"]
    headers = {name: value.replace("ETAG", etag) for name, value in client.items()}
    response = get_media(video_with_files.video_id, range="bytes=100-", **headers)
    assert response["Content-Range"] == f"bytes 100-{FILM_BYTES - 1}/{FILM_BYTES}"
    assert response.body == FILM_CONTENT[100:]
    assert response["Cache-Control"] == "private, no-cache"


def test_it_gives_a_player_the_closed_range_that_it_requests(video_with_files):
    response = get_media(video_with_files.video_id, range="bytes=0-5000000", **PLAYER_OVER_HTTPS)
    assert len(response.body) == 5_000_001  # Safari takes no shorter answer to its closed ranges


@pytest.mark.parametrize(
    "range_header", [f"bytes={FILM_BYTES}-", f"bytes={FILM_BYTES}-{FILM_BYTES + 5}", "bytes=-0", f"bytes={2**64}-"]
)
def test_it_refuses_a_range_behind_the_end(video_with_files, range_header):
    response = get_media(video_with_files.video_id, range=range_header)
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{FILM_BYTES}")


@pytest.mark.parametrize(
    "range_header",
    ["bytes=-", "bytes=9-5", "bytes=a-b", "items=0-5", "bytes=0-1,5-9", "bytes=²-5", f"bytes=0-{'9' * 40}", ""],
)
def test_it_ignores_a_range_that_is_none(video_with_files, range_header):
    response = get_media(video_with_files.video_id, range=range_header)
    assert (response.status_code, len(response.body)) == (200, FILM_BYTES)


def test_it_answers_head_without_a_body(video_with_files):
    response = get_media(video_with_files.video_id, method="head", range="bytes=0-5")
    assert (response.status_code, response.body, response["Content-Length"]) == (200, b"", str(FILM_BYTES))


def test_it_answers_304_while_the_file_is_the_same(video_with_files):
    first = get_media(video_with_files.video_id, method="head")
    for header in ({"if-none-match": first["ETag"]}, {"if-modified-since": first["Last-Modified"]}):
        response = get_media(video_with_files.video_id, **header)
        assert (response.status_code, response.body, response["ETag"]) == (304, b"", first["ETag"])


def test_it_resumes_only_what_has_not_changed(video_with_files, media_root):
    first = get_media(video_with_files.video_id, method="head")
    for condition in (first["ETag"], first["Last-Modified"]):
        assert get_media(video_with_files.video_id, range="bytes=5-9", **{"if-range": condition}).status_code == 206
    for condition in ('"other"', f"W/{first['ETag']}", "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense"):
        assert get_media(video_with_files.video_id, range="bytes=5-9", **{"if-range": condition}).status_code == 200
    os.utime(media_root / "a" / "film.mp4", (1, 1))
    assert get_media(video_with_files.video_id, range="bytes=5-9", **{"if-range": first["ETag"]}).status_code == 200


def test_it_offers_a_copy_under_a_safe_name(video_with_files):
    response = get_media(video_with_files.video_id, "video?download=1")
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''F%C3%BCnf%20Filme%20..%20X-Evil%201.mp4"


def test_it_shows_the_picture(video_with_files):
    response = get_media(video_with_files.video_id, "thumbnail")
    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")


class TestThumbnails:
    """Thumbnails in two sizes, also of videos that were filed with the picture of their site alone."""

    @pytest.fixture
    def older_video(self, video_with_files, media_root, settings, tmp_path) -> Video:
        settings.CACHE_ROOT = tmp_path / "cache"
        (media_root / "a" / "film.small.jpg").unlink()
        (media_root / "a" / "film.png").write_bytes(pictures.noise_png())
        Video.objects.filter(pk=video_with_files.pk).update(thumbnail="a/film.png")
        return video_with_files

    def test_a_4_mb_picture_is_small_for_cards(self, older_video, monkeypatch):
        small = get_media(older_video.video_id, "thumbnail?size=small")
        assert (small.status_code, small["Content-Type"]) == (200, "image/jpeg")
        assert len(small.body) <= 60_000
        assert Image.open(io.BytesIO(small.body)).width == 480
        # Nothing is drawn a second time, for either size.
        monkeypatch.setattr(stored, "draw_thumbnails", None)
        assert get_media(older_video.video_id, "thumbnail?size=small").body == small.body
        assert Image.open(io.BytesIO(get_media(older_video.video_id, "thumbnail").body)).width == 1280

    def test_a_browser_keeps_it_until_its_version_changes(self, older_video):
        unversioned = get_media(older_video.video_id, "thumbnail?size=small")
        assert unversioned["Cache-Control"] == "private, no-cache"
        unchanged = get_media(older_video.video_id, "thumbnail?size=small", **{"if-none-match": unversioned["ETag"]})
        assert unchanged.status_code == 304
        versioned = get_media(older_video.video_id, "thumbnail?size=small&v=1")
        assert versioned["Cache-Control"] == "private, max-age=31536000, immutable"

    def test_it_is_drawn_again_when_the_picture_changes(self, older_video, media_root):
        before = get_media(older_video.video_id, "thumbnail?size=small")
        (media_root / "a" / "film.png").write_bytes(pictures.encode(pictures.two_halves(), "PNG"))
        after = get_media(older_video.video_id, "thumbnail?size=small")
        assert (after.status_code, after["ETag"] != before["ETag"], after.body != before.body) == (200, True, True)

    def test_it_writes_nothing_to_the_media_folder(self, older_video, media_root):
        before = sorted(media_root.rglob("*"))
        assert len(get_media(older_video.video_id, "thumbnail?size=small").body) <= 60_000
        assert sorted(media_root.rglob("*")) == before

    def test_the_picture_itself_is_not_sent_when_nothing_can_be_kept(self, older_video, settings, caplog):
        settings.CACHE_ROOT.write_bytes(b"no folder")
        assert get_media(older_video.video_id, "thumbnail?size=small&v=1").status_code == 404
        assert "No thumbnail of" in caplog.text

    @pytest.mark.parametrize("query", ["", "?size=small", "?v=1", "?download=1"])
    def test_a_bomb_of_an_older_archive_is_not_sent(self, older_video, media_root, query):
        (media_root / "a" / "film.png").write_bytes(pictures.bomb_png())
        assert get_media(older_video.video_id, f"thumbnail{query}").status_code == 404

    def test_it_goes_with_the_video(self, older_video, settings):
        get_media(older_video.video_id, "thumbnail?size=small")
        assert list(settings.CACHE_ROOT.rglob("*.jpg"))
        Video.objects.get(pk=older_video.pk).remove()
        assert not list(settings.CACHE_ROOT.rglob("*.jpg"))

    def test_it_refuses_strangers(self, older_video, settings):
        settings.PRIVATE = True
        assert get_media(older_video.video_id, "thumbnail?size=small").status_code == 403


def test_it_shows_nothing_but_what_it_knows_to_be_harmless(media_root):
    (media_root / "page.html").write_bytes(b"<script>alert(1)</script>")
    response = get_media(create_complete_video("page.html").video_id)
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")


class TestSubtitleFiles:
    """Responses with subtitle files, selected by language."""

    @pytest.fixture
    def subtitled(self, video_with_files, media_root) -> Video:
        (media_root / "a" / "film.en.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:02.000\nHêllo\n")
        Video.objects.filter(pk=video_with_files.pk).update(
            subtitle_files=[{"language": "en", "file": "a/film.en.vtt"}]
        )
        return video_with_files

    @pytest.mark.parametrize("language", ["de", "EN", "en-GB", "..", "x" * 300])
    def test_it_has_nothing_in_another_language(self, subtitled, language):
        assert get_media(subtitled.video_id, f"tracks/{language}.vtt").status_code == 404

    def test_it_has_nothing_of_a_file_that_is_gone_or_elsewhere(self, subtitled, media_root):
        (media_root.parent / "secret").write_bytes(b"WEBVTT")
        for name in ("a/gone.vtt", "../secret", ""):
            Video.objects.filter(pk=subtitled.pk).update(subtitle_files=[{"language": "en", "file": name}])
            assert get_media(subtitled.video_id, "tracks/en.vtt").status_code == 404

    @pytest.mark.parametrize("row", MALFORMED_SUBTITLE_FILES)
    def test_malformed_subtitle_files_are_missing(self, subtitled, row):
        Video.objects.filter(pk=subtitled.pk).update(subtitle_files=row)
        assert get_media(subtitled.video_id, "tracks/en.vtt").status_code == 404
        assert get_media(subtitled.video_id, "tracks/e_n.vtt").status_code == 404

    def test_it_refuses_strangers_and_other_methods(self, subtitled, settings):
        assert get_media(subtitled.video_id, "tracks/en.vtt", method="post").status_code == 405
        settings.PRIVATE = True
        assert get_media(subtitled.video_id, "tracks/en.vtt").status_code == 403

    def test_it_answers_text_and_nothing_that_a_browser_would_run(self, subtitled):
        response = get_media(subtitled.video_id, "tracks/en.vtt")
        assert (response.status_code, "Hêllo" in response.body.decode()) == (200, True)
        assert response["Content-Type"] == "text/vtt; charset=utf-8"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "sandbox"
        head = get_media(subtitled.video_id, "tracks/en.vtt", method="head")
        assert (head.body, head["Content-Length"]) == (b"", str(len(response.body)))


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "/etc/passwd", "link", "a", "", "x\x00y", "n" * 400])
def test_it_never_leaves_the_media_folder(video_with_files, media_root, name):
    (media_root.parent / "secret").write_bytes(b"key")
    (media_root / "link").symlink_to(media_root.parent / "secret")
    Video.objects.filter(pk=video_with_files.pk).update(media_file=name)
    assert get_media(video_with_files.video_id).status_code == 404


def test_it_serves_no_file_that_no_row_names(video_with_files, media_root):
    (media_root / "other.mp4").write_bytes(b"x")
    for path in ("other.mp4", "../media/other.mp4"):
        assert get_media(video_with_files.video_id, path).status_code == 404


def test_it_has_nothing_of_what_is_missing(media_root):
    video = create_complete_video("gone.mp4")
    for kind in ("video", "thumbnail"):
        assert get_media(video.video_id, kind).status_code == 404
    assert get_media("nope").status_code == 404


def test_it_refuses_strangers_of_a_private_archive(video_with_files, settings):
    settings.PRIVATE = True
    assert get_media(video_with_files.video_id).status_code == 403
    assert get_media("nope").status_code == 403
    user = make_user("ada", role="")
    assert get_media(video_with_files.video_id, user=user, range="bytes=0-1").status_code == 206


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_refuses_other_methods(video_with_files, method):
    assert get_media(video_with_files.video_id, method=method).status_code == 405


def test_it_answers_an_empty_file(media_root):
    (media_root / "empty.mp4").touch()
    video = create_complete_video("empty.mp4")
    assert get_media(video.video_id)["Content-Length"] == "0"
    assert get_media(video.video_id, range="bytes=0-").status_code == 416


def test_it_closes_the_file_when_nobody_reads(video_with_files):
    async def leave():
        response = await AsyncClient().get(f"/media/{video_with_files.video_id}/video")
        chunks = response.streaming_content
        assert await anext(aiter(chunks))
        await chunks.aclose() if hasattr(chunks, "aclose") else None
        response.close()
        await asyncio.sleep(0)

    before = len(list(Path("/proc/self/fd").iterdir()))
    async_to_sync(leave)()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
