"""Download of wheels from the Python package index, by pip: its PIP_* variables and configuration files apply."""

import os
import re
import subprocess
import sys
from pathlib import Path

from downloads.ytdlp_update.processes import run_process

PIP_TIMEOUT_SECONDS = 900
# Wheels only, since building a source distribution would run its code; no dependencies, since nothing else may be
# installed; no cache, since nothing is downloaded twice.
PIP_OPTIONS = (
    "--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--no-input",
    "--disable-pip-version-check", "--progress-bar", "off",
)  # fmt: skip
REQUIREMENT_PATTERN = re.compile(r"yt-dlp|yt-dlp-ejs(==[0-9]+(\.[0-9]+)*)?")
# Options that name what to fetch or where to put it; as variables they would add to ours.
DROPPED_VARIABLES = ("PIP_REQUIREMENT", "PIP_EDITABLE", "PIP_DEST", "PIP_DESTINATION_DIRECTORY", "PIP_LOG")

# (pattern of pip's output and log, message for people). pip itself reports an index that it cannot reach as one that
# has no such package.
FAILURES = (
    (r"No module named pip", "pip is not installed for {python}: run `{python} -m ensurepip`."),
    (r"No space left on device|Disk quota exceeded", "The disk is full: make room, then try again."),
    (
        r"CERTIFICATE_VERIFY_FAILED|problem confirming the ssl certificate",
        "The certificate of the package index cannot be trusted; pip has the setting PIP_CERT for one of your own.",
    ),
    (
        r"Could not fetch URL [^\n]*: 4(01|03|07) ",
        "The package index wants a sign-in; it is one of pip's settings (PIP_INDEX_URL).",
    ),
    (
        r"connection error|NewConnectionError|NameResolutionError|Max retries exceeded|Read timed out|TimeoutError"
        r"|ProxyError|Connection (refused|reset|aborted)|unreachable|Could not fetch URL [^\n]*: 5\d\d ",
        "The Python package index cannot be reached: check the network, and pip's settings if it needs any.",
    ),
)


class DownloadFailed(Exception):
    """pip downloaded nothing; the message is a sentence."""


class NotInIndex(DownloadFailed):
    """The index has no such version for this Python."""


def download_wheel(requirement: str, folder: Path) -> Path:
    """Download the newest wheel for one of the two packages to `folder`; raise DownloadFailed."""
    if not REQUIREMENT_PATTERN.fullmatch(requirement):
        raise ValueError(f"{requirement!r} may not be downloaded")
    folder.mkdir()
    temporary_folder = folder.with_name(folder.name + "-tmp")
    temporary_folder.mkdir()
    # -P keeps the folder out of the modules that pip imports.
    log = temporary_folder / "pip.log"
    command = [sys.executable, "-P", "-m", "pip", "download", *PIP_OPTIONS, "--log", str(log), "--dest", str(folder)]
    command += ["--", requirement]
    try:
        process = run_process(command, PIP_TIMEOUT_SECONDS, env=_pip_environment(temporary_folder), cwd=folder)
    except subprocess.TimeoutExpired as error:
        raise DownloadFailed(f"pip did not end within {PIP_TIMEOUT_SECONDS // 60} minutes.") from error
    if process.returncode:
        log_text = log.read_text(errors="replace") if log.exists() else ""
        raise _explain_failure(requirement, process.stderr, log_text)
    paths = list(folder.iterdir())
    if len(paths) != 1:
        raise DownloadFailed(f"pip downloaded {len(paths)} files instead of one wheel of {requirement}.")
    return paths[0]


def _pip_environment(temporary_folder: Path) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if name not in DROPPED_VARIABLES}
    # Containers have a read-only file system and a small /tmp.
    return env | {"TMPDIR": str(temporary_folder), "PYTHONIOENCODING": "utf-8", "LC_ALL": "C.UTF-8"}


def _explain_failure(requirement: str, errors: str, log_text: str) -> DownloadFailed:
    for pattern, message in FAILURES:
        if re.search(pattern, f"{errors}\n{log_text}", re.IGNORECASE):
            return DownloadFailed(message.format(python=sys.executable))
    if re.search(r"No matching distribution found|Could not find a version", errors):
        return NotInIndex(f"The Python package index has no {requirement} for Python {sys.version.split()[0]}.")
    lines = [line for line in errors.splitlines() if line.startswith("ERROR:")] or errors.strip().splitlines()
    return DownloadFailed(f"pip failed: {lines[-1].removeprefix('ERROR: ')}" if lines else "pip failed without a word.")
