"""Packages: their size, their docstrings, and names that say nothing."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings

from downloads.tests.support.source_modules import find_modules

MODULES = find_modules()
PACKAGES = {name: path.parent for name, path in MODULES.items() if path.name == "__init__.py"}
FOLDERS_OF_DJANGO = {
    "downloads",
    "downloads.management",
    "downloads.management.commands",
    "downloads.templatetags",
    "ytarchive",
}
MAX_MODULES = 12
MAX_INIT_DOCSTRING_LINES = 3
QUESTION = re.compile(r"(What|How|Who|Whose|Where|Whether)\b")
VAGUE_NAMES = {"found", "given", "asked", "told"}
PYTHON_FILES = sorted(
    path
    for folder in ("downloads", "ytarchive", "benchmarks")
    for path in (settings.BASE_DIR / folder).rglob("*.py")
    if not {"migrations", "node_modules"} & set(path.parts)
)


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def assigned_names(tree: ast.AST) -> list[tuple[str, int]]:
    """Return the names of variables and parameters, each with its line."""
    stored = [node for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)]
    names = [(node.id, node.lineno) for node in stored]
    return names + [(node.arg, node.lineno) for node in ast.walk(tree) if isinstance(node, ast.arg)]


@pytest.mark.parametrize("package", sorted(PACKAGES.keys() - FOLDERS_OF_DJANGO))
def test_a_package_says_what_it_does_in_three_lines(package) -> None:
    lines = docstring(PACKAGES[package] / "__init__.py").splitlines()

    assert 1 <= len(lines) <= MAX_INIT_DOCSTRING_LINES


# Django looks for all commands in one folder.
@pytest.mark.parametrize("package", sorted(PACKAGES.keys() - {"downloads.management.commands"}))
def test_a_package_has_at_most_twelve_modules(package) -> None:
    modules = [path for path in PACKAGES[package].glob("*.py") if path.name != "__init__.py"]

    assert len(modules) <= MAX_MODULES


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_a_module_docstring_opens_with_its_subject(path) -> None:
    assert not QUESTION.match(docstring(path))


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_a_name_says_what_it_holds(path) -> None:
    names = assigned_names(ast.parse(path.read_text()))

    assert not [f"{path.name}:{line} {name}" for name, line in names if name in VAGUE_NAMES]
