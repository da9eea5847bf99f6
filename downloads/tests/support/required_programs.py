"""Programs that some tests need and not every machine has: skipped with the way to get them, or failed in CI."""

import os
import shutil
from pathlib import Path

import pytest

# Beside PATH: where Debian keeps what only administrators, or no person, runs by name.
EXTRA_SEARCH_FOLDERS = ("/usr/sbin", "/sbin", "/usr/lib/postgresql/*/bin")
# The names a program goes by, and its Debian package.
PROGRAMS = {
    "chromium": (("chromium", "chromium-browser", "google-chrome"), "chromium"),
    "postgres": (("postgres",), "postgresql"),
    "nginx": (("nginx",), "nginx"),
    "node": (("node", "nodejs"), "nodejs"),
}
SKIP_REASON_PREFIX = "not installed: "


def require_program(tool: str) -> str:
    """Return the program's path; without it skip the test, or fail it with CI=true."""
    names, package = PROGRAMS[tool]
    for name in names:
        if path := find_program(name):
            return path
    reason = f"{SKIP_REASON_PREFIX}{tool} (apt-get install {package})"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def find_program(name: str) -> str | None:
    """Return where the program is, on PATH or in one of FOLDERS."""
    places = [str(found) for pattern in EXTRA_SEARCH_FOLDERS for found in sorted(Path("/").glob(pattern[1:]))]
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(places))


def list_missing_programs(reports: list[pytest.TestReport]) -> list[str]:
    """Return what the skipped tests of a run wanted, with the way to get it, each once."""
    reasons = [str(report.longrepr[2]) for report in reports if isinstance(report.longrepr, tuple)]
    return sorted({reason.split(SKIP_REASON_PREFIX, 1)[1] for reason in reasons if SKIP_REASON_PREFIX in reason})
