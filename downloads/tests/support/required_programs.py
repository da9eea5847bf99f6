"""Programs that some tests need: without them tests are skipped with an install command, or fail in CI."""

import os
import shutil
from pathlib import Path

import pytest

# Besides PATH: where Debian keeps programs of administrators and servers.
EXTRA_SEARCH_FOLDERS = ("/usr/sbin", "/sbin", "/usr/lib/postgresql/*/bin")
# The names a program goes by, and its Debian package.
PROGRAMS = {
    "chromium": (("chromium", "chromium-browser", "google-chrome"), "chromium"),
    "firefox": (("firefox-esr", "firefox"), "firefox-esr"),
    "postgres": (("postgres",), "postgresql"),
    "curl": (("curl",), "curl"),
    "nginx": (("nginx",), "nginx"),
    "node": (("node", "nodejs"), "nodejs"),
    "wget": (("wget",), "wget"),
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
    """Return the program's path, from PATH or EXTRA_SEARCH_FOLDERS."""
    folders = [str(folder) for pattern in EXTRA_SEARCH_FOLDERS for folder in sorted(Path("/").glob(pattern[1:]))]
    return shutil.which(name) or shutil.which(name, path=os.pathsep.join(folders))


def list_missing_programs(reports: list[pytest.TestReport]) -> list[str]:
    """Return the programs that skipped tests of a run needed, with their install commands, each once."""
    reasons = [str(report.longrepr[2]) for report in reports if isinstance(report.longrepr, tuple)]
    return sorted({reason.split(SKIP_REASON_PREFIX, 1)[1] for reason in reasons if SKIP_REASON_PREFIX in reason})
