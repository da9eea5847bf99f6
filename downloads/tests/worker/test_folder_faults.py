"""Faults of the folders, met by real attempts: they hold the queue, and no video fails."""

import errno
import logging
import os
import shutil
import threading

import pytest

from downloads.files import media_folder, partial_file, workspace
from downloads.files.volumes import archive_marker, errors, probe
from downloads.models import ArchiveIdentity, Queue, Status, Video
from downloads.tests.support.mounts import bind_mounted, remount, small_disk, unmount
from downloads.tests.support.waiting import wait_until
from downloads.worker import supervisor
from downloads.worker.folders import faults, monitor
from downloads.worker.folders.orphaned_files import remove_orphaned_files
from downloads.ytdlp.errors import conversion
from downloads.ytdlp.selected_ytdlp import YoutubeDLError

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment", "redis_server")]


@pytest.fixture(autouse=True)
def looks_are_waited_for(monkeypatch):
    monkeypatch.setattr(monitor, "USUAL_LOOK_SECONDS", 10.0)


@pytest.fixture
def folder_monitor():
    """A monitor whose looks are waited for."""
    watcher = monitor.FolderMonitor()

    def check():
        watcher.check(is_busy=True)
        wait_until(lambda: not watcher._look.is_running, "the look has ended")
        watcher.check(is_busy=True)
        return watcher.problem

    watcher.look = check
    yield watcher
    # Before the database of this test is emptied.
    wait_until(lambda: not watcher._cleanup.is_running, "the cleanup has ended")


def complete_file(video, settings):
    assert (video.status, video.error) == (Status.COMPLETE, "")
    return (settings.MEDIA_ROOT / video.media_file).read_bytes()


# Mounts: number of file systems and mounts does not matter ------------------------------------------


@pytest.mark.parametrize("mounted", ["MEDIA_ROOT", pytest.param("WORK_ROOT", marks=pytest.mark.soak)])
def test_it_stores_a_video_across_two_mounts_of_one_disk(download, media_server, settings, mounted):
    with bind_mounted(getattr(settings, mounted)):
        assert settings.MEDIA_ROOT.stat().st_dev == settings.WORK_ROOT.stat().st_dev
        phases = []
        video = download(media_server.url("/clip.mp4"), lambda state: phases.append(state.phase))
        assert complete_file(video, settings) == media_server.clip
        assert phases[-1] == "saving"
        assert video.redownload()
        again = download(media_server.url("/clip.mp4"))
        assert complete_file(again, settings) == media_server.clip
        assert media_folder.list_stored_ids() == [video.video_id]
        assert list(settings.WORK_ROOT.iterdir()) == []
        assert [path.name for path in (settings.MEDIA_ROOT / media_folder.INCOMING_FOLDER).iterdir()] == []
        assert again.remove()
        assert media_folder.list_stored_ids() == []


@pytest.mark.parametrize("folder", ["WORK_ROOT", pytest.param("MEDIA_ROOT", marks=pytest.mark.soak)])
def test_it_stores_a_video_on_another_file_system(download, media_server, settings, folder):
    with small_disk(getattr(settings, folder), "64m"):
        assert complete_file(download(media_server.url("/separate/index.m3u8")), settings)


# Faults ---------------------------------------------------------------------------------------------


@pytest.fixture
def media_disk(settings):
    """The media folder as a disk of its own."""
    with small_disk(settings.MEDIA_ROOT, "64m") as folder:
        yield folder


def break_full(folder):
    (folder / "ballast").write_bytes(bytes(shutil.disk_usage(folder).free))


def mend_full(folder):
    (folder / "ballast").unlink()


