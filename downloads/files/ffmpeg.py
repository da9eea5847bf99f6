"""ffmpeg and the other programs that yt-dlp needs: their paths, and what ffmpeg reads from media files."""

import dataclasses
import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import imageio_ffmpeg
from django.conf import settings

from downloads.files.codecs.stream_description import parse_description, parse_frame_rate
from downloads.files.containers import ALLOWED_DEMUXERS, MediaInfo

READ_TIMEOUT_SECONDS = 60
MAX_ERROR_CHARACTERS = 400  # of a line, which may have text of the file
# 8K video has 33 million pixels; a cover may declare billions. One thread, as each holds frames of its own.
FRAME_DECODER_OPTIONS = ("-max_pixels", "36000000", "-threads", "1")
# Where a frame is extracted: the first that yields one. A cover of an audio file has no place to seek to.
FRAME_SEEK_OPTIONS = (("-ss", "3"), ())
# Of each input.
WHITELIST_OPTIONS = ("-protocol_whitelist", "file", "-format_whitelist", ALLOWED_DEMUXERS)
SAFE_INPUT_OPTIONS = ("-nostdin", "-v", "error", *WHITELIST_OPTIONS)
VALIDATION_OPTIONS = ("-map", "0:v?", "-map", "0:a?", "-t", "10", "-c", "copy", "-f", "null", "-")
FRAME_OPTIONS = ("-frames:v", "1", "-vf", "scale='min(1280,iw)':-2", "-q:v", "2", "-y")

# After the description of the first input: lines with tags of the file are indented.
FIRST_INPUT_END_PATTERN = re.compile(r"^(?:Input #1|Stream mapping|Output #0)", re.MULTILINE)
PROGRESS_PATTERN = re.compile(r"^(frame|out_time_us)=(\d+)$", re.MULTILINE)  # of `-progress`; the last of each counts
SHELL_SIGNAL_OFFSET = 128  # a shell ends with this and the signal's number when what it ran was killed
# Those that end a program without its doing: other exit statuses from 128 on are ffmpeg's own errors.
KILLING_SIGNALS = (
    *(signal.SIGILL, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM),
    *(signal.SIGXCPU, signal.SIGXFSZ, signal.SIGSYS),
)
SHELL_EXIT_STATUSES = {SHELL_SIGNAL_OFFSET + number for number in KILLING_SIGNALS}


class ProgramStopped(Exception):
    """A program was killed, or took too long: nothing is known about its file. The message is a sentence's part."""


def find_ffmpeg() -> str | None:
    """Return the path of ffmpeg on PATH, else of the one in the package imageio-ffmpeg; None if there is neither."""
    return shutil.which("ffmpeg") or _bundled_ffmpeg()


@functools.cache
def _bundled_ffmpeg() -> str | None:
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:  # the package has no binary for this platform
        return None


def build_search_path() -> str:
    """Return the PATH for downloads: the ffmpeg wrapper, the tools of the virtual environment, then PATH."""
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    if ffmpeg_path := find_ffmpeg():
        folders.insert(0, str(_make_wrapper_folder(ffmpeg_path)))
    return os.pathsep.join(folders)


def _make_wrapper_folder(ffmpeg_path: str) -> Path:
    """Return a folder with an `ffmpeg` wrapper that dies with its parent process, where setpriv(1) is available."""
    script = f'#!/bin/sh\nexec {_shell_quote(ffmpeg_path)} "$@"\n'
    if setpriv := shutil.which("setpriv"):
        script = script.replace("exec ", f"exec {_shell_quote(setpriv)} --pdeathsig KILL ")
    folder = settings.CACHE_ROOT / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    if _shell_quote(str(folder / "ffmpeg")) == _shell_quote(ffmpeg_path):
        return Path(folder)
    descriptor, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(script)
    Path(name).chmod(0o755)
    Path(name).replace(folder / "ffmpeg")
    return Path(folder)


def _shell_quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def missing_tool_warnings() -> list[str]:
    """Return a warning for each missing program: what does not work, and what to install."""
    warnings = []
    if not find_ffmpeg():
        warnings.append(
            "ffmpeg was not found: videos whose picture and sound come apart cannot be joined, and files are not "
            "checked. Run `pip install -r requirements.txt`, or install ffmpeg so that it is on PATH."
        )
    if not any(shutil.which(name, path=build_search_path()) for name in ("deno", "node")):
        warnings.append(
            "No JavaScript runtime was found: YouTube and some other sites will not work. "
            "Run `pip install -r requirements.txt` (it brings deno), or install deno or Node.js 20 or newer."
        )
    return warnings


def validation_error(file: Path) -> str:
    """Return the last line of ffmpeg's error for a media file; "" if it is valid, or without ffmpeg.

    Raise ProgramStopped if ffmpeg did not come to its end: that says nothing about the file.
    """
    try:
        process = _run_ffmpeg(file, VALIDATION_OPTIONS)
    except subprocess.TimeoutExpired as error:
        raise ProgramStopped(f"ffmpeg did not get through the file within {READ_TIMEOUT_SECONDS} s") from error
    if process is None or process.returncode == 0:
        return ""
    lines = process.stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:MAX_ERROR_CHARACTERS] if lines else f"ffmpeg ended with {process.returncode}"


@dataclasses.dataclass(frozen=True)
class MeasuredDuration:
    """The duration of what is in a file, in seconds: by its timestamps, and by its number of frames.

    The header is no measure: it may promise what is not in the file.
    """

    timestamp_seconds: float
    frame_seconds: float | None  # None without video, or without a frame rate

    def longest_seconds(self) -> float:
        """Return the longer one: timestamps that begin anew, or a varying frame rate, make the other too short."""
        return max(self.timestamp_seconds, self.frame_seconds or 0.0)


