"""Playable copies on pages: what cannot be played is said at once, the buttons, the bar, and which file is played."""

from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

from downloads.models import PlayableCopy, Queue, Video
from downloads.tests.support.copies import claimed_copy
from downloads.tests.support.factories import complete, reload_video
from downloads.tests.support.users import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "redis_server")]

NO_PICTURE = "Browsers can’t play this kind of file"
NO_SOUND = "Browsers can’t play the sound of this file"
BUTTON = "Make a playable copy"


@pytest.fixture
def media_root(settings, tmp_path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


@pytest.fixture
def stored(media_root):
    """Make a complete video whose file is there, with these codecs."""

    def make(name: str = "a.avi", video_codec: str | None = "mpeg4", audio_codec: str | None = "mp3") -> Video:
        video = complete(name.partition(".")[0])
        (media_root / name).write_bytes(b"the original")
        codecs = {"video_codec": video_codec, "audio_codec": audio_codec, "has_video": video_codec != ""}
        Video.objects.filter(pk=video.pk).update(media_file=name, **codecs)
        return reload_video(video)

    return make


@pytest.fixture
def editor(client):
    user = make_user("eve", "editor")
    client.force_login(user)
    return user


def page(client, video: Video) -> str:
    return client.get(video.get_absolute_url()).content.decode()


def act(client, video: Video, action: str, **headers: str):
    return client.post(f"/videos/{video.video_id}/{action}", headers=headers)


def finish(copy: PlayableCopy, media_root: Path, name: str = "a.playable.mp4") -> None:
    (media_root / name).write_bytes(b"the copy")
    assert copy.finish(name, 8, lambda: None, "mp4, h264/aac, 8 B")


@pytest.mark.parametrize(
    ("name", "video_codec", "audio_codec", "has_player", "words"),
    [
        ("a.avi", "mpeg4", "mp3", False, f"{NO_PICTURE}: avi (mpeg4/mp3)."),
        ("a.mp4", "mpeg4", "aac", False, f"{NO_PICTURE}: mp4 (mpeg4/aac)."),
        ("a.mov", "prores", "pcm_s16le", False, NO_PICTURE),
        ("a.wma", "", "wmav2", False, NO_PICTURE),
        ("a.mp4", "h264", "dts", True, f"{NO_SOUND} (dts)."),
        ("a.mp4", "h264", "aac", True, ""),
        ("a.mp4", None, None, True, ""),
        ("a.mkv", "h264", "aac", True, ""),
        ("a.mp4", "hevc", "aac", True, ""),
        ("a.m4a", "", "alac", True, ""),
    ],
)
def test_what_no_browser_plays_is_said_at_once(
    client, editor, stored, name, video_codec, audio_codec, has_player, words
):
    text = page(client, stored(name, video_codec, audio_codec))
    assert ("<video" in text or "<audio" in text) == has_player
    assert words in text
    assert bool(words) == (NO_PICTURE in text or NO_SOUND in text)
    assert BUTTON in text


@pytest.mark.parametrize(
    ("video_codec", "audio_codec", "types"),
    [
        ("hevc", "aac", "video/mp4; codecs=&quot;hvc1.1.6.L120.90&quot;"),
        ("h264", "ac3", "audio/mp4; codecs=&quot;ac-3&quot;"),
        ("hevc 10-bit", "eac3", "L120.90&quot;|audio/mp4; codecs=&quot;ec-3&quot;"),
        ("h264", "aac", None),
        (None, None, None),
    ],
)
def test_the_browser_is_asked_about_codecs_that_some_lack(client, stored, video_codec, audio_codec, types):
    text = page(client, stored("a.mp4", video_codec, audio_codec))
    assert ("data-types" in text) == (types is not None)
    assert (types or "") in text


@pytest.mark.parametrize(("role", "may"), [("viewer", False), ("editor", True), ("manager", True)])
def test_who_may_download_again_may_have_a_copy_made(client, stored, role, may):
    video = stored()
    client.force_login(make_user("eve", role))
    assert (BUTTON in page(client, video)) == may
    assert act(client, video, "make-copy").status_code == (302 if may else 403)
    assert PlayableCopy.objects.exists() == may


def test_it_works_as_a_form_and_live(client, editor, stored):
    video = stored()
    assert act(client, video, "make-copy").url == "/"
    assert "Making a playable copy of Film a." in client.get("/").content.decode()
    response = act(client, video, "make-copy", **{"HX-Request": "true"})
    assert "has a playable copy, one is being made, or" in response.content.decode()
    assert video.video_id in response["HX-Trigger"]


@pytest.mark.parametrize("action", ["make-copy", "cancel-copy", "remove-copy"])
def test_an_unknown_video_is_not_found(client, editor, action):
    assert client.post(f"/videos/unknown/{action}").status_code == 404


def test_the_bar_is_no_bar_of_a_download(client, editor, stored):
    video = stored()
    copy = claimed_copy(video)
    copy.renew_lease(percent=41.9, phase="converting")
    text = page(client, video)
    assert text.count("data-video-id=") == text.count("data-status=") == 1
    assert f'data-copy="copy:{video.video_id}"' in text
    assert 'aria-valuenow="41.9"' in text
    assert ("41 %" in text, "Converting" in text, "cancel-copy" in text) == (True, True, True)
    assert f"/videos/{video.video_id}/make-copy" not in text


def test_cancel_and_try_again(client, editor, stored):
    video = stored()
    act(client, video, "make-copy")
    assert "Waiting to be converted" in page(client, video)
    act(client, video, "cancel-copy")
    text = page(client, video)
    assert ("Waiting to be converted" in text, BUTTON in text) == (False, True)
    act(client, video, "make-copy")
    assert PlayableCopy.claim_next("w").fail("ffmpeg could not convert the file: <b>")
    text = page(client, video)
    assert "ffmpeg could not convert the file: &lt;b&gt;" in text
    assert ("Try again" in text, "Dismiss" in text) == (True, True)
    act(client, video, "remove-copy")
    assert "could not convert" not in page(client, video)[: page(client, video).index("History")]


def test_a_paused_queue_is_said(client, editor, stored):
    act(client, stored(), "make-copy")
    Queue.pause()
    assert "Paused" in page(client, Video.objects.get())
    section = client.get("/activity/").content.decode().partition('data-part="copies"')[2]
    assert "Paused" in section.partition("</li>")[0]


def served(client, video: Video, path: str) -> bytes:
    response = client.get(f"/media/{video.video_id}/{path}")
    assert response.status_code == 200

    async def read() -> bytes:
        return b"".join([chunk async for chunk in response.streaming_content])

    return async_to_sync(read)()


def test_the_copy_is_played_and_the_original_is_saved(client, editor, stored, media_root):
    video = stored()
    assert client.get(f"/media/{video.video_id}/copy").status_code == 404
    finish(claimed_copy(video), media_root)
    text = page(client, video)
    assert f'src="/media/{video.video_id}/copy?v=' in text
    assert f'href="/media/{video.video_id}/video?download=1"' in text
    assert (NO_PICTURE in text, f"{video.video_id}/make-copy" in text) == (False, False)
    assert f"{video.video_id}/remove-copy" in text
    # The size beside the type is that of the original; the copy has its own.
    assert ("<span>603 MB</span>" in text, "8 B" in text) == (True, True)
    assert served(client, video, "copy") == b"the copy"
    assert served(client, video, "video") == b"the original"


def test_a_copy_that_is_gone_leaves_the_original(client, editor, stored, media_root):
    video = stored("a.mkv", "h264", "aac")
    finish(claimed_copy(video), media_root)
    (media_root / "a.playable.mp4").unlink()
    text = page(client, video)
    assert f'src="/media/{video.video_id}/video?v=' in text
    assert f"{video.video_id}/make-copy" in text


def test_activity_lists_what_waits_is_made_and_has_failed(client, editor, stored, django_assert_max_num_queries):
    videos = [stored(f"{name}.avi") for name in "abcd"]
    for video in videos:
        PlayableCopy.request(video)
    PlayableCopy.claim_next("w").fail("No.")
    PlayableCopy.claim_next("w")
    PlayableCopy.objects.get(video=videos[3]).cancel()
    with django_assert_max_num_queries(12):
        text = client.get("/activity/").content.decode()
    section = text.partition('data-part="copies"')[2].partition("</section>")[0]
    assert [section.find(f"Film {name}<") for name in "bca"] == sorted(section.find(f"Film {name}<") for name in "bca")
    assert ("Film d<" in section, "data-video-id" in section) == (False, False)
    assert [section.count(words) for words in ("cancel-copy", "make-copy")] == [4, 2]


def test_other_pages_have_nothing_of_it(client, stored):
    PlayableCopy.request(stored())
    assert "copy:" not in client.get("/").content.decode()
    assert "copies" not in client.get("/activity/?state=failed").content.decode()


def test_the_history_tells(client, editor, stored, media_root):
    video = stored()
    act(client, video, "make-copy")
    finish(PlayableCopy.claim_next("w"), media_root)
    text = page(client, video)
    assert "Playable copy requested by eve" in text
    assert "Playable copy made (mp4, h264/aac, 8 B)" in text
