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
ALLOWED_IMPORTS = {
    "downloads.accounts.client_address": set(),
    "downloads.accounts.context_processors": {"downloads.accounts.permissions"},
    "downloads.accounts.permissions": set(),
    "downloads.accounts.session_monitor": {"downloads.accounts.permissions", "downloads.loop_local"},
    "downloads.actions.delete_confirmation": {"downloads.files.subtitles", "downloads.formatting"},
    "downloads.actions.queue_actions": {"downloads.actions.video_actions"},
    "downloads.actions.video_actions": {"downloads.formatting", "downloads.models.removal"},
    "downloads.admin": {
        "downloads.actions.delete_confirmation", "downloads.actions.video_actions", "downloads.formatting",
        "downloads.library.filters", "downloads.search.query", "downloads.views.login", "downloads.views.responses",
    },
    "downloads.apps": set(),
    "downloads.bridge.conflator": {
        "downloads.bridge.encoding", "downloads.bridge.video_state", "downloads.progress.batch",
        "downloads.progress.counters", "downloads.progress.message",
    },
    "downloads.bridge.encoding": {
        "downloads.bridge.video_state", "downloads.progress.batch", "downloads.progress.message",
    },
    "downloads.bridge.epoch": {
        "downloads.bridge.conflator", "downloads.bridge.lease", "downloads.bridge.snapshot_store",
        "downloads.bridge.video_state", "downloads.progress.counters", "downloads.progress.keys",
        "downloads.progress.message", "downloads.progress.redis_clients",
    },
    "downloads.bridge.leader": {
        "downloads.bridge.epoch", "downloads.bridge.lease", "downloads.bridge.rows",
        "downloads.bridge.snapshot_store", "downloads.bridge.video_state", "downloads.progress.counters",
        "downloads.progress.keys", "downloads.progress.redis_clients",
    },
    "downloads.bridge.lease": set(),
    "downloads.bridge.rows": {"downloads.bridge.conflator", "downloads.bridge.video_state"},
    "downloads.bridge.snapshot_store": {"downloads.progress.message"},
    "downloads.bridge.video_state": {"downloads.progress.batch", "downloads.progress.message"},
    "downloads.consumers": {
        "downloads.accounts.permissions", "downloads.accounts.session_monitor", "downloads.fanout.frames",
        "downloads.fanout.hub", "downloads.progress.counters", "downloads.progress.keys",
    },
    "downloads.database": set(),
    "downloads.fanout.client": {"downloads.fanout.frames", "downloads.progress.counters"},
    "downloads.fanout.frames": {"downloads.progress.batch", "downloads.progress.message"},
    "downloads.fanout.hub": {
        "downloads.fanout.client", "downloads.fanout.frames", "downloads.fanout.snapshot", "downloads.loop_local",
        "downloads.progress.batch", "downloads.progress.counters", "downloads.progress.keys",
        "downloads.progress.redis_clients",
    },
    "downloads.fanout.snapshot": {"downloads.fanout.frames", "downloads.progress.batch"},
    "downloads.files.ffmpeg": set(),
    "downloads.files.http_range": set(),
    "downloads.files.media_folder": set(),
    "downloads.files.media_types": set(),
    "downloads.files.names": set(),
    "downloads.files.partial_file": set(),
    "downloads.files.subtitles": {"downloads.files.media_folder"},
    "downloads.files.trash": set(),
    "downloads.files.webvtt": set(),
    "downloads.files.workspace": {"downloads.files.media_folder", "downloads.files.partial_file"},
    "downloads.formatting": set(),
    "downloads.forms": set(),
    "downloads.intake.duplicates": {"downloads.database"},
    "downloads.intake.playlists": {"downloads.intake.urls", "downloads.ytdlp.results"},
    "downloads.intake.submit": {"downloads.intake.urls", "downloads.network.address_policy"},
    "downloads.intake.urls": {"downloads.network.address_policy"},
    "downloads.library.filters": set(),
    "downloads.library.listing": {"downloads.library.filters", "downloads.models.event", "downloads.search.query"},
    "downloads.library.video_page": {
        "downloads.files.media_folder", "downloads.files.media_types", "downloads.files.subtitles",
        "downloads.models.event",
    },
    "downloads.loop_local": set(),
    "downloads.models.choices": set(),
    "downloads.models.event": {"downloads.models.choices"},
    "downloads.models.indexes": {"downloads.models.choices"},
    "downloads.models.querysets": {
        "downloads.database", "downloads.models.choices", "downloads.models.event", "downloads.models.indexes",
        "downloads.models.queue", "downloads.models.removal", "downloads.models.transitions",
        "downloads.models.value_objects", "downloads.progress.keys", "downloads.search.index",
    },
    "downloads.models.queue": {
        "downloads.models.choices", "downloads.models.event", "downloads.progress.message",
        "downloads.progress.publisher",
    },
    "downloads.models.removal": {
        "downloads.files.trash", "downloads.files.workspace", "downloads.models.event",
        "downloads.models.transitions",
    },
    "downloads.models.transitions": {
        "downloads.models.choices", "downloads.models.event", "downloads.progress.message",
        "downloads.progress.publisher", "downloads.search.document", "downloads.search.index",
    },
    "downloads.models.value_objects": set(),
    "downloads.models.video": {
        "downloads.models.choices", "downloads.models.indexes", "downloads.models.querysets",
        "downloads.models.removal", "downloads.models.transitions", "downloads.models.value_objects",
        "downloads.progress.message",
    },
    "downloads.monitoring.endpoints": {"downloads.monitoring.health", "downloads.monitoring.metrics"},
    "downloads.monitoring.health": {
        "downloads.loop_local", "downloads.progress.keys", "downloads.progress.redis_clients",
    },
    "downloads.monitoring.metrics": {
        "downloads.library.filters", "downloads.models.event", "downloads.monitoring.health",
        "downloads.progress.counters", "downloads.progress.keys", "downloads.progress.redis_clients",
    },
    "downloads.network.address_policy": set(),
    "downloads.network.proxy": {"downloads.network.address_policy", "downloads.network.rate_limiter"},
    "downloads.network.rate_limiter": set(),
    "downloads.progress.batch": set(),
    "downloads.progress.counters": {"downloads.progress.keys"},
    "downloads.progress.keys": set(),
    "downloads.progress.message": {"downloads.progress.keys"},
    "downloads.progress.publisher": {
        "downloads.progress.keys", "downloads.progress.message", "downloads.progress.redis_clients",
    },
    "downloads.progress.redis_clients": set(),
    "downloads.search.backend": {"downloads.search.postgres", "downloads.search.sqlite"},
    "downloads.search.document": {
        "downloads.files.subtitles", "downloads.files.webvtt", "downloads.search.tokenizer",
    },
    "downloads.search.index": {"downloads.search.backend", "downloads.search.document"},
    "downloads.search.postgres": {"downloads.search.tokenizer"},
    "downloads.search.query": {"downloads.search.backend", "downloads.search.tokenizer"},
    "downloads.search.sqlite": set(),
    "downloads.search.tokenizer": set(),
    "downloads.templatetags.description": set(),
    "downloads.templatetags.fragments": {"downloads.formatting"},
    "downloads.templatetags.highlight": {
        "downloads.files.subtitles", "downloads.files.webvtt", "downloads.search.tokenizer",
    },
    "downloads.templatetags.undo": set(),
    "downloads.templatetags.video_format": {"downloads.formatting"},
    "downloads.templatetags.whitespace": set(),
    "downloads.views.actions": {
        "downloads.actions.delete_confirmation", "downloads.actions.queue_actions",
        "downloads.actions.video_actions", "downloads.views.decorators", "downloads.views.responses",
    },
    "downloads.views.decorators": {"downloads.accounts.permissions", "downloads.views.responses"},
    "downloads.views.login": {"downloads.views.responses"},
    "downloads.views.media": {
        "downloads.accounts.permissions", "downloads.files.http_range", "downloads.files.media_folder",
        "downloads.files.media_types", "downloads.files.subtitles",
    },
    "downloads.views.pages": {
        "downloads.accounts.permissions", "downloads.actions.video_actions", "downloads.forms",
        "downloads.intake.submit", "downloads.library.listing", "downloads.library.video_page",
        "downloads.progress.keys", "downloads.views.decorators", "downloads.views.responses",
    },
    "downloads.views.responses": set(),
    "downloads.views.snapshot": {"downloads.accounts.permissions", "downloads.fanout.hub"},
    "downloads.worker.attempt": {
        "downloads.database", "downloads.files.ffmpeg", "downloads.files.media_folder",
        "downloads.files.media_types", "downloads.files.names", "downloads.files.subtitles",
        "downloads.files.workspace", "downloads.intake.duplicates", "downloads.intake.playlists",
        "downloads.progress.message", "downloads.progress.publisher", "downloads.worker.limits",
        "downloads.worker.metadata", "downloads.worker.progress_meter", "downloads.worker.progress_reporter",
        "downloads.ytdlp.downloader", "downloads.ytdlp.error_messages", "downloads.ytdlp.results",
        "downloads.ytdlp.streams",
    },
    "downloads.worker.child": {
        "downloads.database", "downloads.network.proxy", "downloads.network.rate_limiter",
        "downloads.progress.message", "downloads.worker.attempt", "downloads.worker.stall_watchdog",
    },
    "downloads.worker.download_process": {"downloads.files.ffmpeg"},
    "downloads.worker.limits": {"downloads.ytdlp.results"},
    "downloads.worker.metadata": set(),
    "downloads.worker.progress_meter": {"downloads.progress.message", "downloads.ytdlp.streams"},
    "downloads.worker.progress_reporter": {"downloads.progress.message"},
    "downloads.worker.stall_watchdog": set(),
    "downloads.worker.supervisor": {
        "downloads.database", "downloads.files.ffmpeg", "downloads.files.media_folder", "downloads.files.workspace",
        "downloads.progress.keys", "downloads.progress.redis_clients", "downloads.worker.download_process",
    },
    "downloads.ytdlp.downloader": {
        "downloads.ytdlp.error_messages", "downloads.ytdlp.options", "downloads.ytdlp.results",
        "downloads.ytdlp.resuming_client", "downloads.ytdlp.streams",
    },
    "downloads.ytdlp.error_messages": set(),
    "downloads.ytdlp.options": set(),
    "downloads.ytdlp.results": {"downloads.ytdlp.streams"},
    "downloads.ytdlp.resuming_client": {"downloads.files.partial_file"},
    "downloads.ytdlp.streams": set(),
    "ytarchive.data_folder": set(),
    "ytarchive.env": set(),
    "ytarchive.server.channel_layer": set(),
    "ytarchive.server.daphne_server": {"downloads.fanout.frames"},
    "ytarchive.server.origin": set(),
    "ytarchive.server.tuning": set(),
    "ytarchive.settings": {"ytarchive.data_folder", "ytarchive.env"},
    "ytarchive.static_storage": set(),
    "ytarchive.supervisor.bootstrap": set(),
    "ytarchive.supervisor.embedded_redis": set(),
    "ytarchive.supervisor.listener": {"ytarchive.supervisor.bootstrap"},
    "ytarchive.supervisor.process": set(),
    "ytarchive.supervisor.readiness": {
        "downloads.monitoring.health", "downloads.progress.keys", "downloads.progress.redis_clients",
        "ytarchive.supervisor.bootstrap", "ytarchive.supervisor.embedded_redis", "ytarchive.supervisor.process",
    },
}  # fmt: skip
# Where everything comes together: these import what they start, and only each other imports them.
NOT_IMPORTABLE = {
    "downloads.urls",
    "downloads.routing",
    "ytarchive.asgi",
    "ytarchive.urls",
    "ytarchive.supervisor.stack",
}
COMMANDS_PREFIX = "downloads.management.commands."
# Packages that only some modules may know.
PACKAGE_OWNERS = {
    "yt_dlp": {"downloads.ytdlp.resuming_client"},
    "channels": {
        "downloads.consumers", "downloads.management.commands.bridge_progress", "downloads.monitoring.health",
        "downloads.routing", "ytarchive.asgi",
    },
    "channels_redis": {"ytarchive.server.channel_layer"},
    "daphne": {
        "downloads.management.commands.runserver", "downloads.management.commands.web",
        "ytarchive.server.daphne_server",
    },
    "redis": {
        "downloads.fanout.hub", "downloads.monitoring.health", "downloads.progress.counters",
        "downloads.progress.publisher", "downloads.progress.redis_clients", "downloads.views.snapshot",
        "downloads.worker.supervisor", "ytarchive.env", "ytarchive.server.channel_layer", "ytarchive.settings",
        "ytarchive.supervisor.readiness",
    },
}  # fmt: skip