FAULTS = {
    "full": (break_full, mend_full, faults.DISK_FULL_MESSAGE),
    "read-only": (
        lambda folder: remount(folder, is_read_only=True),
        lambda folder: remount(folder, is_read_only=False),
        "The media folder (data/media) is read-only",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_media_disk_pauses_the_queue(
    fault, download, media_server, settings, media_disk, folder_monitor, monkeypatch
):
    break_disk, mend_disk, sentence = FAULTS[fault]
    stage = media_folder.stage
    monkeypatch.setattr(media_folder, "stage", lambda *args: break_disk(media_disk) or stage(*args))
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.retry_count, video.error) == (Status.QUEUED, 0, "")
    assert sentence in Queue.get_or_default().blocked_reason
    assert not list(media_disk.glob(".incoming/*"))
    assert "Nothing new starts" in folder_monitor.look()
    assert Queue.get_or_default().is_held
    assert not Video.objects.claimable().exists()
    mend_disk(media_disk)
    assert folder_monitor.look() == ""
    monkeypatch.setattr(media_folder, "stage", stage)
    # The attempt's own hold, which a look does not release, ends by itself.
    Queue.objects.update(held_until=None)
    assert complete_file(download(video.url), settings) == media_server.clip


def test_a_media_folder_that_is_gone_pauses_the_queue(download, media_server, settings, folder_monitor):
    settings.MEDIA_ROOT.rename(settings.MEDIA_ROOT.with_name("away"))
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.retry_count) == (Status.QUEUED, 0)
    assert "The media folder (data/media) is missing" in Queue.get_or_default().blocked_reason
    assert "is missing" in folder_monitor.look()
    settings.MEDIA_ROOT.with_name("away").rename(settings.MEDIA_ROOT)
    assert folder_monitor.look() == ""


OTHER_FAULTS = [
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.ESTALE,
    errno.ENOTCONN,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENODEV,
    errno.EMEDIUMTYPE,
    errno.ENOMEDIUM,
    errno.ETIMEDOUT,
    errno.ENOLCK,
]


@pytest.mark.parametrize("number", OTHER_FAULTS, ids=errno.errorcode.get)
def test_any_fault_pauses_the_queue_and_burns_no_try(number):
    video, _ = Video.objects.ingest("http://a.example/", "http://a.example/")
    video = Video.objects.claim("test")
    error = OSError(number, os.strerror(number), "/data/media/x")
    sentence = faults.find_fault(error)
    assert sentence.startswith("The ")
    assert "Nothing new starts" in sentence
    faults.pause_for_fault(faults.LeasedVideo(video), error, sentence)
    video.refresh_from_db()
    assert (video.status, video.retry_count, video.not_before) == (Status.QUEUED, 0, None)
    assert Queue.get_or_default().blocked_reason == video.events.last().reason == sentence


def test_a_fault_that_only_one_video_meets_does_not_hold_up_the_others():
    """A damaged sector below one partial file, for example: a look at the folders finds nothing."""
    Video.objects.ingest("http://a.example/", "http://a.example/")
    delays = []
    for _ in range(3):
        Queue.objects.update(held_until=None)
        Video.objects.update(not_before=None)
        video = Video.objects.claim("test")
        error = OSError(errno.EIO, os.strerror(errno.EIO))
        faults.pause_for_fault(faults.LeasedVideo(video), error, faults.find_fault(error))
        video.refresh_from_db()
        delays.append(video.not_before and (video.not_before - video.events.last().at).total_seconds())
    assert delays[0] is None
    assert 50 < delays[1] < delays[2]
    assert video.retry_count == 0


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError(errno.ENOENT, "No such file", "/nowhere/x"),  # a mistake: the folders are well
        PermissionError(errno.EACCES, "Permission denied", "/nowhere/x"),
        ConnectionResetError(errno.ECONNRESET, "reset"),
        ConnectionRefusedError(errno.ECONNREFUSED, "refused"),
        TimeoutError("timed out"),
        OSError("without a number"),
        ValueError("no number at all"),
    ],
    ids=repr,
)
def test_other_errors_are_no_fault_of_the_folders(error):
    assert faults.find_fault(error) == ""


