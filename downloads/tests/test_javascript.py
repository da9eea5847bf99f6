"""The pages' JavaScript: the modules that need no browser by Node's own test runner, and its size."""

import subprocess

import pytest
from django.conf import settings

from downloads.tests import tools

FILES = sorted((settings.BASE_DIR / "downloads" / "tests" / "javascript").glob("*.test.js"))
MODULES = sorted((settings.BASE_DIR / "static" / "js").glob("*.js"))
SHEETS = sorted((settings.BASE_DIR / "static" / "css").glob("*.css"))
MOST_BYTES = 20 * 1024


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_holds_in_node(file) -> None:
    done = subprocess.run([tools.require("node"), "--test", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_it_stays_small() -> None:
    sizes = {path.name: path.stat().st_size for path in MODULES}

    assert sum(sizes.values()) <= MOST_BYTES, sizes


@pytest.mark.parametrize("file", [*MODULES, *SHEETS], ids=lambda file: file.name)
def test_it_needs_nothing_from_elsewhere(file) -> None:
    assert "://" not in file.read_text()
