"""ffmpeg and its companions: where they are, and what they say about a file."""

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import imageio_ffmpeg
from django.conf import settings

READ_TIMEOUT_SECONDS = 60  # seconds that ffmpeg may take to look at a file
FRAME_OFFSETS_SECONDS = ("3", "0")  # seconds into the video where a picture is taken, the first that gives one
# Containers that hold their media themselves; playlists, which name other files, are not among them.
ALLOWED_CONTAINERS = "mov,matroska,webm,mpegts,mpeg,ogg,flv,avi,asf,mp3,aac,flac,wav,amr,mpegvideo,m4v,h264"
SAFE_INPUT_OPTIONS = ("-nostdin", "-v", "error", "-protocol_whitelist", "file", "-format_whitelist", ALLOWED_CONTAINERS)

# As the file itself has it: what its tags say stands further in.
DURATION_PATTERN = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+),", re.MULTILINE)
AUDIO_STREAM_PATTERN = re.compile(r"^ *Stream #.*: Audio: ", re.M)
VIDEO_STREAM_PATTERN = re.compile(r"^ *Stream #.*: Video: (?!.*\(attached pic\))", re.M)


def find_ffmpeg() -> str | None:
    """Return ffmpeg's path: one on PATH, else the one that a Python package brought."""
    return shutil.which("ffmpeg") or _bundled_ffmpeg()


@functools.cache
def _bundled_ffmpeg() -> str | None:
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:  # a platform that it brings no binary for
        return None


def build_search_path() -> str:
    """Return the PATH for downloads: our wrapped ffmpeg first, then the environment's own tools."""
    folders = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    if found := find_ffmpeg():
        folders.insert(0, str(_make_wrapper_folder(found)))
    return os.pathsep.join(folders)


def _make_wrapper_folder(ffmpeg_path: str) -> Path:
    """Make a folder with an `ffmpeg` that dies with the process that started it, where the system can do that."""
    script = f'#!/bin/sh\nexec {_shell_quote(ffmpeg_path)} "$@"\n'
    if setpriv := shutil.which("setpriv"):
        script = script.replace("exec ", f"exec {_shell_quote(setpriv)} --pdeathsig KILL ")
    folder = settings.CACHE_ROOT / "bin"
    folder.mkdir(parents=True, exist_ok=True)
    if _shell_quote(str(folder / "ffmpeg")) == _shell_quote(ffmpeg_path):
        return Path(folder)
    handle, name = tempfile.mkstemp(dir=folder)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(script)
    Path(name).chmod(0o755)
    Path(name).replace(folder / "ffmpeg")
    return Path(folder)


def _shell_quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def missing_tool_warnings() -> list[str]:
    """Say what is missing beside yt-dlp, and what that costs."""
    said = []
    if not find_ffmpeg():
        said.append(
            "ffmpeg was not found: videos whose picture and sound come apart cannot be joined, and files are not "
            "checked. Run `pip install -r requirements.txt`, or install ffmpeg so that it is on PATH."
        )
    if not any(shutil.which(name, path=build_search_path()) for name in ("deno", "node")):
        said.append(
            "No JavaScript runtime was found: YouTube and some other sites will not work. "
            "Run `pip install -r requirements.txt` (it brings deno), or install deno or Node.js 20 or newer."
        )
    return said


def validation_error(file: Path) -> str:
    """Return why ffmpeg cannot read a media file; "" if it can, or if there is no ffmpeg to ask."""
    found = find_ffmpeg()
    if not found:
        return ""
    read = ["-i", f"file:{file}", "-map", "0:v?", "-map", "0:a?", "-t", "10", "-c", "copy", "-f", "null", "-"]
    try:
        done = subprocess.run(
            [found, *SAFE_INPUT_OPTIONS, *read], capture_output=True, timeout=READ_TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"ffmpeg did not get through it within {READ_TIMEOUT_SECONDS} s"
    if done.returncode == 0:
        return ""
    words = done.stderr.decode("utf-8", "replace").strip().splitlines()
    return words[-1] if words else f"ffmpeg ended with {done.returncode}"


def read_duration(file: Path) -> float | None:
    """Return the seconds that a media file lasts; None if it does not say, or if there is no ffmpeg to ask."""
    match = DURATION_PATTERN.search(_read_stream_info(file))
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else None


def is_audio_only(file: Path) -> bool:
    """Tell whether there is sound in a media file and no pictures; False too if there is no ffmpeg to ask."""
    said = _read_stream_info(file)
    return bool(AUDIO_STREAM_PATTERN.search(said)) and not VIDEO_STREAM_PATTERN.search(said)


def _read_stream_info(file: Path) -> str:
    """Return what ffmpeg says of a file that it opens; "" if there is none to ask."""
    found = find_ffmpeg()
    if not found:
        return ""
    read = ["-v", "info", "-hide_banner", "-i", f"file:{file}"]
    try:
        # Without an output it says what it has opened, and ends with an error.
        said = subprocess.run(
            [found, *SAFE_INPUT_OPTIONS, *read], capture_output=True, timeout=READ_TIMEOUT_SECONDS, check=False
        ).stderr
    except subprocess.TimeoutExpired:
        return ""
    return said.decode("utf-8", "replace")


def extract_frame(file: Path, output: Path) -> bool:
    """Make a JPEG from a frame of the video; False where there is none to be had."""
    found = find_ffmpeg()
    if not found:
        return False
    for seconds in FRAME_OFFSETS_SECONDS:
        take = ["-ss", seconds, "-i", f"file:{file}", "-frames:v", "1", "-vf", "scale='min(640,iw)':-2", "-y"]
        try:
            subprocess.run(
                [found, *SAFE_INPUT_OPTIONS, *take, f"file:{output}"],
                capture_output=True,
                timeout=READ_TIMEOUT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        if output.is_file() and output.stat().st_size:
            return True
    return False
