"""Deleting while the media folder is not the archive's: refused, and nothing is lost."""

import pytest

from downloads.files import trash
from downloads.files.volumes import archive_marker
from downloads.models import ArchiveIdentity, Video
from downloads.models.removal import RemovalError
from downloads.tests.support.mounts import bind_mounted, remount, small_disk
from downloads.tests.support.removal import is_gone, is_intact

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


@pytest.fixture
def marked_video(video_with_files, settings):
    ArchiveIdentity.objects.create(pk=1, archive_id="one", is_marked=True)
    archive_marker.write_marker(settings.MEDIA_ROOT, "one")
    return video_with_files


def test_it_refuses_while_the_disk_is_not_mounted(marked_video, settings, tmp_path):
    (tmp_path / "empty").mkdir()
    with bind_mounted(settings.MEDIA_ROOT, tmp_path / "empty"):
        with pytest.raises(RemovalError, match="its disk may not be mounted"):
            marked_video.remove()
        with pytest.raises(RemovalError):
            Video.objects.all().delete()
        assert Video.objects.get() == marked_video
        assert list(settings.MEDIA_ROOT.iterdir()) == []
    assert is_intact(marked_video)
    assert marked_video.remove()
    assert is_gone(marked_video)


def test_it_refuses_in_the_folder_of_another_archive(marked_video, settings):
    archive_marker.write_marker(settings.MEDIA_ROOT, "two")
    with pytest.raises(RemovalError, match="not the right one"):
        marked_video.remove()
    assert is_intact(marked_video)


def test_interrupted_removals_wait_for_the_right_folder(marked_video, settings):
    trash.move_to_trash(marked_video.video_id)
    trash.list_trashed_ids()
    archive_marker.write_marker(settings.MEDIA_ROOT, "two")
    Video.objects.finish_interrupted_removals()
    assert trash.list_trashed_ids() == [marked_video.video_id]
    archive_marker.write_marker(settings.MEDIA_ROOT, "one")
    Video.objects.finish_interrupted_removals()
    assert is_intact(marked_video)


def test_it_says_that_the_disk_is_read_only(marked_video, settings):
    with small_disk(settings.MEDIA_ROOT, "1m"):
        archive_marker.write_marker(settings.MEDIA_ROOT, "one")
        (settings.MEDIA_ROOT / marked_video.video_id).mkdir()
        remount(settings.MEDIA_ROOT, is_read_only=True)
        with pytest.raises(RemovalError, match=r"cannot be moved \(Read-only file system\)"):
            marked_video.remove()
        assert Video.objects.get() == marked_video
