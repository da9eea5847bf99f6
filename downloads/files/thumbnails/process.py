"""Runs of the drawing program."""

import logging
import os
import subprocess
import sys
from pathlib import Path

logger = logging.getLogger(__name__)

# Not imported: no other process is to load Pillow.
DRAWING_PROGRAM = Path(__file__).with_name("drawing.py")
FAILED_EXIT_STATUS = 1  # of Python, for an error that the program does not expect
TIMEOUT_SECONDS = 60
MAX_REASON_CHARACTERS = 400
LARGE_SUFFIX, SMALL_SUFFIX = ".jpg", ".small.jpg"
# All that the program may know of the environment, which holds passwords.
ENVIRONMENT_NAMES = ("LD_LIBRARY_PATH", "SYSTEMROOT")


def draw_thumbnails(source: Path, folder: Path, stem: str) -> Path | None:
    """Draw a picture as "stem.jpg" and "stem.small.jpg" in `folder`; return the path of the first.

    Return None, and log the reason, if it is no picture that can be drawn. Raise OSError if none can be.
    """
    large, small = folder / f"{stem}{LARGE_SUFFIX}", folder / f"{stem}{SMALL_SUFFIX}"
    # Isolated (-I): neither the working folder nor variables of the environment say what is imported.
    command = [sys.executable, "-I", *map(str, (DRAWING_PROGRAM, source.resolve(), large, small))]
    environment = {name: os.environ[name] for name in ENVIRONMENT_NAMES if name in os.environ}
    try:
        process = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env=environment,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        reason = f"not done within {TIMEOUT_SECONDS} s"
    else:
        if process.returncode == 0:
            return large
        lines = process.stderr.decode("utf-8", "replace").strip().splitlines()
        reason = lines[-1][:MAX_REASON_CHARACTERS] if lines else f"the program ended with {process.returncode}"
        if process.returncode == FAILED_EXIT_STATUS:
            raise OSError(f"no picture can be drawn: {reason}")
    logger.info("No thumbnail of %s: %s", source.name, reason)
    for path in (large, small):
        path.unlink(missing_ok=True)
    return None
