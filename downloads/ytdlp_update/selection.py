"""Selection of the yt-dlp to use: the newest installed version that is intact, else the bundled one.

The bundled version is the one that requirements.txt pins; it is newer than an installed one after an upgrade of
ytarchive.
"""

import dataclasses
import functools
import importlib.metadata
import time
from pathlib import Path

from downloads.ytdlp_update import installation, version
from downloads.ytdlp_update.installation import Installation, ListUnreadable
from downloads.ytdlp_update.version import parse_version

CACHE_SECONDS = 15.0
OLD_AFTER_DAYS = 30  # sites that change often, such as YouTube, break an older version
UPDATE_HINT = "Run `manage.py update-ytdlp`."


@dataclasses.dataclass(frozen=True)
class Selection:
    """The selected version; `installed` is None for the bundled one.

    `problem` is a sentence on why it is not the newest that was installed; "" if it is.
    """

    version: str
    ejs_version: str
    installed: Installation | None = None
    problem: str = ""

    @property
    def folder(self) -> Path | None:
        """The folder for `sys.path`; None for the bundled version, which is there already."""
        return self.installed.path if self.installed else None

    @property
    def age_days(self) -> int:
        """The days since its release."""
        return version.age_days(self.version)

    @property
    def advice(self) -> str:
        """Advice about this version, such as "yt-dlp is 45 days old: update it."; "" if it is fine."""
        if self.problem:
            return self.problem
        return f"yt-dlp is {self.age_days} days old: update it." if self.age_days > OLD_AFTER_DAYS else ""


def bundled_version() -> str:
    """Return the version of yt-dlp that requirements.txt pins. (Installed versions have no metadata to find.)"""
    return importlib.metadata.version("yt-dlp")


def bundled_ejs_version() -> str:
    """Return the version of yt-dlp-ejs that requirements.txt pins."""
    return importlib.metadata.version("yt-dlp-ejs")


def select_version() -> Selection:
    """Return the version that a download which starts now uses. Reads all files of an installed version (60 ms)."""
    bundled = Selection(bundled_version(), bundled_ejs_version())
    try:
        installations = installation.read_list()
    except ListUnreadable as error:
        return dataclasses.replace(bundled, problem=f"{error} The bundled yt-dlp is used. {UPDATE_HINT}")
    skipped: list[tuple[Installation, str]] = []
    for installed in installations:
        if parse_version(installed.version) <= parse_version(bundled.version):
            continue
        problem = _find_problem(installed)
        if not problem:
            return Selection(installed.version, installed.ejs_version, installed, _skipped_message(skipped, installed))
        skipped.append((installed, problem))
    return dataclasses.replace(bundled, problem=_skipped_message(skipped, None))


def _find_problem(installed: Installation) -> str:
    try:
        return installed.find_problem()
    except OSError as error:
        return f"its files cannot be read ({error.strerror})"


def _skipped_message(skipped: list[tuple[Installation, str]], used: Installation | None) -> str:
    if not skipped:
        return ""
    installed, problem = skipped[0]
    fallback = f"version {used.version}" if used else f"the bundled version {bundled_version()}"
    return f"yt-dlp {installed.version} is not used, because {problem}; {fallback} is. {UPDATE_HINT}"


def select_version_cached() -> Selection:
    """Return the result of `select_version`, at most CACHE_SECONDS old, for pages and monitoring."""
    return _select_cached(int(time.monotonic() // CACHE_SECONDS), installation.root(), read_changed_at())


def read_changed_at() -> int:
    """Return when the list of installed versions last changed, in nanoseconds; 0 if there is none."""
    try:
        return (installation.root() / installation.LIST_NAME).stat().st_mtime_ns
    except OSError:
        return 0


@functools.lru_cache(maxsize=1)
def _select_cached(period: int, root: Path, changed_at: int) -> Selection:
    return select_version()
