"""Media files: whole, in ranges, and only what a row names."""

import asyncio
import os
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.http import StreamingHttpResponse
from django.test import AsyncClient

from downloads.files import http_range
from downloads.models import StoredFiles, Video
from downloads.tests.files.test_subtitles import BROKEN
from downloads.views import media

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files")]
CONTENT = bytes(range(256)) * 40_000  # 10.24 MB, more than two open-ended ranges
SIZE = len(CONTENT)


@pytest.fixture
def folder(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    return settings.MEDIA_ROOT


@pytest.fixture
def video(folder) -> Video:
    (folder / "a").mkdir()
    (folder / "a" / "film.mp4").write_bytes(CONTENT)
    (folder / "a" / "film.jpg").write_bytes(b"\xff\xd8picture")
    return filed("a/film.mp4", "a/film.jpg")


def filed(media_file: str, thumbnail: str = "") -> Video:
    url = f"http://example.org/{media_file}"
    Video.objects.ingest(url, url)
    video = Video.objects.claim("w")
    assert video
    assert video.finish(StoredFiles(media_file, SIZE, thumbnail), lambda: None)
    Video.objects.filter(pk=video.pk).update(title='Fünf "Filme"/..\r\nX-Evil: 1')
    return video


def ask(video_id: str, what: str = "video", method: str = "get", user=None, **headers):
    """Return the response, with all of its body in `response.body`."""

    async def fetch():
        client = AsyncClient()
        if user:
            await client.aforce_login(user)
        response = await getattr(client, method)(f"/media/{video_id}/{what}", headers=headers)
        if isinstance(response, StreamingHttpResponse):
            chunks = [chunk async for chunk in response.streaming_content]
            response.chunks, response.body = chunks, b"".join(chunks)
        else:
            response.body = response.content
        return response

    return async_to_sync(fetch)()


def test_it_answers_the_whole_file(video):
    response = ask(video.video_id)
    assert (response.status_code, response.body) == (200, CONTENT)
    assert response["Content-Length"] == str(SIZE)
    assert response["Content-Type"] == "video/mp4"
    assert response["Accept-Ranges"] == "bytes"
    assert max(map(len, response.chunks)) <= media.STREAM_CHUNK_BYTES


def test_it_is_no_page_of_ours(video):
    response = ask(video.video_id)
    assert response["Content-Security-Policy"] == "sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=5-9", 5, 9),
        ("bytes=0-", 0, http_range.MAX_OPEN_RANGE_BYTES - 1),
        ("bytes=7000000-", 7_000_000, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1),
        ("bytes=-5", SIZE - 5, SIZE - 1),
        (f"bytes=-{SIZE + 1}", 0, SIZE - 1),
        (f"bytes=9-{SIZE * 2}", 9, SIZE - 1),
        ("BYTES= 5-9 ", 5, 9),
    ],
)
def test_it_answers_a_range(video, asked, first, last):
    response = ask(video.video_id, range=asked)
    assert response.status_code == 206
    assert response["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert response["Content-Length"] == str(last - first + 1)
    assert response.body == CONTENT[first : last + 1]


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE}-{SIZE + 5}", "bytes=-0"])
def test_it_refuses_a_range_behind_the_end(video, asked):
    response = ask(video.video_id, range=asked)
    assert (response.status_code, response["Content-Range"]) == (416, f"bytes */{SIZE}")


@pytest.mark.parametrize(
    "asked", ["bytes=-", "bytes=9-5", "bytes=a-b", "items=0-5", "bytes=0-1,5-9", "bytes=²-5", f"bytes=0-{'9' * 40}", ""]
)
def test_it_ignores_a_range_that_is_none(video, asked):
    response = ask(video.video_id, range=asked)
    assert (response.status_code, len(response.body)) == (200, SIZE)


def test_it_answers_head_without_a_body(video):
    response = ask(video.video_id, method="head", range="bytes=0-5")
    assert (response.status_code, response.body, response["Content-Length"]) == (200, b"", str(SIZE))


def test_it_answers_304_while_the_file_is_the_same(video):
    first = ask(video.video_id, method="head")
    for header in ({"if-none-match": first["ETag"]}, {"if-modified-since": first["Last-Modified"]}):
        response = ask(video.video_id, **header)
        assert (response.status_code, response.body, response["ETag"]) == (304, b"", first["ETag"])


def test_it_resumes_only_what_has_not_changed(video, folder):
    first = ask(video.video_id, method="head")
    for condition in (first["ETag"], first["Last-Modified"]):
        assert ask(video.video_id, range="bytes=5-9", **{"if-range": condition}).status_code == 206
    for condition in ('"other"', f"W/{first['ETag']}", "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense"):
        assert ask(video.video_id, range="bytes=5-9", **{"if-range": condition}).status_code == 200
    os.utime(folder / "a" / "film.mp4", (1, 1))
    assert ask(video.video_id, range="bytes=5-9", **{"if-range": first["ETag"]}).status_code == 200


