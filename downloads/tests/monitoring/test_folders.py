"""The health check of the folders."""

import os

import pytest

from downloads.files.volumes import archive_marker
from downloads.models import ArchiveIdentity, Queue
from downloads.monitoring import folders
from downloads.monitoring.results import CheckFailed
from downloads.tests.support.mounts import bind_mounted, remount, small_disk

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment", "redis_server")]


@pytest.fixture(autouse=True)
def always_written(monkeypatch):
    monkeypatch.setattr(folders, "PROBE_INTERVAL_SECONDS", -1.0)


def test_it_says_that_the_media_disk_is_read_only_and_is_well_again(settings):
    with small_disk(settings.MEDIA_ROOT, "1m") as disk:
        remount(disk, is_read_only=True)
        with pytest.raises(CheckFailed, match=r"media folder \(data/media\) is read-only"):
            folders.check_folders()
        remount(disk, is_read_only=False)
        folders.check_folders()


def test_it_says_that_the_media_disk_is_full(settings):
    with small_disk(settings.MEDIA_ROOT, "1m") as disk:
        (disk / "film.mp4").write_bytes(bytes(2**20))
        with pytest.raises(CheckFailed, match="is full"):
            folders.check_folders()


def test_it_says_that_the_media_disk_is_not_mounted(settings, tmp_path):
    ArchiveIdentity.objects.create(pk=1, archive_id="one", is_marked=True)
    archive_marker.write_marker(settings.MEDIA_ROOT, "one")
    folders.check_folders()
    (tmp_path / "empty").mkdir()
    with (
        bind_mounted(settings.MEDIA_ROOT, tmp_path / "empty"),
        pytest.raises(CheckFailed, match=r"Is its disk mounted\?"),
    ):
        folders.check_folders()
    folders.check_folders()


@pytest.mark.parametrize("name", ["DATA", "MEDIA_ROOT"])
def test_it_says_that_a_folder_is_gone_or_lost_its_permission(settings, tmp_path, name):
    folder = tmp_path / "folder"
    setattr(settings, name, folder)
    with pytest.raises(CheckFailed, match="is missing"):
        folders.check_folders()
    folder.mkdir(mode=0o500)
    user_id = os.geteuid()
    tmp_path.chmod(0o755)
    if not user_id:
        os.seteuid(65534)
    try:
        problem = folders.find_problem("")
    finally:
        os.seteuid(user_id)
    assert "permission is missing" in problem


def test_it_passes_on_what_a_worker_says():
    Queue.hold("another machine", "The work folder (data/work) is read-only.", 30)
    with pytest.raises(CheckFailed, match=r"The work folder \(data/work\) is read-only."):
        folders.check_folders()
    Queue.release_hold("another machine", "Mended")
    folders.check_folders()
