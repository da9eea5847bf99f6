"""Rules for imports between packages, read from the source code; CONTRIBUTING.md explains them."""

import ast
import functools
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django.conf import settings

from downloads.tests.support.source_modules import find_modules

# Each package, or module at the top of the app, and the parts of the app it may import besides itself.
# "ytdlp.results" allows that one module of a package.
APP = {
    "liveness": set(),
    "outage_log": set(),
    "parent_death": set(),
    "pluralization": set(),
    "forked_process": {"parent_death"},
    "asyncio_tasks": set(),
    "loop_local": set(),
    "database": {"outage_log"},
    "progress": {"outage_log"},
    "files": set(),
    "network": set(),
    "subtitles": {"files"},
    "search": {"network", "subtitles"},
    "ytdlp_update": {"files", "network", "parent_death"},
    "ytdlp": {"files", "network", "subtitles", "ytdlp_update"},
    "accounts": {"loop_local", "models", "network", "outage_log", "pluralization"},
    "fanout": {"progress", "loop_local", "asyncio_tasks"},
    "models": {"progress", "search", "files", "network", "database"},
    "intake": {"models", "network", "ytdlp.results", "database", "pluralization"},
    "subscriptions": {"models", "intake", "network", "database", "progress", "ytdlp.results", "pluralization"},
    "library": {"accounts", "models", "formatting", "network", "search", "files", "subtitles", "ytdlp_update"},
    "bridge": {"models", "progress", "asyncio_tasks", "database", "outage_log"},
    "formatting": {"models", "network"},
    "forms": {"models", "intake", "subscriptions", "subtitles"},
    "actions": {
        "accounts",
        "models",
        "files",
        "formatting",
        "pluralization",
        "subtitles",
        "database",
        "progress",
        "outage_log",
    },
    "audit": {"models", "accounts", "progress"},
    "monitoring": {
        "accounts",
        "database",
        "models",
        "files",
        "library",
        "progress",
        "loop_local",
        "asyncio_tasks",
        "outage_log",
        "ytdlp_update",
    },
    "worker": {
        "models",
        "progress",
        "ytdlp",
        "ytdlp_update",
        "files",
        "subtitles",
        "network",
        "intake",
        "subscriptions",
        "database",
        "liveness",
        "outage_log",
        "parent_death",
        "forked_process",
    },
    "views": {
        "models",
        "audit",
        "database",
        "intake",
        "subscriptions",
        "library",
        "actions",
        "accounts",
        "fanout",
        "progress",
        "files",
        "subtitles",
        "forms",
        "formatting",
        "pluralization",
        "monitoring",
        "outage_log",
        "ytdlp_update",
    },
    "consumers": {"accounts", "fanout", "library", "progress"},
    "apps": {"audit", "database"},
}
# These may import all of the app. Nothing of the app imports them, except urls and routing among themselves.
TOP = {"admin", "urls", "routing", "templatetags", "management"}
# The project's own modules and packages, and the parts of the project and of the app they may import.
PROJECT = {
    "ytarchive.env": {"downloads.subtitles"},
    "ytarchive.data_folder": set(),
    "ytarchive.data_permissions": set(),
    "ytarchive.formats": set(),
    "ytarchive.logging_config": {"downloads.network"},
    "ytarchive.log_rate": set(),
    "ytarchive.sign_in_settings": set(),
    "ytarchive.header_settings": {"ytarchive.env"},
    "ytarchive.static_storage": set(),
    "ytarchive.message_storage": set(),
    "ytarchive.settings": {
        "ytarchive.env",
        "ytarchive.data_folder",
        "ytarchive.data_permissions",
        "ytarchive.logging_config",
        "ytarchive.sign_in_settings",
        "ytarchive.header_settings",
    },
    "ytarchive.server": {
        "downloads.accounts",
        "downloads.fanout",
        "downloads.liveness",
        "downloads.outage_log",
        "downloads.progress",
    },
    "ytarchive.supervisor": {
        "ytarchive.data_permissions",
        "downloads.files",
        "downloads.forked_process",
        "downloads.liveness",
        "downloads.database",
        "downloads.models",
        "downloads.monitoring",
        "downloads.parent_death",
        "downloads.pluralization",
        "downloads.progress",
    },
    "ytarchive.asgi": {
        "ytarchive.server",
        "downloads.accounts",
        "downloads.database",
        "downloads.monitoring",
        "downloads.outage_log",
        "downloads.routing",
    },
    "ytarchive.urls": {"downloads.views"},
}
# Commands are where the app starts the project's servers and processes; nothing else of the app knows them.
STARTS_THE_PROJECT = "downloads.management"
# Third-party packages that only some of our packages may import.
THIRD_PARTY = {
    "yt_dlp": {"downloads.ytdlp"},
    "yt_dlp_ejs": {"downloads.ytdlp"},
    "channels": {
        "downloads.consumers",
        "downloads.routing",
        "downloads.monitoring",
        "downloads.management.commands.bridge_progress",
        "ytarchive.asgi",
    },
    "channels_redis": {"ytarchive.server.channel_layer"},
    "daphne": {
        "ytarchive.server",
        "downloads.management.commands.web",
        "downloads.management.commands.runserver",
    },
    # Decoding pictures of strangers is the task of one program, which runs in a process of its own.
    "PIL": {"downloads.files.thumbnails.drawing"},
    "twisted": {"ytarchive.server"},
    "cronsim": {"downloads.subscriptions.schedule"},
    "re2": {"downloads.subscriptions.patterns"},
    "redis": {
        "downloads.progress",
        "downloads.bridge",
        "downloads.fanout",
        "downloads.monitoring",
        "downloads.worker",
        "downloads.views.snapshot",
        "ytarchive",
    },
}


