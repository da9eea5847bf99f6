"""Who may import whom: read from the imports themselves. CONTRIBUTING.md says why."""

import ast
import functools
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

# Each module of ours and what of ours it may import. A new module takes its place here.
MAY = {
    # The domain
    "downloads.status": set(),
    "downloads.history": {"status"},
    "downloads.queue": {"history", "progress", "status"},
    "downloads.folding": set(),
    "downloads.spoken": set(),
    "downloads.fts5": set(),
    "downloads.tsvector": {"folding"},
    "downloads.search": {"folding", "fts5", "spoken", "tracks", "tsvector"},
    "downloads.ordering": {"status"},
    "downloads.moves": {"history", "progress", "search", "status"},
    "downloads.trash": set(),
    "downloads.removal": {"history", "moves", "trash", "workroom"},
    "downloads.queries": {"progress", "history", "moves", "ordering", "queue", "removal", "search", "status"},
    "downloads.models": {"history", "moves", "ordering", "progress", "queries", "queue", "removal", "status"},
    "downloads.progress": set(),
    "downloads.access": set(),
    "downloads.egress": set(),
    "downloads.sources": {"models", "egress"},
    # From Redis to the page
    "downloads.frames": {"progress"},
    "downloads.known": {"frames", "progress"},
    "downloads.tally": {"progress"},
    "downloads.conflation": {"frames", "known", "progress", "tally"},
    "downloads.reconciliation": {"models", "conflation", "known"},
    "downloads.epoch": {"progress", "conflation", "known", "tally"},
    "downloads.bridge": {"progress", "epoch", "known", "reconciliation", "tally"},
    "downloads.batches": {"frames"},
    "downloads.viewers": {"frames", "tally"},
    "downloads.loops": set(),
    "downloads.fanout": {"batches", "frames", "loops", "progress", "tally", "viewers"},
    "downloads.sessions": {"access", "loops"},
    "downloads.consumers": {"access", "fanout", "frames", "progress", "sessions", "tally"},
    # Whether it works
    "downloads.health": {"loops", "progress"},
    "downloads.metrics": {"filters", "health", "history", "models", "progress", "tally"},
    "downloads.probes": {"health", "metrics"},
    # From the site to the file
    "downloads.steps": set(),
    "downloads.complaints": set(),
    "downloads.ffmpeg": set(),
    "downloads.parts": set(),
    "downloads.ytdl": {"parts"},
    "downloads.workroom": {"filing", "parts"},
    "downloads.filing": set(),
    "downloads.tracks": {"filing"},
    "downloads.limits": {"downloader"},
    "downloads.expansion": {"downloader", "models", "queries", "sources"},
    "downloads.meter": {"progress", "steps"},
    "downloads.reporter": {"progress"},
    "downloads.downloader": {"complaints", "steps", "ytdl"},
    "downloads.archive": {
        "models", "progress", "downloader", "steps", "meter", "reporter", "filing", "ffmpeg", "workroom",
        "complaints", "expansion", "limits", "tracks",
    },
    "downloads.silence": set(),
    "downloads.child": {"archive", "egress", "models", "progress", "silence"},
    "downloads.supervised": {"models", "ffmpeg"},
    "downloads.worker": {"models", "progress", "egress", "supervised", "ffmpeg", "workroom", "filing"},
    # Pages
    "downloads.forms": {"models", "sources"},
    "downloads.views": {"browse", "models", "forms", "progress", "sources", "access", "answers", "detail", "verbs"},
    "downloads.filters": {"models"},
    "downloads.browse": {"filters", "history", "models", "search"},
    "downloads.answers": {"access"},
    "downloads.verbs": {"models", "removal", "downloads.templatetags.words"},
    "downloads.deletion": {"models", "tracks", "downloads.templatetags.words"},
    "downloads.control": {"answers", "deletion", "models", "verbs"},
    "downloads.signin": {"answers"},
    "downloads.admin": {
        "answers", "filters", "deletion", "models", "search", "signin", "downloads.templatetags.words", "verbs",
    },
    "downloads.templatetags.undo": set(),
    "downloads.api": {"access", "fanout"},
    "downloads.media": {"models", "access", "filing", "tracks"},
    "downloads.detail": {"filing", "history", "media", "models", "tracks"},
    "downloads.apps": set(),
    "downloads.templatetags.words": {"models"},
    "downloads.templatetags.drawn": {"models", "downloads.templatetags.words"},
    "downloads.templatetags.tight": set(),
    "downloads.templatetags.marks": {"folding", "models", "spoken", "tracks"},
    "downloads.templatetags.prose": set(),
    # How it is wired and started
    "ytarchive.data": set(),
    "ytarchive.variables": set(),
    "ytarchive.settings": {"ytarchive.data", "ytarchive.variables"},
    "ytarchive.staticfiles": set(),
    "ytarchive.layers": set(),
    "ytarchive.memory": set(),
    "ytarchive.pooling": set(),
    "ytarchive.server": {"frames"},
    "ytarchive.redisserver": set(),
    "ytarchive.part": set(),
    "ytarchive.prepare": {"models"},
    "ytarchive.listening": {"ytarchive.prepare"},
    "ytarchive.vitals": {"health", "progress", "ytarchive.redisserver", "ytarchive.part", "ytarchive.prepare"},
}  # fmt: skip
# Where everything comes together: these import what they start, and only each other imports them.
LEAVES = {"downloads.urls", "downloads.routing", "ytarchive.asgi", "ytarchive.urls", "ytarchive.stack"}
COMMANDS = "downloads.management.commands."
# Packages that only some modules may know.
ONLY = {
    "yt_dlp": {"downloads.ytdl"},
    "channels": {
        "downloads.consumers", "downloads.health", "downloads.routing", "ytarchive.asgi", COMMANDS + "bridge_progress",
    },
    "channels_redis": {"ytarchive.layers"},
    "daphne": {"ytarchive.server", COMMANDS + "web", COMMANDS + "runserver"},
    "redis": {
        "downloads.progress", "downloads.epoch", "downloads.fanout", "downloads.api", "downloads.worker",
        "downloads.health", "downloads.tally",
        "ytarchive.settings", "ytarchive.variables", "ytarchive.layers", "ytarchive.vitals",
    },
}  # fmt: skip


