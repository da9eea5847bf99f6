"""The making of a playable copy, with real files: what is kept, what is stored, and how it fails."""

import collections
import errno
import hashlib
import shutil
from pathlib import Path

import pytest
from django.conf import settings

from downloads.files import ffmpeg, media_folder, workspace
from downloads.files.codecs import conversion
from downloads.models import PlayableCopy, Queue, Status, Video
from downloads.tests.support.copies import claimed_copy, complete_with_file, stored_video
from downloads.tests.support.factories import reload_video, running
from downloads.worker.copies import making

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


@pytest.fixture(autouse=True)
def _empty_folders():
    yield
    for root in (settings.WORK_ROOT, settings.MEDIA_ROOT):
        shutil.rmtree(root)
        root.mkdir()


def make(video: Video) -> tuple[PlayableCopy, list]:
    """Ask for a copy, make it, and return its row with the reported states."""
    states = []
    making.make_copy(claimed_copy(video), states.append)
    return PlayableCopy.objects.get(pk=video.pk), states


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stored_path(video: Video) -> Path:
    return Path(settings.MEDIA_ROOT) / video.media_file


def write_file(data: bytes, name: str = "film.avi") -> Video:
    video = running("film")
    path = Path(settings.MEDIA_ROOT) / video.video_id / name
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return complete_with_file(video, path)


@pytest.mark.parametrize(
    ("kind", "codecs", "is_identical"),
    [("mkv", ("h264", "aac"), True), ("ac3.mkv", ("h264", "aac"), True), ("avi", ("h264", "aac"), False)],
)
def test_it_makes_an_mp4_and_keeps_the_original_byte_for_byte(kind, codecs, is_identical):
    video = stored_video(kind)
    before = digest(stored_path(video))
    copy, states = make(video)
    assert (copy.status, copy.error, copy.percent) == ("complete", "", 100)
    assert digest(stored_path(video)) == before
    path = media_folder.find_file(copy.file)
    assert path.parent == stored_path(video).parent
    info = ffmpeg.inspect_media(path)
    assert (info.video_codec, info.audio_codec) == codecs
    assert info.duration == pytest.approx(1.0, abs=0.1)
    # The index comes before the data, so that it plays before it is loaded.
    assert path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat")
    assert path.stat().st_mode & 0o777 == settings.MEDIA_MODES.file
    assert (copy.size, reload_video(video).size) == (path.stat().st_size, path.stat().st_size + video.size)
    assert [state.percent for state in states if state.percent is not None] == sorted(
        state.percent for state in states if state.percent is not None
    )
    assert is_identical == (frame_hash(path) == frame_hash(stored_path(video)))
    assert not any(Path(settings.WORK_ROOT).iterdir())
    assert media_folder.list_incoming_ids() == []


def frame_hash(path: Path) -> str:
    """Return a digest of the decoded pictures: the same where the picture was kept as it is."""
    options = ["-map", "0:v:0", "-c:v", "rawvideo", "-f", "md5", "-"]
    return ffmpeg._run_ffmpeg(path, options).stdout.decode()


def test_what_ffmpeg_cannot_read_is_said(caplog):
    copy, _ = make(write_file(b"no video at all" * 1000))
    assert (copy.status, copy.error) == ("failed", making.UNREADABLE_MESSAGE)
    assert "Traceback" not in caplog.text


def test_a_file_that_is_gone_is_said():
    video = stored_video("mkv")
    stored_path(video).unlink()
    copy, _ = make(video)
    assert (copy.status, copy.error) == ("failed", making.FILE_GONE_MESSAGE)


def test_the_reason_of_ffmpeg_is_kept(monkeypatch):
    monkeypatch.setattr(conversion, "VIDEO_ENCODER_OPTIONS", ("-c:v", "no_such_encoder"))
    copy, _ = make(stored_video("avi"))
    assert copy.status == "failed"
    assert conversion.MISSING_ENCODER_MESSAGE in copy.error


def test_it_encodes_all_where_a_track_cannot_be_kept(monkeypatch):
    real = making.convert_media

    def refuse_remux(source, target, plan, on_seconds):
        if plan.is_remux:
            raise conversion.ConversionFailed("no timestamps")
        real(source, target, plan, on_seconds)

    monkeypatch.setattr(making, "convert_media", refuse_remux)
    copy, _ = make(stored_video("mkv"))
    assert copy.status == "complete"


def test_a_full_disk_is_said_before_anything_is_written(settings):
    video = stored_video("avi")
    settings.MIN_FREE_BYTES = shutil.disk_usage(settings.MEDIA_ROOT).total
    copy, _ = make(video)
    assert copy.status == "failed"
    assert copy.error.startswith("There is no room for the copy: it needs about")


def raise_error(error: Exception):
    def convert(*_: object) -> None:
        raise error

    return convert


def test_ffmpegs_word_about_a_full_disk_counts_as_one():
    error = conversion._build_error(collections.deque([b"av_interleaved_write_frame(): No space left on device"]), 1)
    assert (type(error), error.errno) == (OSError, errno.ENOSPC)


def test_a_fault_of_the_folders_holds_the_queue_and_the_copy_waits(monkeypatch):
    monkeypatch.setattr(making, "convert_media", raise_error(OSError(errno.ENOSPC, "No space left on device")))
    copy, _ = make(stored_video("avi"))
    assert (copy.status, copy.attempt, copy.runs) == ("queued", 2, 1)
    assert Queue.get_or_default().is_held
    assert PlayableCopy.claim_next("w") is None


def test_a_killed_program_is_tried_again_and_then_said(monkeypatch):
    monkeypatch.setattr(making, "convert_media", raise_error(ffmpeg.ProgramStopped("ffmpeg was killed by SIGKILL")))
    video = stored_video("avi")
    PlayableCopy.request(video)
    statuses = []
    while job := PlayableCopy.claim_next("w"):
        making.make_copy(job, lambda state: None)
        statuses.append(PlayableCopy.objects.get().status)
    assert statuses == ["queued", "queued", "failed"]
    assert PlayableCopy.objects.get().error == "ffmpeg was killed by SIGKILL."


def test_a_bug_is_logged_and_said_in_general(monkeypatch, caplog):
    monkeypatch.setattr(making, "convert_media", raise_error(RuntimeError("oops")))
    copy, _ = make(stored_video("avi"))
    assert (copy.status, copy.error) == ("failed", making.UNEXPECTED_ERROR_MESSAGE)
    assert "oops" in caplog.text


def test_a_copy_whose_lease_is_lost_is_not_installed():
    video = stored_video("mkv")
    job = claimed_copy(video)
    PlayableCopy.objects.get().cancel()
    making.make_copy(job, lambda state: None)
    assert PlayableCopy.objects.get().status == Status.CANCELLED
    assert [path.name for path in stored_path(video).parent.iterdir()] == ["film.mkv"]


def test_two_processes_do_not_write_to_one_workspace(monkeypatch):
    monkeypatch.setattr(workspace, "LOCK_TIMEOUT_SECONDS", 0.0)
    video = stored_video("mkv")
    with workspace.locked_workspace(making.workspace_name(video.video_id)):
        copy, _ = make(video)
    assert copy.status == "queued"