def test_it_offers_a_copy_under_a_safe_name(video):
    response = ask(video.video_id, "video?download=1")
    assert response["Content-Disposition"] == "attachment; filename*=utf-8''F%C3%BCnf%20Filme%20..%20X-Evil%201.mp4"


def test_it_shows_the_picture(video):
    response = ask(video.video_id, "thumbnail")
    assert (response.status_code, response["Content-Type"]) == (200, "image/jpeg")


def test_it_shows_nothing_but_what_it_knows_to_be_harmless(folder):
    (folder / "page.html").write_bytes(b"<script>alert(1)</script>")
    response = ask(filed("page.html").video_id)
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"].startswith("attachment")


class TestTracks:
    """Subtitles, by their language."""

    @pytest.fixture
    def subtitled(self, video, folder) -> Video:
        (folder / "a" / "film.en.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:02.000\nHêllo\n")
        Video.objects.filter(pk=video.pk).update(tracks=[{"language": "en", "file": "a/film.en.vtt"}])
        return video

    @pytest.mark.parametrize("language", ["de", "EN", "en-GB", "..", "x" * 300])
    def test_it_has_nothing_in_another_language(self, subtitled, language):
        assert ask(subtitled.video_id, f"tracks/{language}.vtt").status_code == 404

    def test_it_has_nothing_of_a_file_that_is_gone_or_elsewhere(self, subtitled, folder):
        (folder.parent / "secret").write_bytes(b"WEBVTT")
        for name in ("a/gone.vtt", "../secret", ""):
            Video.objects.filter(pk=subtitled.pk).update(tracks=[{"language": "en", "file": name}])
            assert ask(subtitled.video_id, "tracks/en.vtt").status_code == 404

    @pytest.mark.parametrize("row", BROKEN)
    def test_it_has_nothing_of_what_is_no_track(self, subtitled, row):
        Video.objects.filter(pk=subtitled.pk).update(tracks=row)
        assert ask(subtitled.video_id, "tracks/en.vtt").status_code == 404
        assert ask(subtitled.video_id, "tracks/e_n.vtt").status_code == 404

    def test_it_refuses_strangers_and_other_methods(self, subtitled, settings):
        assert ask(subtitled.video_id, "tracks/en.vtt", method="post").status_code == 405
        settings.PRIVATE = True
        assert ask(subtitled.video_id, "tracks/en.vtt").status_code == 403

    def test_it_answers_text_and_nothing_that_a_browser_would_run(self, subtitled):
        response = ask(subtitled.video_id, "tracks/en.vtt")
        assert (response.status_code, "Hêllo" in response.body.decode()) == (200, True)
        assert response["Content-Type"] == "text/vtt; charset=utf-8"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "sandbox"
        head = ask(subtitled.video_id, "tracks/en.vtt", method="head")
        assert (head.body, head["Content-Length"]) == (b"", str(len(response.body)))


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "/etc/passwd", "link", "a", "", "x\x00y", "n" * 400])
def test_it_never_leaves_the_media_folder(video, folder, name):
    (folder.parent / "secret").write_bytes(b"key")
    (folder / "link").symlink_to(folder.parent / "secret")
    Video.objects.filter(pk=video.pk).update(media_file=name)
    assert ask(video.video_id).status_code == 404


def test_it_serves_no_file_that_no_row_names(video, folder):
    (folder / "other.mp4").write_bytes(b"x")
    for path in ("other.mp4", "../media/other.mp4"):
        assert ask(video.video_id, path).status_code == 404


def test_it_has_nothing_of_what_is_missing(folder):
    video = filed("gone.mp4")
    for what in ("video", "thumbnail"):
        assert ask(video.video_id, what).status_code == 404
    assert ask("nope").status_code == 404


def test_it_refuses_strangers_of_a_private_archive(video, settings):
    settings.PRIVATE = True
    assert ask(video.video_id).status_code == 403
    assert ask("nope").status_code == 403
    user = get_user_model().objects.create_user("ada", password="x")
    assert ask(video.video_id, user=user, range="bytes=0-1").status_code == 206


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_it_refuses_other_methods(video, method):
    assert ask(video.video_id, method=method).status_code == 405


def test_it_answers_an_empty_file(folder):
    (folder / "empty.mp4").touch()
    video = filed("empty.mp4")
    assert ask(video.video_id)["Content-Length"] == "0"
    assert ask(video.video_id, range="bytes=0-").status_code == 416


def test_it_closes_the_file_when_nobody_reads(video):
    async def leave():
        response = await AsyncClient().get(f"/media/{video.video_id}/video")
        chunks = response.streaming_content
        assert await anext(aiter(chunks))
        await chunks.aclose() if hasattr(chunks, "aclose") else None
        response.close()
        await asyncio.sleep(0)

    before = len(list(Path("/proc/self/fd").iterdir()))
    async_to_sync(leave)()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 1
