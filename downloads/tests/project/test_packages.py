"""Packages: their size, their docstrings, and names that say nothing."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from downloads.tests.support.cases import each_case
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
QUESTION = re.compile(r"(What|Which|Why|How|Who|Whose|Where|Whether)\b")
VAGUE_NAMES = {"found", "given", "asked", "told"}
PYTHON_FILES = sorted(
    path
    for folder in ("downloads", "ytarchive", "benchmarks")
    for path in (settings.BASE_DIR / folder).rglob("*.py")
    if not {"migrations", "node_modules"} & set(path.parts)
)


def documented_nodes(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and docstring of a module and of its classes and functions; of a test module, its own only."""
    tree = ast.parse(path.read_text())
    yield "", ast.get_docstring(tree) or ""
    for node in ast.walk(tree) if "tests" not in path.relative_to(settings.BASE_DIR).parts else ():
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, ast.get_docstring(node) or ""


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text())) or ""


def assigned_names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield the names of variables and parameters, each with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno


@each_case("package", sorted(PACKAGES.keys() - FOLDERS_OF_DJANGO))
def test_a_package_says_what_it_does_in_three_lines(package) -> None:
    lines = docstring(PACKAGES[package] / "__init__.py").splitlines()

    assert 1 <= len(lines) <= MAX_INIT_DOCSTRING_LINES


# Django looks for all commands in one folder.
@each_case("package", sorted(PACKAGES.keys() - {"downloads.management.commands"}))
def test_a_package_has_at_most_twelve_modules(package) -> None:
    modules = [path for path in PACKAGES[package].glob("*.py") if path.name != "__init__.py"]

    assert len(modules) <= MAX_MODULES


@each_case("path", PYTHON_FILES)
def test_a_docstring_says_its_subject_first_and_a_name_what_it_holds(path) -> None:
    names = assigned_names(ast.parse(path.read_text()))

    assert not [f"{name}: {text}" for name, text in documented_nodes(path) if QUESTION.match(text)]
    assert not [f"{path.name}:{line} {name}" for name, line in names if name in VAGUE_NAMES]
