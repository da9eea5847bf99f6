"""The pages' JavaScript: tests in Node of modules that need no browser, and the compressed size per page."""

import re
import subprocess
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import rjsmin
from django.conf import settings
from whitenoise.compress import Compressor

from downloads.tests.support import required_programs
from downloads.tests.support.cases import each_case

TEST_FILES = sorted((settings.BASE_DIR / "downloads" / "tests" / "javascript").glob("*.test.js"))
COMMON_ENTRY_POINT = "shell.js"  # of base.html, so of every page but the admin's
MODULES = sorted((settings.BASE_DIR / "static" / "js").glob("*.js"))
STYLE_SHEETS = sorted((settings.BASE_DIR / "static" / "css").glob("*.css"))
# What a page begins with; the modules that these import come with them.
TEMPLATE_ENTRY_POINTS = {
    "library/library.html": "library.js",
    "video/detail.html": "video.js",
    "subscriptions/index.html": "subscriptions.js",
    "subscriptions/subscription.html": "subscriptions.js",
    "subscriptions/follow.html": "follow.js",
    "admin/_head.html": "main.js",
}
IMPORT_PATTERN = re.compile(r'^(?:import|} from)\b.*"\./(.+)";$', re.MULTILINE)
# What a visit loads besides at most, without anything that the visitor does: a video with chapters, at the speed and
# with the subtitles that the browser remembers, from the time in its address; the bell of the activity page.
LOADED_BY_VISIT = {
    "library.js": ["selection.js", "notifications.js"],
    "video.js": ["chapters.js", "player_settings.js", "player_times.js"],
}
# Modules that are loaded on first use.
LATER_IMPORT_PATTERN = re.compile(r'\bimport\("\./(.+?)"\)')
MAX_COMPRESSED_BYTES = 16 * 1024


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.name)
def test_the_node_tests_pass(file) -> None:
    result = subprocess.run(
        [required_programs.require_program("node"), "--test", file], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout


def loaded_modules(module: Path, *, later: bool = False) -> set[Path]:
    """Return what a browser loads for this module, itself included, and with `later` what it imports when needed."""
    modules: set[Path] = set()
    pending = [module]
    while pending:
        path = pending.pop()
        if path not in modules:
            modules.add(path)
            patterns = [IMPORT_PATTERN, LATER_IMPORT_PATTERN] if later else [IMPORT_PATTERN]
            pending += [path.parent / name for pattern in patterns for name in pattern.findall(path.read_text())]
    return modules


def compressed_size(path: Path) -> int:
    """Return the bytes that are sent: the static storage removes comments, and WhiteNoise compresses with gzip."""
    return len(Compressor.compress_gzip(rjsmin.jsmin(path.read_bytes())))


@pytest.mark.parametrize(("template", "entry"), TEMPLATE_ENTRY_POINTS.items())
def test_a_page_loads_little(template, entry) -> None:
    page = (settings.BASE_DIR / "templates" / "downloads" / template).read_text()
    assert re.findall(r"js/(\w+\.js)", page) == [entry]
    folder = settings.BASE_DIR / "static" / "js"
    names = [entry, COMMON_ENTRY_POINT, *LOADED_BY_VISIT.get(entry, [])]
    modules = set().union(*(loaded_modules(folder / name) for name in names))
    sizes = {path.name: compressed_size(path) for path in modules}
    assert {"live_page.js", "socket.js", "store.js", "progress_bar.js"} <= sizes.keys()

    assert sum(sizes.values()) <= MAX_COMPRESSED_BYTES, sizes


def test_modules_import_each_other_in_one_direction() -> None:
    # Those on first use too: with a circle, no module's name could have the hash of what it names.
    patterns = (IMPORT_PATTERN, LATER_IMPORT_PATTERN)
    texts = {path.name: path.read_text() for path in MODULES}
    imports = {
        name: {module for pattern in patterns for module in pattern.findall(text)} for name, text in texts.items()
    }

    TopologicalSorter(imports).prepare()  # raises CycleError


def test_no_page_has_modules_of_its_own_besides() -> None:
    assert set(MODULES) == set().union(
        *(
            loaded_modules(MODULES[0].parent / entry, later=True)
            for entry in (*TEMPLATE_ENTRY_POINTS.values(), COMMON_ENTRY_POINT)
        )
    )


@each_case("file", [*MODULES, *STYLE_SHEETS])
def test_it_needs_nothing_from_elsewhere(file) -> None:
    assert "://" not in file.read_text()