@pytest.mark.parametrize(
    ("message", "number"),
    [
        ("unable to write data: [Errno 28] No space left on device", errno.ENOSPC),
        ("\x1b[0;31mERROR:\x1b[0m unable to write data: [Errno 30] Read-only file system", errno.EROFS),
        ("ERROR: unable to open for writing: [Errno 5] Input/output error: '/x.part'", errno.EIO),
        ("unable to open for writing: [Errno 13] Permission denied: '/x.part'", errno.EACCES),
        ("ERROR: Unable to download video: [Errno 116] Stale file handle", errno.ESTALE),
        ("ERROR: Unable to create directory: [Errno 30] Read-only file system", errno.EROFS),
        ("ERROR: Postprocessing: Error writing trailer: Input/output error", errno.EIO),
        ("ERROR: Postprocessing: Error opening output: Disk quota exceeded", errno.EDQUOT),
        ("ERROR: unable to write data: [Errno 110] Connection timed out", errno.ETIMEDOUT),
        ("ERROR: unable to write data: [Errno 27] File too large", errno.EFBIG),
    ],
)
def test_what_yt_dlp_says_about_the_disk_is_a_fault(message, number):
    assert conversion._convert(YoutubeDLError(message)).errno == number


@pytest.mark.parametrize(
    "message",
    [
        "ERROR: [site] 123: The site said: [Errno 28] No space left on device",  # a stranger's words
        "ERROR: [generic] Unable to download webpage: <urlopen error [Errno 110] Connection timed out>",
        "ERROR: unable to download video data: [Errno 104] Connection reset by peer",
        "ERROR: unable to download video data: [Errno 110] Connection timed out",
        "ERROR: unable to download video data: HTTP Error 503: Service Unavailable",
    ],
)
def test_what_yt_dlp_says_about_the_network_is_none(message):
    assert not isinstance(conversion._convert(YoutubeDLError(message)), OSError)


def test_the_cause_counts_where_the_message_has_no_number():
    error = YoutubeDLError("Cannot write video metadata to JSON file x")
    error.__cause__ = OSError(errno.EROFS, os.strerror(errno.EROFS))
    assert conversion._convert(error).errno == errno.EROFS


def test_a_file_too_large_for_its_file_system_fails_in_words(download, media_server, monkeypatch):
    def too_large(folder):
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))

    monkeypatch.setattr(media_folder, "fsync_folder", too_large)
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.error) == (Status.FAILED, faults.FILE_TOO_LARGE_MESSAGE)


