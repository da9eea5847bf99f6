"""`manage.py update-ytdlp`: installs the newest yt-dlp into the data folder."""

import argparse
import sys
from typing import Any

from django.core.management.base import BaseCommand

from downloads.ytdlp_update import updater


class Command(BaseCommand):
    help = (
        "Installs the newest yt-dlp and yt-dlp-ejs into the data folder, if they work; the next download uses them. "
        "Exit status 0: updated, or already the newest; 1: nothing was changed, with the reason."
    )
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        # Given by a worker: do nothing if the request was dealt with meanwhile.
        parser.add_argument("--requested", action="store_true", help=argparse.SUPPRESS)

    def handle(self, *args: Any, requested: bool, **options: Any) -> None:
        update = updater.run_requested_update if requested else updater.update_ytdlp
        try:
            if message := update(self._write_line):
                self._write_line(message)
        except updater.UpdateFailed as error:
            sys.exit(f"ytarchive: {error}")
        except KeyboardInterrupt:
            sys.exit("ytarchive: The update was interrupted. Nothing was changed.")

    def _write_line(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()
