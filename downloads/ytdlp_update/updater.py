"""Update of yt-dlp: download, check, test in a process of its own, switch.

Nothing is used before its test has passed, and a kill at any time leaves the version in use as it was.
"""

import compileall
import errno
import logging
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from django.conf import settings

from downloads.files import ffmpeg
from downloads.files.fsync import fsync_path
from downloads.ytdlp_update import installation, selection, status
from downloads.ytdlp_update.installation import Installation
from downloads.ytdlp_update.package_index import DownloadFailed, NotInIndex, download_wheel
from downloads.ytdlp_update.processes import run_process
from downloads.ytdlp_update.selection import Selection
from downloads.ytdlp_update.status import State
from downloads.ytdlp_update.version import parse_version
from downloads.ytdlp_update.wheels import Wheel, WheelRefused

logger = logging.getLogger(__name__)

UPDATE_COMMAND = "update-ytdlp"
SELF_TEST_COMMAND = "ytdlp_self_test"
SELF_TEST_TIMEOUT_SECONDS = 120
# Printed last. An exit status alone would not do: the code under test could end the process with 0.
SELF_TEST_PASSED = "ytarchive: the self-test has passed"
STAGING_PREFIX = ".incoming-"

WriteLine = Callable[[str], None]


class UpdateFailed(Exception):
    """Nothing was changed; the message is a sentence with the reason."""


def update_ytdlp(write_line: WriteLine) -> str:
    """Install the newest yt-dlp if it is newer than the one in use, and return the outcome as a sentence.

    Wait for an update that is running already. Raise UpdateFailed; the version in use is then as it was.
    """
    try:
        with status.update_lock(lambda: write_line("Another update is running. Waiting until it has ended…")):
            return _update_and_record(write_line)
    except OSError as error:
        raise UpdateFailed(_describe_os_error(error)) from error


def run_requested_update(write_line: WriteLine) -> str:
    """Run an update that a button has requested; do nothing ("") if another process was first."""
    try:
        with status.update_lock(None):
            return _update_and_record(write_line) if status.read_status().state == State.REQUESTED else ""
    except status.UpdateRunning:
        return ""
    except OSError as error:
        raise UpdateFailed(_describe_os_error(error)) from error


def _update_and_record(write_line: WriteLine) -> str:
    status.write_status(State.RUNNING)
    try:
        state, message = _update(write_line)
    except UpdateFailed as error:
        _record_failure(str(error))
        raise
    except Exception:
        _record_failure("The update failed because of a bug; the log says where. Nothing was changed.")
        raise
    status.write_status(state, message)
    return message


def _record_failure(message: str) -> None:
    try:
        status.write_status(State.FAILED, message)
    except OSError as error:
        logger.warning("The outcome of the update cannot be written: %s", error)


def _update(write_line: WriteLine) -> tuple[State, str]:
    in_use = selection.select_version()
    installation.remove_other_folders(_listed_folders())
    with tempfile.TemporaryDirectory(prefix=STAGING_PREFIX, dir=installation.root()) as name:
        try:
            return _install_newest(in_use, Path(name), write_line)
        except (DownloadFailed, WheelRefused) as error:
            raise UpdateFailed(f"{error} yt-dlp {in_use.version} stays in use.") from error
        except OSError as error:
            raise UpdateFailed(f"{_describe_os_error(error)} yt-dlp {in_use.version} stays in use.") from error


