"""Interruptions of an attempt: killed programs, too little memory, errors that yt-dlp does not foresee."""

import struct
import subprocess
import zlib

import pytest

from downloads.files import ffmpeg
from downloads.models import MAX_RETRIES, Status
from downloads.tests.support import odd_answers  # noqa: F401 (its routes)
from downloads.worker import attempt
from downloads.worker.download_process import describe_exit
from downloads.ytdlp.errors import error_messages

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment", "redis_server")]

KILLED_MESSAGE = "ffmpeg stopped before the video was finished. Retry."
# One of each kind that is told in words of its own, or without any.
UNFORESEEN = [
    KeyError("url"),
    ConnectionResetError(104, "Connection reset by peer"),
    MemoryError(),
    OSError(12, "Cannot allocate memory"),
    subprocess.CalledProcessError(-9, ["ffmpeg"]),
    StopIteration(),
]
MORE_UNFORESEEN = [
    IndexError("list index out of range"),
    BrokenPipeError(32, "Broken pipe"),
    struct.error("unpack requires a buffer of 4 bytes"),
    zlib.error("Error -3 while decompressing data"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    RecursionError("maximum recursion depth exceeded"),
    AssertionError(),
    EOFError("Compressed file ended before the end-of-stream marker was reached"),
    RuntimeError("can't start new thread"),
    NotImplementedError(),
]


@pytest.fixture
def replace_ffmpeg(monkeypatch, tmp_path):
    """Put an ffmpeg on PATH that is killed wherever the command line matches a pattern of the shell."""

    def replace(pattern, way_to_die="kill -9 $$", last_line=""):
        real_ffmpeg = ffmpeg.find_ffmpeg()
        script = tmp_path / "bin" / "ffmpeg"
        script.parent.mkdir(exist_ok=True)
        script.write_text(
            '#!/bin/sh\ncase "$*" in *-version*|*-bsfs*) exec ' + real_ffmpeg + ' "$@";; '
            f"{pattern}) echo '{last_line}' >&2; {way_to_die};; esac\nexec {real_ffmpeg} \"$@\"\n"
        )
        script.chmod(0o755)
        monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
        return script

    return replace


@pytest.mark.parametrize(
    ("way_to_die", "last_line"),
    [
        pytest.param("kill -9 $$", "", marks=pytest.mark.soak),
        pytest.param("kill -SEGV $$", "", marks=pytest.mark.soak),
        pytest.param("exit 137", "Stream mapping:", marks=pytest.mark.soak),
        ("kill -9 $$", "    title           : Premium members only: sign in, then buy this private video (DRM)"),
    ],
)
def test_an_ffmpeg_killed_while_merging_is_retried(run_attempts, replace_ffmpeg, way_to_die, last_line):
    replace_ffmpeg("*repeat+info*", way_to_die, last_line)
    videos = run_attempts("/separate/index.m3u8")
    assert [video.status for video in videos] == [*[Status.QUEUED] * MAX_RETRIES, Status.FAILED]
    assert videos[-1].error.startswith(KILLED_MESSAGE)


@pytest.mark.parametrize(("pattern", "phase"), [("*-hide_banner*", "streams"), ("*-t?10*", "validation")])
def test_an_ffmpeg_killed_while_it_checks_a_file_says_nothing_about_the_file(
    run_attempts, replace_ffmpeg, pattern, phase
):
    replace_ffmpeg(pattern, "exit 137" if phase == "streams" else "kill -9 $$")
    videos = run_attempts("/clip.mp4")
    assert [video.retry_count for video in videos] == [1, 2, 3, 3]
    assert videos[-1].error == f"{KILLED_MESSAGE}\nffmpeg was killed by SIGKILL"


def test_it_files_a_video_without_a_picture_if_that_is_killed_each_time(run_attempts, replace_ffmpeg):
    replace_ffmpeg("*-frames:v*")
    videos = run_attempts("/clip.mp4")
    assert [video.status for video in videos] == [*[Status.QUEUED] * MAX_RETRIES, Status.COMPLETE]
    assert not videos[-1].thumbnail


def test_a_download_goes_on_when_ffmpeg_is_no_longer_killed(run_attempts, replace_ffmpeg):
    replace_ffmpeg("*repeat+info*", f"rm $0; ln -s {ffmpeg.find_ffmpeg()} $0; kill -9 $$")
    videos = run_attempts("/separate/index.m3u8")
    assert [video.status for video in videos] == [Status.QUEUED, Status.COMPLETE]


@pytest.mark.parametrize(
    "error",
    [*UNFORESEEN, *(pytest.param(error, marks=pytest.mark.soak) for error in MORE_UNFORESEEN)],
    ids=lambda error: type(error).__name__,
)
def test_an_error_that_ytdlp_does_not_foresee_is_retried(download, monkeypatch, media_server, error):
    monkeypatch.setattr("yt_dlp.downloader.http.HttpFD.real_download", _raise(error))
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.retry_count) == (Status.QUEUED, 1)
    assert error_messages.is_transient(video.error)
    assert attempt.UNEXPECTED_ERROR_MESSAGE not in video.error


@pytest.mark.parametrize(
    "method",
    [
        "yt_dlp.extractor.generic.GenericIE._real_extract",
        "yt_dlp.networking.RequestDirector.send",
        pytest.param("yt_dlp.postprocessor.ffmpeg.FFmpegMergerPP.run", marks=pytest.mark.soak),
    ],
)
def test_it_gets_all_tries_wherever_it_is_raised_and_one_traceback(run_attempts, monkeypatch, caplog, method):
    monkeypatch.setattr(method, _raise(LookupError("7 of 19")))
    videos = run_attempts("/hls/index.m3u8" if "Merger" not in method else "/separate/index.m3u8")
    assert [video.retry_count for video in videos] == [1, 2, 3, 3]
    assert "7 of 19" in videos[-1].error
    assert len([record for record in caplog.records if record.exc_info]) == 1


@pytest.mark.parametrize("error", [MemoryError(), ffmpeg.ProgramStopped("ffmpeg was killed by SIGBUS")], ids=repr)
def test_it_is_the_same_in_our_own_code(download, monkeypatch, media_server, error):
    monkeypatch.setattr("downloads.worker.storage.inspection.describe_content", _raise(error))
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.retry_count) == (Status.QUEUED, 1)


@pytest.mark.parametrize("error", [KeyError("ours"), IndexError(), AssertionError()], ids=repr)
def test_a_bug_of_ours_fails_at_once(download, monkeypatch, media_server, error):
    monkeypatch.setattr("downloads.worker.attempt.limits.require_within_limits", _raise(error))
    video = download(media_server.url("/clip.mp4"))
    assert (video.status, video.error) == (Status.FAILED, attempt.UNEXPECTED_ERROR_MESSAGE)


@pytest.mark.parametrize(
    ("exit_status", "reason"),
    [(-9, "killed by SIGKILL"), (-11, "killed by SIGSEGV"), (-40, "killed by signal 40"), (137, "ended with 137")],
)
def test_it_names_the_end_of_a_child(exit_status, reason):
    assert describe_exit(exit_status) == reason


def _raise(error):
    def fail(*args, **kwargs):
        raise error

    return fail
