"""Runs of the drawing program."""

import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

logger = logging.getLogger(__name__)

# Not imported: no other process is to load Pillow.
DRAWING_PROGRAM = Path(__file__).with_name("drawing.py")
FAILED_EXIT_STATUS = 1  # of Python, for an error that the program does not expect
TIMEOUT_SECONDS = 60
MAX_REASON_CHARACTERS = 400
LARGE_SUFFIX, SMALL_SUFFIX = ".jpg", ".small.jpg"
# All that the program may know of the environment, which holds passwords.
ENVIRONMENT_NAMES = ("LD_LIBRARY_PATH", "SYSTEMROOT")


class ThumbnailProcess:
    """A run of the drawing program, which is started before its picture is there: most of its time goes into imports.

    `with ThumbnailProcess() as process: process.draw(source, folder, stem)`, once. It ends with the context.
    """

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._error: OSError | None = None

    def __enter__(self) -> Self:
        # Isolated (-I): neither the working folder nor variables of the environment say what is imported.
        command = [sys.executable, "-I", str(DRAWING_PROGRAM)]
        environment = {name: os.environ[name] for name in ENVIRONMENT_NAMES if name in os.environ}
        pipe, null = subprocess.PIPE, subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(command, stdin=pipe, stdout=null, stderr=pipe, env=environment)
        except OSError as error:  # raised where it is needed
            self._error = error
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def draw(self, source: Path, folder: Path, stem: str) -> Path | None:
        """Draw a picture as "stem.jpg" and "stem.small.jpg" in `folder`; return the path of the first.

        Return None, and log the reason, if it is no picture that can be drawn. Raise OSError if none can be.
        """
        large, small = folder / f"{stem}{LARGE_SUFFIX}", folder / f"{stem}{SMALL_SUFFIX}"
        reason = self._run(source.resolve(), large, small)
        if not reason:
            return large
        logger.info("No thumbnail of %s: %s", source.name, reason)
        for path in (large, small):
            path.unlink(missing_ok=True)
        return None

    def _run(self, *paths: Path) -> str:
        """Have the program draw; return "", or the reason why it did not."""
        process = self._process
        if process is None:
            raise self._error or OSError("the drawing program was not started")
        names = b"".join(os.fsencode(path) + b"\0" for path in paths)
        try:
            _, stderr = process.communicate(names, TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            return f"not done within {TIMEOUT_SECONDS} s"
        if process.returncode == 0:
            return ""
        lines = stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1][:MAX_REASON_CHARACTERS] if lines else f"the program ended with {process.returncode}"
        if process.returncode == FAILED_EXIT_STATUS:
            raise OSError(f"no picture can be drawn: {reason}")
        return reason


def draw_thumbnails(source: Path, folder: Path, stem: str) -> Path | None:
    """Draw a picture by a process of its own, see `ThumbnailProcess.draw`."""
    with ThumbnailProcess() as thumbnail_process:
        return thumbnail_process.draw(source, folder, stem)
