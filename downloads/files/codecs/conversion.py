"""Conversion of a media file into one that browsers play, by ffmpeg, with its progress."""

import collections
import errno
import subprocess
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from downloads.files import ffmpeg
from downloads.files.codecs.copy_plan import CopyPlan

MAX_PICTURE_SIDE_PIXELS = 1920
# Pictures that are marked as interlaced are made whole ones. Both sides are even, as the pixel format needs.
PICTURE_FILTER = (
    f"yadif=deint=interlaced,scale=w='min({MAX_PICTURE_SIDE_PIXELS},iw)':h='min({MAX_PICTURE_SIDE_PIXELS},ih)'"
    ":force_original_aspect_ratio=decrease:force_divisible_by=2"
)
VIDEO_ENCODER_OPTIONS = (
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "21", "-profile:v", "high", "-pix_fmt", "yuv420p"),
    *("-vf", PICTURE_FILTER),
)
AUDIO_ENCODER_OPTIONS = ("-c:a", "aac", "-b:a", "160k", "-ac", "2")
OUTPUT_OPTIONS = (
    # Without cover art, further tracks, subtitles (which have files of their own) and tags of the file.
    *("-map", "0:V:0?", "-map", "0:a:0?", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"),
    # The index first, so that a browser can play and seek before it has the whole file.
    *("-max_muxing_queue_size", "4096", "-strict", "-2", "-f", "mp4", "-movflags", "+faststart"),
    *("-progress", "pipe:1", "-nostats"),
)
INPUT_OPTIONS = ("-max_pixels", "36000000")
MISSING_ENCODER_MESSAGE = "This server’s ffmpeg can’t write H.264 video. Install one with libx264."
MISSING_ENCODER_WORDS = ("Unknown encoder", "Encoder not found")
FULL_DISK_WORDS = "No space left on device"
TIME_KEY = "out_time_us="


class ConversionFailed(Exception):
    """ffmpeg could not convert a file; the message is its last line."""


def convert_media(source: Path, target: Path, plan: CopyPlan, on_seconds: Callable[[float], None]) -> None:
    """Write `target` as the plan says; call `on_seconds` with the length of what is written, twice a second.

    Raise ConversionFailed, OSError on a full disk, or ProgramStopped if ffmpeg was killed. What `on_seconds` raises
    ends ffmpeg.
    """
    options = [
        *(VIDEO_ENCODER_OPTIONS if plan.encodes_video else ("-c:v", "copy")),
        *(AUDIO_ENCODER_OPTIONS if plan.encodes_audio else ("-c:a", "copy")),
        *OUTPUT_OPTIONS,
    ]
    with tempfile.TemporaryDirectory(prefix="ytarchive-") as folder:
        command = ffmpeg.build_command(source, Path(folder), INPUT_OPTIONS, [*options, "-y", f"file:{target}"])
        error_lines: collections.deque[bytes] = collections.deque(maxlen=1)
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                _follow(process, error_lines, on_seconds)
            except BaseException:
                process.kill()
                raise
    ffmpeg.require_exit("ffmpeg", process.returncode)
    if process.returncode:
        raise _build_error(error_lines, process.returncode)


def _follow(
    process: "subprocess.Popen[bytes]", error_lines: "collections.deque[bytes]", on_seconds: Callable[[float], None]
) -> None:
    """Read ffmpeg's progress to its end; a thread takes its errors, so that neither pipe fills up."""
    assert process.stdout is not None  # noqa: S101 - for the type
    reader = threading.Thread(target=_collect, args=(process.stderr, error_lines), name="ffmpeg-errors", daemon=True)
    reader.start()
    for line in process.stdout:
        value = line.decode("ascii", "replace").strip().removeprefix(TIME_KEY)
        if line.startswith(TIME_KEY.encode()) and value.isdigit():  # "N/A" before the first frame
            on_seconds(int(value) / 1e6)
    process.wait()
    reader.join()


def _collect(stream: "IO[bytes]", lines: "collections.deque[bytes]") -> None:
    lines.extend(line for line in stream if line.strip())


def _build_error(error_lines: "collections.deque[bytes]", exit_status: int) -> Exception:
    line = b"".join(error_lines).decode("utf-8", "replace").strip()[: ffmpeg.MAX_ERROR_CHARACTERS]
    if FULL_DISK_WORDS in line:
        return OSError(errno.ENOSPC, line)
    if any(words in line for words in MISSING_ENCODER_WORDS):
        return ConversionFailed(MISSING_ENCODER_MESSAGE)
    return ConversionFailed(line or f"ffmpeg ended with {exit_status}")