def test_bytes_that_could_not_be_flushed_count(tmp_path, monkeypatch):
    """fsync(2) tells of an error once: the flush of the whole file would succeed."""
    monkeypatch.setattr(partial_file, "FSYNC_INTERVAL_SECONDS", 0.01)

    def fail(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(partial_file, "fsync_path", fail)
    partial = partial_file.PartialFile(tmp_path / "a.mp4", "1", is_fragmented=False)
    partial.path.touch()
    partial.__enter__()
    wait_until(lambda: partial._fsync_error, "a flush has failed")
    with pytest.raises(OSError, match="Input/output"):
        partial.__exit__(None, None, None)


def test_gained_bytes_of_a_broken_folder_are_none(settings):
    (settings.WORK_ROOT / "abc").touch()
    assert not workspace.has_gained_bytes("abc")


# Looks ----------------------------------------------------------------------------------------------


def test_a_look_writes_and_leaves_nothing(settings, folder_monitor):
    assert folder_monitor.look() == ""
    assert folder_monitor.is_well
    assert [*settings.MEDIA_ROOT.iterdir(), *settings.WORK_ROOT.iterdir()] == []


def test_a_look_notices_a_permission_that_was_lost(settings, folder_monitor):
    user_id = os.geteuid()
    settings.MEDIA_ROOT.chmod(0o500)
    if not user_id:
        os.seteuid(65534)
    try:
        problem = probe.find_problem("")
    finally:
        os.seteuid(user_id)
        settings.MEDIA_ROOT.chmod(0o700)
    assert "permission is missing" in problem


def test_a_look_that_hangs_delays_nothing_else(monkeypatch, folder_monitor):
    """As on a share whose server is away: the call never returns."""

    server_is_back = threading.Event()
    monkeypatch.setattr(probe, "find_problem", lambda *_, **__: "" * server_is_back.wait(30))
    monkeypatch.setattr(monitor, "USUAL_LOOK_SECONDS", 0.01)
    monkeypatch.setattr(monitor, "LOOK_TIMEOUT_SECONDS", 0.05)
    folder_monitor.check(is_busy=True)
    assert not folder_monitor.is_well, "nothing is claimed before the first look has ended"
    wait_until(lambda: folder_monitor.check(is_busy=True) or folder_monitor.problem, "it is late")
    assert folder_monitor.problem == Queue.get_or_default().blocked_reason == probe.HANGING_SENTENCE
    server_is_back.set()
    assert folder_monitor.look() == ""


def test_a_worker_survives_a_folder_that_is_gone(settings, caplog):
    worker = supervisor.Supervisor(1)
    away = settings.MEDIA_ROOT.with_name("away")
    settings.MEDIA_ROOT.rename(away)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            worker._check_folders()
    assert not worker._folders.is_well
    assert len([record for record in caplog.records if "is missing" in record.message]) == 1
    away.rename(settings.MEDIA_ROOT)
    worker._check_folders()
    assert worker._folders.is_well


def test_a_worker_is_ready_although_a_folder_cannot_be_used(settings):
    Video.objects.ingest("http://a.example/", "http://a.example/")
    settings.MIN_FREE_BYTES = 10**18
    worker = supervisor.Supervisor(1)
    worker._check_folders()
    worker._claim_videos()
    assert worker._is_ready
    assert Video.objects.get().status == Status.QUEUED


# The wrong folder -----------------------------------------------------------------------------------


@pytest.fixture
def marked_archive(settings):
    """An archive whose media folder, a disk of its own, carries its id."""
    ArchiveIdentity.objects.create(pk=1, archive_id="one", is_marked=True)
    with small_disk(settings.MEDIA_ROOT, "64m"):
        archive_marker.write_marker(settings.MEDIA_ROOT, "one")
        yield settings.MEDIA_ROOT


def test_nothing_is_claimed_while_the_disk_is_not_mounted(marked_archive, folder_monitor):
    assert folder_monitor.look() == ""
    with bind_mounted(marked_archive.with_name("work"), marked_archive):  # keeps the disk while it is "away"
        unmount(marked_archive)
        assert "Is its disk mounted?" in folder_monitor.look()
        assert Queue.get_or_default().is_held
        with bind_mounted(marked_archive, marked_archive.with_name("work")):
            assert folder_monitor.look() == ""
            assert not Queue.get_or_default().is_held


def test_a_video_never_becomes_complete_in_the_wrong_folder(marked_archive, download, media_server):
    def unmount_once(state):
        if (marked_archive / archive_marker.MARKER_FILE).exists():
            unmount(marked_archive)

    video = download(media_server.url("/slow/a.mp4?rate=600000"), unmount_once)
    assert (video.status, video.retry_count) == (Status.QUEUED, 0)
    assert "Is its disk mounted?" in Queue.get_or_default().blocked_reason
    assert list(marked_archive.iterdir()) == []


def test_the_folder_is_checked_as_the_last_thing(marked_archive, download, media_server, monkeypatch):
    stage = media_folder.stage

    def stage_and_unmount(*args):
        staged = stage(*args)
        archive_marker.write_marker(marked_archive, "of another archive")
        return staged

    monkeypatch.setattr(media_folder, "stage", stage_and_unmount)
    video = download(media_server.url("/clip.mp4"))
    assert video.status == Status.QUEUED
    assert "belongs to another archive" in video.events.last().reason
    assert not (marked_archive / video.video_id).exists()


def test_orphans_are_not_swept_in_the_wrong_folder(marked_archive):

    archive_marker.write_marker(marked_archive, "two")
    (marked_archive / media_folder.INCOMING_FOLDER / "abc").mkdir(parents=True)
    remove_orphaned_files()
    assert media_folder.list_incoming_ids() == ["abc"]
    archive_marker.write_marker(marked_archive, "one")
    remove_orphaned_files()
    assert media_folder.list_incoming_ids() == []


def test_sentences_fit_into_a_hold():
    for number in (*errors.FAULT_WORDS, *errors.FOLDER_WORDS, 9999):
        sentence = errors.describe_os_error(OSError(number, "x" * 1000), probe.MEDIA_LABEL)
        assert len(sentence) <= 500
        assert "  " not in sentence
