"""The table of media types, and everything derived from it."""

import io
from pathlib import Path

import pytest
from django.core.management import call_command

from downloads.files import containers, media_types
from downloads.tests.support.cases import each_case

EXTENSIONS_BY_CONTENT = {
    extension
    for container in containers.CONTAINERS.values()
    for extension in (container.video, container.audio, *container.aliases)
}
BROWSER_RUNS = {"html", "htm", "xhtml", "svg", "xml", "js", "mjs", "css", "pdf", "swf", "wasm"}


def test_it_has_no_type_that_a_browser_would_run():
    assert not BROWSER_RUNS & {*media_types.MEDIA_TYPES, *media_types.COMPANION_CONTENT_TYPES, *EXTENSIONS_BY_CONTENT}


def test_a_file_of_media_is_never_stored_as_one_of_its_companions():
    assert not EXTENSIONS_BY_CONTENT & {*media_types.COMPANION_CONTENT_TYPES, "json", "srt"}


def test_its_extensions_are_lower_case_without_a_dot():
    extensions = {*media_types.MEDIA_TYPES, *EXTENSIONS_BY_CONTENT}
    assert all(extension.isalnum() and extension == extension.lower() for extension in extensions)


def test_the_audio_extensions_are_those_of_the_generated_column():
    # The migrations hold exactly these, in this order.
    assert media_types.AUDIO_EXTENSIONS == (
        "aac", "ac3", "aif", "aiff", "amr", "ape", "au", "caf", "dsf", "dts", "eac3", "flac", "m4a", "m4b", "mka",
        "mp2", "mp3", "mpc", "oga", "ogg", "opus", "ra", "spx", "tta", "wav", "weba", "wma", "wv",
    )  # fmt: skip


@pytest.mark.django_db
def test_the_models_need_no_migration():
    call_command("makemigrations", "--check", "--dry-run", stdout=io.StringIO())


@each_case("extension", media_types.MEDIA_TYPES)
def test_an_audio_type_has_an_audio_content_type_and_a_video_type_a_video_one(extension):
    media_type = media_types.MEDIA_TYPES[extension]
    if media_type.content_type:
        assert media_type.content_type.startswith("audio/" if media_type.is_audio else "video/")


@each_case(
    ("name", "content_type"),
    [
        ("a.MP4", "video/mp4"),
        ("a.ogg", "audio/ogg"),
        ("a.avi", "application/octet-stream"),
        ("a.html", "application/octet-stream"),
        ("a", "application/octet-stream"),
        ("a.vtt", "text/vtt; charset=utf-8"),
        ("a.jpg", "image/jpeg"),
    ],
)
def test_a_content_type_follows_from_the_suffix(name, content_type):
    assert media_types.get_content_type(Path(name)) == content_type


@pytest.mark.parametrize(
    ("name", "expected"), [("a.webm", True), ("a.OGG", True), ("a.mp4", False), ("a.m4a", False), ("a", False)]
)
def test_only_webm_and_ogg_leave_open_that_there_is_no_video(name, expected):
    assert media_types.may_lack_video(Path(name)) is expected


@pytest.mark.parametrize("kind", ["jpg", "png", "webp"])
def test_a_thumbnail_type_has_a_content_type(kind):
    assert kind in media_types.THUMBNAIL_SIGNATURES
    assert f".{kind}" in media_types.CONTENT_TYPES
