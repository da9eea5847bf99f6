"""The backfill of codecs and dimensions: which files are next, what is saved, and what is left alone."""

import shutil
from pathlib import Path

import pytest
from django.conf import settings

from downloads.files import ffmpeg
from downloads.models import Video
from downloads.tests.support.copies import stored_video
from downloads.tests.support.factories import create_videos, reload_video, waiting
from downloads.worker.processes.launcher import Launcher
from downloads.worker.storage import media_probe_runner
from downloads.worker.storage.media_probe import probe_stored_media
from downloads.worker.storage.media_probe_runner import MediaProbeRunner

pytestmark = [pytest.mark.django_db]
UNKNOWN = dict.fromkeys(("has_video", "width", "height", "video_codec", "audio_codec"))


@pytest.fixture
def old_video():
    """A video whose columns were not there when it was stored."""
    video = stored_video("avi")
    Video.objects.update(**UNKNOWN)
    yield reload_video(video)
    shutil.rmtree(settings.MEDIA_ROOT / video.video_id, ignore_errors=True)


def test_it_saves_what_is_in_a_file(old_video):
    probe_stored_media([old_video.pk, 10**6])
    video = reload_video(old_video)
    assert (video.video_codec, video.audio_codec, video.has_video) == ("mpeg4", "mp2", True)
    assert (video.width, video.height) == (320, 240)


def test_what_cannot_be_read_stays_unknown(old_video, monkeypatch):
    path = Path(settings.MEDIA_ROOT) / old_video.media_file
    path.write_bytes(b"nothing")
    probe_stored_media([old_video.pk])
    path.unlink()
    probe_stored_media([old_video.pk])

    def stop(_: Path) -> None:
        raise ffmpeg.ProgramStopped("ffmpeg was killed by SIGKILL")

    path.write_bytes(b"nothing")
    monkeypatch.setattr(ffmpeg, "inspect_media", stop)
    probe_stored_media([old_video.pk])
    assert reload_video(old_video).video_codec is None


def test_a_file_that_was_replaced_meanwhile_is_not_described_by_the_older_one(old_video, monkeypatch):
    real = ffmpeg.inspect_media

    def replace(path: Path):
        Video.objects.update(media_file="another.mp4")
        return real(path)

    monkeypatch.setattr(ffmpeg, "inspect_media", replace)
    probe_stored_media([old_video.pk])
    assert reload_video(old_video).video_codec is None


def test_it_goes_once_through_the_archive_in_parts(monkeypatch):
    monkeypatch.setattr(media_probe_runner, "ROWS_PER_PROCESS", 4)
    create_videos(5, **UNKNOWN)
    create_videos(3, video_codec="", audio_codec="aac")
    create_videos(1, media_file="", is_list=True)
    waiting("w")
    runner = MediaProbeRunner(Launcher())
    runner._last_pk = Video.objects.order_by("pk").values_list("pk", flat=True)[0] - 1
    taken = []
    while not runner._is_done:
        taken.append(runner.take_next())
    assert [len(part) for part in taken] == [4, 1, 0]
    assert [pk for part in taken for pk in part] == sorted(
        Video.objects.filter(video_codec=None, media_file="v/v.mp4").values_list("pk", flat=True)
    )