def measure_duration(file: Path, timeout_seconds: float = READ_TIMEOUT_SECONDS) -> MeasuredDuration | None:
    """Read a media file to its end and return its duration; None if it cannot be read in time, or without ffmpeg."""
    options = ["-map", "0:v?", "-map", "0:a?", "-c", "copy", "-progress", "pipe:1", "-f", "null", os.devnull]
    try:
        process = _run_ffmpeg(file, options, timeout_seconds=timeout_seconds)
    except subprocess.TimeoutExpired:
        return None
    values = dict(PROGRESS_PATTERN.findall(process.stdout.decode("ascii", "replace"))) if process else {}
    if "out_time_us" not in values:
        return None
    frames_per_second = parse_frame_rate(_read_stream_info(file))
    return MeasuredDuration(
        timestamp_seconds=int(values["out_time_us"]) / 1e6,
        frame_seconds=int(values.get("frame", 0)) / frames_per_second if frames_per_second else None,
    )


def examine_media(file: Path, frame: Path | None) -> MediaInfo | None:
    """Describe and validate a media file, and write a frame of it to `frame`, in one run of ffmpeg.

    None says nothing: one of these failed, and each has to be done alone. A short video may have no frame there.
    """
    second_input: tuple[str, ...] | None = None
    options: tuple[str, ...] = VALIDATION_OPTIONS
    if frame:
        second_input = (*WHITELIST_OPTIONS, *FRAME_DECODER_OPTIONS, *FRAME_SEEK_OPTIONS[0])
        options += ("-map", "1:v:0", *FRAME_OPTIONS, f"file:{frame}")
    try:
        process = _run_ffmpeg(file, options, ("-v", "info", "-hide_banner", "-nostats"), second_input)
    except (subprocess.TimeoutExpired, ProgramStopped):
        process = None
    if process is None or process.returncode:
        if frame:
            frame.unlink(missing_ok=True)
        return None
    text = process.stderr.decode("utf-8", "replace")
    return parse_description(FIRST_INPUT_END_PATTERN.split(text, maxsplit=1)[0])


def inspect_media(file: Path) -> MediaInfo | None:
    """Return the container and the streams of a media file; None if ffmpeg knows none in it, or without ffmpeg.

    Raise ProgramStopped if ffmpeg was killed.
    """
    return parse_description(_read_stream_info(file))


def _read_stream_info(file: Path) -> str:
    """Return ffmpeg's description of a file and its streams; "" without ffmpeg, or on a timeout."""
    try:
        # Without an output file, ffmpeg describes its input and ends with an error.
        process = _run_ffmpeg(file, [], ["-v", "info", "-hide_banner"])
    except subprocess.TimeoutExpired:
        return ""
    return process.stderr.decode("utf-8", "replace") if process else ""


def extract_frame(file: Path, output: Path) -> bool:
    """Write a frame of the video to `output`, a JPEG up to 1280 pixels wide; False if none, or without ffmpeg.

    Raise ProgramStopped if ffmpeg was killed.
    """
    for seek_options in FRAME_SEEK_OPTIONS:
        try:
            process = _run_ffmpeg(file, [*FRAME_OPTIONS, f"file:{output}"], [*FRAME_DECODER_OPTIONS, *seek_options])
        except subprocess.TimeoutExpired:
            return False
        if process is None:
            return False
        if output.is_file() and output.stat().st_size:
            return True
    return False


def _run_ffmpeg(
    file: Path,
    output_options: Iterable[str],
    input_options: Iterable[str] = (),
    second_input_options: Iterable[str] | None = None,
    timeout_seconds: float = READ_TIMEOUT_SECONDS,
) -> "subprocess.CompletedProcess[bytes] | None":
    """Run ffmpeg on an untrusted file, with the options for such; None without ffmpeg.

    Raise subprocess.TimeoutExpired after `timeout_seconds`, ProgramStopped if ffmpeg was killed.
    """
    if not find_ffmpeg():
        return None
    with tempfile.TemporaryDirectory(prefix="ytarchive-") as folder:
        command = build_command(file, Path(folder), input_options, output_options, second_input_options)
        process = subprocess.run(command, capture_output=True, timeout=timeout_seconds, check=False)
    require_exit("ffmpeg", process.returncode)
    return process


def build_command(
    file: Path,
    folder: Path,
    input_options: Iterable[str],
    output_options: Iterable[str],
    second_input_options: Iterable[str] | None = None,
) -> list[str]:
    """Return the command that runs ffmpeg on an untrusted file, by a link in an empty folder.

    By a name without an ending: to ffmpeg an ending can count more than the content. With `second_input_options` it
    opens the file twice.
    """
    link = folder / "media"
    link.symlink_to(file.absolute())
    command = [str(find_ffmpeg()), *SAFE_INPUT_OPTIONS, *input_options, "-i", f"file:{link}"]
    if second_input_options is not None:
        command += [*second_input_options, "-i", f"file:{link}"]
    return [*command, *output_options]


def require_exit(name: str, exit_status: int) -> None:
    """Raise ProgramStopped if a program was killed, as the kernel does with one when memory is short."""
    if exit_status < 0 or exit_status in SHELL_EXIT_STATUSES:
        raise ProgramStopped(f"{name} was {describe_kill(exit_status)}")


def describe_kill(exit_status: int) -> str:
    """Return "killed by SIGKILL" for the exit status -9 or 137."""
    number = -exit_status if exit_status < 0 else exit_status - SHELL_SIGNAL_OFFSET
    try:
        return f"killed by {signal.Signals(number).name}"
    except ValueError:  # a real-time signal has no name
        return f"killed by signal {number}"