def _describe_os_error(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "The disk is full: make room, then try again."
    return f"The folder {installation.root()} cannot be written to ({error.strerror or error})."


def _install_newest(in_use: Selection, staging: Path, write_line: WriteLine) -> tuple[State, str]:
    write_line(f"yt-dlp {in_use.version} is in use. Looking for a newer version…")
    wheel = Wheel.open(download_wheel("yt-dlp", staging / "yt-dlp"), "yt_dlp")
    try:
        is_newer = parse_version(wheel.version) > parse_version(in_use.version)
    except ValueError as error:
        raise WheelRefused(f"The package index sent version {wheel.version}, which is no date.") from error
    if not is_newer:
        return State.UNCHANGED, _unchanged_message(in_use, wheel.version)
    ejs_wheel = _download_ejs(wheel.required_ejs_version(), staging)
    write_line(f"Testing yt-dlp {wheel.version}…")
    packages = staging / "packages"
    for each in (wheel, ejs_wheel):
        if each:
            each.unpack(packages)
    ejs_version = ejs_wheel.version if ejs_wheel else selection.bundled_ejs_version()
    _require_passing_test(packages, wheel.version)
    # Now, since downloads in a container write no compiled code, and each would compile it again.
    compileall.compile_dir(packages, quiet=2)
    _switch(packages, wheel.version, ejs_version, in_use)
    return State.UPDATED, f"yt-dlp was updated from {in_use.version} to {wheel.version}; the next download uses it."


def _unchanged_message(in_use: Selection, newest_version: str) -> str:
    if parse_version(newest_version) == parse_version(in_use.version):
        return f"yt-dlp {in_use.version} is already the newest version."
    return f"yt-dlp {in_use.version} is already newer than the newest version in the package index, {newest_version}."


def _download_ejs(required_version: str, staging: Path) -> Wheel | None:
    """Return the wheel of yt-dlp-ejs that a version of yt-dlp wants; None if the bundled one has to do.

    yt-dlp takes scripts whose version has the same first two numbers as its own requirement.
    """
    requirement = f"yt-dlp-ejs=={required_version}" if required_version else "yt-dlp-ejs"
    try:
        return Wheel.open(download_wheel(requirement, staging / "yt-dlp-ejs"), "yt_dlp_ejs")
    except NotInIndex:
        if not required_version or required_version.split(".")[:2] == selection.bundled_ejs_version().split(".")[:2]:
            return None
        raise


# Test ----------------------------------------------------------------------------------------------


def _require_passing_test(packages: Path, version: str) -> None:
    if problem := run_self_test(packages):
        raise UpdateFailed(f"yt-dlp {version} was not installed, because {problem}.")


def run_self_test(packages: Path) -> str:
    """Test the packages in a folder, in another process; return the problem as a clause, "" if they pass."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), SELF_TEST_COMMAND, str(packages)]
    env = {**os.environ, "YTARCHIVE_DATA": str(settings.DATA), "PATH": ffmpeg.build_search_path()}
    try:
        process = run_process(command, SELF_TEST_TIMEOUT_SECONDS, env=env, cwd=settings.BASE_DIR)
    except subprocess.TimeoutExpired:
        return f"it did not pass its test within {SELF_TEST_TIMEOUT_SECONDS} s"
    if process.returncode == 0 and process.stdout.strip().endswith(SELF_TEST_PASSED):
        return ""
    lines = process.stderr.strip().splitlines() or [f"its test ended with {process.returncode}"]
    logger.warning("The self-test of yt-dlp failed: %s", " | ".join(lines[-40:]))
    return f"it does not work here ({lines[-1].strip().rstrip('.')})"


def retest_installed() -> None:
    """Test the installed version after an upgrade of ytarchive, and record the outcome; raise UpdateFailed."""
    try:
        with status.update_lock(lambda: None):
            for installed in installation.read_list()[:1]:
                _retest(installed)
    except (OSError, installation.ListUnreadable) as error:
        raise UpdateFailed(str(error)) from error


def needs_retest() -> bool:
    """Return True if the installed version would be used, but has not been tested with this version of our code."""
    try:
        installations = installation.read_list()[:1]
    except installation.ListUnreadable:
        return False
    bundled = parse_version(selection.bundled_version())
    return any(
        not installed.problem
        and installed.python == installation.python_version()
        and installed.tested_with != installation.code_digest()
        and parse_version(installed.version) > bundled
        for installed in installations
    )


def _retest(installed: Installation) -> None:
    tested = Installation(**{**vars(installed), "tested_with": installation.code_digest()})
    if problem := tested.find_problem() or run_self_test(installed.path):
        tested = Installation(**{**vars(tested), "problem": problem})
        logger.warning("yt-dlp %s is no longer used, because %s.", installed.version, problem)
    installation.record(tested)


# Switch --------------------------------------------------------------------------------------------


def _switch(packages: Path, version: str, ejs_version: str, in_use: Selection) -> None:
    """Move the packages to their folder, list them first, and keep the version before them."""
    _fsync_tree(packages)
    folder = version if not (installation.root() / version).exists() else f"{version}-{secrets.token_hex(4)}"
    target = installation.root() / folder
    packages.rename(target)
    fsync_path(installation.root())
    digest = installation.folder_digest(target)
    new = Installation(folder, version, ejs_version, digest, installation.python_version(), installation.code_digest())
    try:
        installation.write_list([new, *([in_use.installed] if in_use.installed else [])])
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    installation.remove_other_folders(_listed_folders())


def _listed_folders() -> set[str]:
    try:
        return {installed.folder for installed in installation.read_list()}
    except installation.ListUnreadable:
        return set()


def _fsync_tree(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for path in (*(Path(parent, name) for name in names), Path(parent)):
            fsync_path(path)