def find_modules() -> dict[str, Path]:
    """Return every module of the program by its name; tests and migrations are none."""
    found = {}
    for folder in ("downloads", "ytarchive"):
        for path in sorted((settings.BASE_DIR / folder).rglob("*.py")):
            parts = path.relative_to(settings.BASE_DIR).with_suffix("").parts
            if path.name != "__init__.py" and not {"tests", "migrations"} & set(parts):
                found[".".join(parts)] = path
    return found


MODULES = find_modules()


@functools.cache
def imported_names(name: str) -> set[str]:
    """Return the full names that a module imports, inside functions too."""
    return set(_imported_names(_without_type_checking(ast.parse(MODULES[name].read_text())), name.rpartition(".")[0]))


def _without_type_checking(tree: ast.Module) -> ast.Module:
    """Return the module without what only type checkers read."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    return tree


def _imported_names(tree: ast.Module, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{source}.{alias.name}" for alias in node.names)


def imported_project_modules(name: str) -> set[str]:
    """Return the modules of ours that a module imports."""
    return {_module(target) for target in imported_names(name)} - {""}


def _module(target: str) -> str:
    """Return the module of ours that holds `target`; nothing if none does."""
    while target and target not in MODULES:
        target = target.rpartition(".")[0]
    return target


def allowed_modules(name: str) -> set[str]:
    return {short if "." in short else f"downloads.{short}" for short in ALLOWED_IMPORTS[name]}


def is_leaf(name: str) -> bool:
    return name in NOT_IMPORTABLE or name.startswith(COMMANDS_PREFIX)


@pytest.mark.parametrize("name", [name for name in MODULES if not is_leaf(name)])
def test_it_imports_allowed_packages_only(name: str) -> None:
    assert name in ALLOWED_IMPORTS, f"{name} is new: give it a place in this table, and in CONTRIBUTING.md"
    assert imported_project_modules(name) <= allowed_modules(name)


@pytest.mark.parametrize("name", MODULES)
def test_third_party_packages_have_owners(name: str) -> None:
    packages = {target.split(".")[0] for target in imported_names(name)}

    assert not {package for package in packages & PACKAGE_OWNERS.keys() if name not in PACKAGE_OWNERS[package]}


def test_it_imports_no_test() -> None:
    assert not [name for name in MODULES for target in imported_names(name) if target.startswith("downloads.tests")]


def test_there_are_no_import_cycles() -> None:
    graph = {name: allowed_modules(name) for name in ALLOWED_IMPORTS}

    assert list(graphlib.TopologicalSorter(graph).static_order())


def test_it_lists_no_module_that_is_gone() -> None:
    assert ALLOWED_IMPORTS.keys() | NOT_IMPORTABLE <= MODULES.keys()


def test_it_finds_every_way_to_import() -> None:
    tree = ast.parse("import a.b\nfrom a import c\nfrom . import d\nfrom .e import f\ndef g():\n    import h")

    assert set(_imported_names(tree, "room")) == {"a.b", "a.c", "room.d", "room.e.f", "h"}


def test_a_command_loads_no_server_that_it_does_not_run() -> None:
    quiet = [name for name in MODULES if name.startswith(COMMANDS_PREFIX) and name not in PACKAGE_OWNERS["daphne"]]
    loading = f"import django, sys; django.setup(); import {', '.join(quiet)}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", loading], check=True, stdout=subprocess.PIPE, text=True).stdout

    assert not {"twisted", "daphne"} & set(loaded.split())
