"""The pages' JavaScript: the modules that need no browser by Node's own test runner, and its size."""

import re
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from downloads.tests import tools

FILES = sorted((settings.BASE_DIR / "downloads" / "tests" / "javascript").glob("*.test.js"))
MODULES = sorted((settings.BASE_DIR / "static" / "js").glob("*.js"))
SHEETS = sorted((settings.BASE_DIR / "static" / "css").glob("*.css"))
# What a page begins with; the modules that these import come with them.
ENTRIES = {"library.html": "library.js", "detail.html": "video.js", "_admin_head.html": "main.js"}
IMPORT = re.compile(r'^import .*"\./(.+)";$', re.MULTILINE)
MOST_BYTES = 20 * 1024


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_it_holds_in_node(file) -> None:
    done = subprocess.run([tools.require("node"), "--test", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def loaded(module: Path) -> set[Path]:
    """Return what a browser loads for this module, itself included."""
    found: set[Path] = set()
    wanted = [module]
    while wanted:
        one = wanted.pop()
        if one not in found:
            found.add(one)
            wanted += [one.parent / name for name in IMPORT.findall(one.read_text())]
    return found


@pytest.mark.parametrize(("template", "entry"), ENTRIES.items())
def test_a_page_needs_little(template, entry) -> None:
    page = (settings.BASE_DIR / "templates" / "downloads" / template).read_text()
    assert re.findall(r"js/(\w+\.js)", page) == [entry]
    sizes = {path.name: path.stat().st_size for path in loaded(settings.BASE_DIR / "static" / "js" / entry)}
    assert {"live_page.js", "socket.js", "store.js", "progress_bar.js"} <= sizes.keys()

    assert sum(sizes.values()) <= MOST_BYTES, sizes


def test_no_page_has_modules_of_its_own_besides() -> None:
    assert set(MODULES) == set().union(*(loaded(MODULES[0].parent / entry) for entry in ENTRIES.values()))


@pytest.mark.parametrize("file", [*MODULES, *SHEETS], ids=lambda file: file.name)
def test_it_needs_nothing_from_elsewhere(file) -> None:
    assert "://" not in file.read_text()
