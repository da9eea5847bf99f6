"""Removal of leftover folders."""

import pytest

from downloads.files import media_folder
from downloads.models import StoredFiles, Video
from downloads.worker.folders.orphaned_files import remove_orphaned_files

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


class TestCleanup:
    """Folders that a crash left in the library."""

    def put(self, settings, name):
        (settings.MEDIA_ROOT / name).mkdir(parents=True)
        (settings.MEDIA_ROOT / name / "a.mp4").touch()

    def test_it_removes_files_that_were_placed_for_nothing(self, settings, redis_server):
        videos = [Video.objects.ingest(f"http://{n}/", f"http://{n}/")[0] for n in "abc"]
        for video in videos:
            self.put(settings, video.video_id)
        self.put(settings, f"{media_folder.INCOMING_FOLDER}/{videos[0].video_id}")
        self.put(settings, "not-of-this-database")
        videos[0].cancel()
        claimed = Video.objects.claim("w")
        claimed.finish(StoredFiles(f"{claimed.video_id}/a.mp4", 1), lambda: None)
        remove_orphaned_files()
        kept = sorted([videos[1].video_id, videos[2].video_id, "not-of-this-database"])
        assert media_folder.list_stored_ids() == kept

    def test_it_exchanges_old_for_new_without_a_gap(self, settings, tmp_path):
        self.put(settings, "abc")
        ready = settings.WORK_ROOT / "ready"
        ready.mkdir()
        (ready / "new.mp4").touch()
        for _ in range(2):
            media_folder.install(ready, "abc")
            assert [path.name for path in (settings.MEDIA_ROOT / "abc").iterdir()] == ["new.mp4"]
        media_folder.remove_replaced(ready)
        assert list(settings.WORK_ROOT.iterdir()) == []