@dataclass(frozen=True)
class Import:
    """One import: the module it stands in, its file and line, and the full name it imports."""

    module: str
    path: str
    line: int
    target: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line} imports {self.target}"


MODULES = find_modules()


def parse_imports(source: str, module: str, path: str, *, is_package: bool = False) -> Iterator[Import]:
    """Yield all imports: at the top, in functions, and those for type checkers."""
    package = module if is_package else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(module, path, node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source_module = ".".join([*parents, *([node.module] if node.module else [])])
            yield from (Import(module, path, node.lineno, f"{source_module}.{alias.name}") for alias in node.names)


@functools.cache
def read_imports() -> list[Import]:
    """Return all imports of the program."""
    return [
        edge
        for module, path in MODULES.items()
        for edge in parse_imports(
            path.read_text(),
            module,
            str(path.relative_to(settings.BASE_DIR)),
            is_package=path.name == "__init__.py",
        )
    ]


def containing_module(target: str) -> str:
    """Return the module of ours that `target` is or is in; "" for what is not ours."""
    while target and target not in MODULES:
        target = target.rpartition(".")[0]
    return target


def is_in(module: str, package: str) -> bool:
    """Tell whether a module is this package, or in it."""
    return module == package or module.startswith(f"{package}.")


def rule_of(module: str) -> str:
    """Return the package, or the top-level module, whose rule holds for a module: "downloads.models"."""
    return ".".join(module.split(".")[:2])


def allowed_packages(module: str) -> set[str] | None:
    """Return what of ours a module may import; None for all of the app."""
    rule = rule_of(module)
    if rule in PROJECT:
        return PROJECT[rule] | {rule}
    name = rule.removeprefix("downloads.")
    if name in TOP:
        return None
    return {f"downloads.{package}" for package in APP.get(name, set())} | {rule}


def breaks_a_rule(edge: Import) -> bool:
    """Tell whether an import goes where its package may not."""
    target = containing_module(edge.target)
    if not target or target == edge.module:
        return False
    allowed = allowed_packages(edge.module)
    if allowed is None:
        to_the_project = target.startswith("ytarchive") and not is_in(edge.module, STARTS_THE_PROJECT)
        return to_the_project or is_in(target, STARTS_THE_PROJECT)
    return not any(is_in(target, package) for package in allowed)


def test_each_package_has_a_rule() -> None:
    rules = {f"downloads.{name}" for name in APP.keys() | TOP} | PROJECT.keys()
    packages = {rule_of(module) for module in MODULES} - {"downloads", "ytarchive"}

    assert packages == rules, "give a new package its row here, and its line in CONTRIBUTING.md"


def test_no_import_breaks_a_rule() -> None:
    assert not [str(edge) for edge in read_imports() if breaks_a_rule(edge)]


def test_third_party_packages_stay_where_they_belong() -> None:
    breaches = [
        str(edge)
        for edge in read_imports()
        if (package := edge.target.split(".")[0]) in THIRD_PARTY
        and not any(is_in(edge.module, home) for home in THIRD_PARTY[package])
    ]

    assert not breaches


def test_the_program_imports_no_test() -> None:
    assert not [str(edge) for edge in read_imports() if is_in(edge.target, "downloads.tests")]


def test_packages_have_no_circle() -> None:
    graph = {name: {package.split(".")[0] for package in packages} for name, packages in APP.items()}

    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_modules_have_no_circle() -> None:
    graph: dict[str, set[str]] = {module: set() for module in MODULES}
    for edge in read_imports():
        target = containing_module(edge.target)
        # A package's __init__ may import its own modules, and its modules are in it.
        if target and target != edge.module and not is_in(edge.module, target):
            graph[edge.module].add(target)

    assert list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize(
    ("source", "breaks"),
    [
        ("from downloads.models import Video", True),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from downloads.models.video import Video", True),
        ("def read():\n    import downloads.bridge.leader", True),
        ("from downloads.progress import keys", False),
        ("import json", False),
    ],
)
def test_a_breach_is_found_wherever_it_stands(source: str, breaks: bool) -> None:
    imports = parse_imports(source, "downloads.fanout.hub", "downloads/fanout/hub.py")

    assert [str(edge) for edge in imports if breaks_a_rule(edge)] == (
        [f"downloads/fanout/hub.py:{len(source.splitlines())} imports {imported_name(source)}"] if breaks else []
    )


def imported_name(source: str) -> str:
    """Return the full name that the last line imports."""
    line = source.splitlines()[-1].strip()
    return line.removeprefix("from ").replace(" import ", ".") if line.startswith("from") else line.split()[-1]


def test_every_way_to_import_is_read() -> None:
    source = "import a.b\nfrom a import c\nfrom . import d\nfrom .e import f\ndef g():\n    import h"

    assert {edge.target for edge in parse_imports(source, "package.module", "x.py")} == {
        "a.b",
        "a.c",
        "package.d",
        "package.e.f",
        "h",
    }


def test_a_command_loads_no_server_that_it_does_not_run() -> None:
    commands = [name for name in MODULES if is_in(name, "downloads.management.commands")]
    serverless_commands = [name for name in commands if name not in THIRD_PARTY["daphne"]]
    program = f"import django, sys; django.setup(); import {', '.join(serverless_commands)}; print(*sys.modules)"
    loaded_modules = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True
    ).stdout

    assert not {"twisted", "daphne"} & set(loaded_modules.split())
