"""The layout of the tests: a folder per package, and nothing shared through test modules."""

import ast
from pathlib import Path

import pytest
from django.conf import settings

from downloads.tests.support.cases import each_case

TESTS = Path(settings.BASE_DIR, "downloads", "tests")
# Folders without a package of the same name: several packages at once, or what is not Python.
OTHER_FOLDERS = {"browser", "commands", "javascript", "project", "support", "system"}
MODULES = sorted(path.relative_to(TESTS).as_posix() for path in TESTS.rglob("*.py"))
FOLDERS = sorted(path.name for path in TESTS.iterdir() if path.is_dir() and path.name != "__pycache__")


def imported_modules(source: str) -> set[str]:
    """Return the dotted names of all that `source` imports, names within a module included."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def is_private_to_pytest(name: str) -> bool:
    """Tell whether a dotted name is in a test module or a conftest, which only pytest imports."""
    parts = name.split(".")
    is_ours = parts[:2] == ["downloads", "tests"]
    return is_ours and any(part == "conftest" or part.startswith("test_") for part in parts[2:])


@each_case("module", MODULES)
def test_it_imports_no_test_module_and_no_conftest(module):
    source = (TESTS / module).read_text()
    assert sorted(filter(is_private_to_pytest, imported_modules(source))) == []


@pytest.mark.parametrize("source", ["from downloads.tests.conftest import a", "import downloads.tests.views.test_a"])
def test_it_notices_such_an_import(source):
    assert any(map(is_private_to_pytest, imported_modules(source)))


@each_case("folder", FOLDERS)
def test_each_folder_mirrors_a_package(folder):
    packages = [Path(settings.BASE_DIR, project, folder, "__init__.py") for project in ("downloads", "ytarchive")]
    assert folder in OTHER_FOLDERS or any(package.exists() for package in packages)


def test_only_tests_of_the_apps_own_modules_stand_outside_folders():
    modules = {path.stem for path in Path(settings.BASE_DIR, "downloads").glob("*.py")}
    outside = {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}
    assert outside <= modules
