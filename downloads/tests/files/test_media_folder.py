"""Storing of fetched videos in the media folder."""

import pytest

from downloads.files import media_folder


@pytest.fixture
def staged_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.MEDIA_ROOT.mkdir()
    folder = tmp_path / "work" / "ready"
    folder.mkdir(parents=True)
    (folder / "new.mp4").write_text("new")
    return folder


def test_it_places_a_folder_as_one(staged_folder, settings):
    media_folder.install(staged_folder, "abc")
    assert [path.name for path in (settings.MEDIA_ROOT / "abc").iterdir()] == ["new.mp4"]
    assert not staged_folder.exists()


def test_it_replaces_an_older_folder_whole(staged_folder, settings):
    (settings.MEDIA_ROOT / "abc").mkdir()
    (settings.MEDIA_ROOT / "abc" / "old.mp4").write_text("old")
    media_folder.install(staged_folder, "abc")
    assert [path.name for path in (settings.MEDIA_ROOT / "abc").iterdir()] == ["new.mp4"]


def test_it_places_a_folder_once(staged_folder, settings):
    media_folder.install(staged_folder, "abc")
    media_folder.install(staged_folder, "abc")
    assert (settings.MEDIA_ROOT / "abc" / "new.mp4").read_text() == "new"
