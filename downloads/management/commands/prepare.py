"""`manage.py prepare`: prepares the database and static files, for setups that start the processes without `up`."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from ytarchive.supervisor import bootstrap


class Command(BaseCommand):
    """Migrate the database, collect the static files and create the first admin."""

    help = "Updates the database, gathers the static files and makes the first admin; `up` does so by itself."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            bootstrap.prepare_all(self.stdout.write)
        except bootstrap.StartupError as error:
            sys.exit(f"ytarchive: {error}")