def modules() -> dict[str, Path]:
    """Return every module of the program by its name; tests and migrations are none."""
    found = {}
    for folder in ("downloads", "ytarchive"):
        for path in sorted((settings.BASE_DIR / folder).rglob("*.py")):
            parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
            if path.name != "__init__.py" and not {"tests", "migrations"} & set(parts):
                found[".".join(parts)] = path
    return found


MODULES = modules()


@functools.cache
def imports(name: str) -> set[str]:
    """Return the full names that a module imports, inside functions too."""
    return set(_names(_running(ast.parse(MODULES[name].read_text())), name.rpartition(".")[0]))


def _running(tree: ast.Module) -> ast.Module:
    """Return the module without what only type checkers read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    return tree


def _names(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def ours(name: str) -> set[str]:
    """Return the modules of ours that a module imports."""
    return {_module(target) for target in imports(name)} - {""}


def _module(target: str) -> str:
    """Return the module of ours that holds `target`; nothing if none does."""
    while target and target not in MODULES:
        target = target.rpartition(".")[0]
    return target


def allowed(name: str) -> set[str]:
    return {short if "." in short else f"downloads.{short}" for short in MAY[name]}


def is_leaf(name: str) -> bool:
    return name in LEAVES or name.startswith(COMMANDS)


@pytest.mark.parametrize("name", [name for name in MODULES if not is_leaf(name)])
def test_it_imports_its_neighbours_only(name: str) -> None:
    assert name in MAY, f"{name} is new: give it a place in this table, and in CONTRIBUTING.md"
    assert ours(name) <= allowed(name)


@pytest.mark.parametrize("name", MODULES)
def test_it_knows_only_the_packages_that_are_its_business(name: str) -> None:
    packages = {target.split(".")[0] for target in imports(name)}

    assert not {package for package in packages & ONLY.keys() if name not in ONLY[package]}


def test_it_imports_no_test() -> None:
    assert not [name for name in MODULES for target in imports(name) if target.startswith("downloads.tests")]


def test_it_has_no_circle() -> None:
    graph = {name: allowed(name) for name in MAY}

    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_it_lists_no_module_that_is_gone() -> None:
    assert MAY.keys() | LEAVES <= MODULES.keys()


def test_it_finds_every_way_to_import() -> None:
    tree = ast.parse("import a.b\nfrom a import c\nfrom . import d\nfrom .e import f\ndef g():\n    import h")

    assert set(_names(tree, "room")) == {"a.b", "a.c", "room.d", "room.e.f", "h"}


def test_a_command_loads_no_server_that_it_does_not_run() -> None:
    quiet = [name for name in MODULES if name.startswith(COMMANDS) and name not in ONLY["daphne"]]
    loading = f"import django, sys; django.setup(); import {', '.join(quiet)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", loading], check=True, stdout=subprocess.PIPE, text=True).stdout

    assert not {"twisted", "daphne"} & set(loaded.split())
