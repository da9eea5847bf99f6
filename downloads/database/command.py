"""Base of the commands that use the database: a sentence in place of a traceback when it is not usable."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from downloads.database import schema
from downloads.database.outages import describe_outage


class DatabaseCommand(BaseCommand):
    """Command that refuses a database of another version, and says why the database failed it."""

    def execute(self, *args: Any, **options: Any) -> Any:
        """Run the command; raise CommandError with one sentence."""
        try:
            schema.require_matching()
            return super().execute(*args, **options)
        except schema.SchemaMismatch as error:
            raise CommandError(str(error)) from error
        except Error as error:
            if sentence := describe_outage(error):
                raise CommandError(f"{sentence} Nothing more was done; try again.") from error
            raise
