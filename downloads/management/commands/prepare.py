"""`manage.py prepare`: prepares the database and static files, for setups that start the processes without `up`."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from ytarchive.supervisor import bootstrap
from ytarchive.supervisor.startup import StartupError


class Command(BaseCommand):
    """Migrate the database, collect the static files and create the first admin."""

    help = "Updates the database, collects the static files and creates the first admin. `up` does this by itself."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--adopt-folders",
            action="store_true",
            help="take the data and media folder for this database's, whatever they hold: after a restore, or for a "
            "new archive beside old files",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            if options["adopt_folders"]:
                bootstrap.adopt_folders(self.stdout.write)
            bootstrap.prepare_all(self.stdout.write)
            self.stdout.write(f"Prepared {settings.DATA}: database, search index, first admin, static files.")
        except StartupError as error:
            sys.exit(f"ytarchive: {error}")
