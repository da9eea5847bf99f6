"""The upgrade of the database at a start: refused on a newer schema, and preceded by a backup."""

import logging
from collections.abc import Callable

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from downloads.database import backup, outages, schema
from downloads.pluralization import format_count

logger = logging.getLogger(__name__)

POSTGRES_ADVICE = "PostgreSQL: for a copy from before, stop now and run pg_dump (docs/operating.md, Upgrading)."


class UpgradeError(Exception):
    """The database was not upgraded; the message is a sentence with what to do."""


def upgrade_database(write_line: Callable[[str], None]) -> None:
    """Apply the pending migrations; raise UpgradeError, or an error of the database that did not answer at all."""
    applied = schema.read_applied()
    if schema.find_unknown(applied):
        raise UpgradeError(schema.describe_mismatch(applied))
    pending = _pending_migrations() if schema.find_pending(applied) else []
    advice = _back_up(pending, applied, write_line) if pending and applied else ""
    try:
        # Without pending migrations too: it creates the content types and permissions of models.
        call_command("migrate", interactive=False, verbosity=0)
    except Exception as error:
        if not pending or not applied:
            raise
        # The reason of a database that is locked or away is enough; anything else is a bug of a migration.
        if not outages.describe_outage(error):
            logger.exception("A migration failed")
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(". ")
        raise UpgradeError(f"The upgrade of the database failed ({reason}). {advice}") from error


def _pending_migrations() -> list[tuple[str, str]]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [(migration.app_label, migration.name) for migration, _ in plan]


def _back_up(pending: list[tuple[str, str]], applied: set[tuple[str, str]], write_line: Callable[[str], None]) -> str:
    """Keep a backup, print its path, and return the advice for an upgrade that fails."""
    count = format_count(len(pending), "migration")
    if connection.vendor != "sqlite":
        write_line(f"Upgrading the database ({count}). {POSTGRES_ADVICE}")
        return "Start again to go on, or restore your dump and start the version from before."
    try:
        path = backup.back_up_before_upgrade(pending, applied)
    except backup.BackupError as error:
        raise UpgradeError(str(error)) from error
    write_line(f"Upgrading the database ({count}). A copy from before is kept: {path}")
    return (
        f"The copy from before is {path}: start again to go on, or put it in the place of the database "
        "and start the version from before (docs/operating.md)."
    )
