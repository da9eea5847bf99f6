"""Loading of yt_dlp: the selected version or, if it does not load, the bundled one.

The folder of an installed version has the packages yt_dlp and yt_dlp_ejs only, and is first on `sys.path`; the rest
of the environment is the same for every version.
"""

import importlib
import logging
import os
import sys
from pathlib import Path

from downloads.ytdlp_update import installation, selection, status
from downloads.ytdlp_update.installation import Installation
from downloads.ytdlp_update.wheels import PACKAGES

logger = logging.getLogger(__name__)

# Set before yt_dlp is imported, which reads it; plugins are code that neither is pinned nor comes with an update.
os.environ["YTDLP_NO_PLUGINS"] = "1"

_held_folders: list[int] = []  # descriptors that keep a folder in use from being removed


def load_selected() -> None:
    """Import the selected yt_dlp, unless one is imported already; leave it to the caller to import the bundled one.

    A version that does not load is logged and recorded, so that later downloads skip it.
    """
    if "yt_dlp" in sys.modules:
        return
    selected = selection.select_version()
    if selected.problem:
        logger.warning("%s", selected.problem)
    if selected.installed is not None and _load_installed(selected.installed):
        logger.info("yt-dlp %s is used, which an update installed", selected.version)


def load_from(folder: Path) -> None:
    """Import yt_dlp from a folder; raise whatever its import raises, or ImportError if it came from elsewhere."""
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    for name in PACKAGES:
        module = importlib.import_module(name)
        if (folder / name).exists() and not Path(module.__file__ or "").is_relative_to(folder):
            raise ImportError(f"{name} was imported from {module.__file__} instead of {folder}")


def _load_installed(installed: Installation) -> bool:
    try:
        _held_folders.append(installation.hold_folder(installed.path))
        load_from(installed.path)
    except (Exception, SystemExit) as error:
        logger.exception("yt-dlp %s cannot be loaded; the bundled version is used", installed.version)
        _unload(installed.path)
        _record_problem(installed, f"it cannot be loaded ({type(error).__name__}: {error})")
        return False
    return True


def _unload(folder: Path) -> None:
    """Undo an import that failed half-way."""
    sys.path[:] = [entry for entry in sys.path if entry != str(folder)]
    for name in list(sys.modules):
        if name.partition(".")[0] in PACKAGES:
            del sys.modules[name]
    importlib.invalidate_caches()


def _record_problem(installed: Installation, problem: str) -> None:
    """Have later downloads and the pages know the problem; without a lock or a disk the next download tries again."""
    try:
        with status.update_lock(None):
            installation.record(Installation(**{**vars(installed), "problem": problem}))
    except (OSError, installation.ListUnreadable, status.UpdateRunning) as error:
        logger.warning("The problem of yt-dlp %s cannot be recorded: %s", installed.version, error)
