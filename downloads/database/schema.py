"""The schema of the database and the one this code was written for, compared by the names of the migrations.

Django itself runs on a newer schema without a word, until a column is missing.
"""

import functools
import pkgutil
import time
from importlib import import_module

from django.apps import apps
from django.db import Error, connection
from django.db.migrations.recorder import MigrationRecorder

CACHE_SECONDS = 1.0
OWN_APP = "downloads"
EMPTY_SENTENCE = "The database has no tables yet: run `manage.py prepare`, or `manage.py up`, which does so by itself."
_cached_mismatch: tuple[float, str] = (float("-inf"), "")  # when it was read (monotonic), the sentence


class SchemaMismatch(Error):
    """The database and this code do not belong together; the message says which is newer, and what to do."""


def read_applied() -> set[tuple[str, str]]:
    """Return the migrations that were applied to the database, as (app, name); none for an empty database."""
    return set(MigrationRecorder(connection).applied_migrations())


def find_unknown(applied: set[tuple[str, str]]) -> list[str]:
    """Return the applied migrations of the installed apps that this code does not know, such as "downloads.0099_x".

    Other people's apps may delete an old migration that another one replaces, so theirs count if they are newer only.
    """
    known = known_migrations()
    unknown = [
        f"{app}.{name}"
        for app, name in applied
        if app in known and name not in known[app] and (app == OWN_APP or name[:4] >= max(known[app], default="")[:4])
    ]
    return sorted(unknown)


def find_pending(applied: set[tuple[str, str]]) -> list[str]:
    """Return the migrations of this code that the database lacks."""
    required = _required_migrations()
    return sorted(f"{app}.{name}" for app, names in required.items() for name in names if (app, name) not in applied)


@functools.cache
def known_migrations() -> dict[str, frozenset[str]]:
    """Return the names of all migrations of each installed app, with those that another one replaces."""
    required = _required_migrations()
    return {app: names | _replaced_names(app) for app, names in required.items()}


@functools.cache
def _required_migrations() -> dict[str, frozenset[str]]:
    """Return the names of each app's migrations, from its folder: importing all of them would take 0.2 s."""
    names = {}
    for config in apps.get_app_configs():
        try:
            package = import_module(f"{config.name}.migrations")
        except ModuleNotFoundError:
            continue
        modules = {module.name for module in pkgutil.iter_modules(package.__path__) if module.name[0] not in "_~"}
        names[config.label] = frozenset(modules)
    return names


def _replaced_names(app: str) -> frozenset[str]:
    package = f"{apps.get_app_config(app).name}.migrations"
    squashed = [name for name in _required_migrations()[app] if "squashed" in name]
    migrations = [import_module(f"{package}.{name}").Migration for name in squashed]
    return frozenset(name for migration in migrations for _, name in migration.replaces)


def describe_mismatch(applied: set[tuple[str, str]]) -> str:
    """Return a sentence that says which is newer, the database or this code; "" if they belong together."""
    if unknown := find_unknown(applied):
        return (
            f"The database belongs to a newer version of ytarchive (it has the migration {unknown[-1]}): "
            "start that version, or restore the copy of the database from before its upgrade (docs/operating.md)."
        )
    if not applied:
        return EMPTY_SENTENCE
    if pending := find_pending(applied):
        return (
            f"The database belongs to an older version of ytarchive (it lacks the migration {pending[0]}): "
            "run `manage.py prepare`, or `manage.py up`, which does so by itself."
        )
    return ""


def require_matching() -> None:
    """Raise SchemaMismatch if code and database do not belong together; an unreachable database is left to others."""
    try:
        sentence = describe_mismatch(read_applied())
    except Error:
        return
    if sentence:
        raise SchemaMismatch(sentence)


def require_matching_cached() -> None:
    """Raise SchemaMismatch as `find_mismatch_cached` says."""
    if sentence := find_mismatch_cached():
        raise SchemaMismatch(sentence)


def find_mismatch_cached() -> str:
    """Return `describe_mismatch` of the database, at most CACHE_SECONDS old; "" while it cannot be read."""
    global _cached_mismatch
    read_at, sentence = _cached_mismatch
    if time.monotonic() - read_at >= CACHE_SECONDS:
        try:
            sentence = describe_mismatch(read_applied())
        except Error:
            sentence = ""
        _cached_mismatch = time.monotonic(), sentence
    return sentence
