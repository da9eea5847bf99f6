"""`manage.py prune [--dry-run]`: removes the videos that their subscriptions no longer keep."""

import argparse
import sys
from typing import Any

from downloads.database.command import DatabaseCommand
from downloads.formatting import printable_text
from downloads.models.audit.actor import SHELL, acting_as
from downloads.subscriptions import retention


class Command(DatabaseCommand):
    help = (
        "Removes videos that are past the retention of the subscription that brought them, the oldest first and "
        f"{retention.MAX_REMOVED_PER_RUN} at most; workers do so every hour. Prints a line for each on standard "
        "output; exits with 1 if one could not be removed."
    )
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="print what would be removed, and remove nothing")

    def handle(self, *args: Any, dry_run: bool, **options: Any) -> None:
        if dry_run:
            pruning = retention.find_past_retention()
        else:
            with acting_as(SHELL):
                pruning = retention.prune()
        for item in pruning.items:
            self.stdout.write(printable_text(f"{item.url} {item.title}").rstrip())
        for problem in pruning.problems:
            self.stderr.write(printable_text(problem))
        if pruning.is_other_run:
            self.stderr.write("A worker is doing this just now. Nothing more was done.")
        count = len(pruning.items) if dry_run else pruning.removed
        self.stderr.write(f"{count:,} {'would be removed' if dry_run else 'removed'}.")
        if pruning.problems:
            sys.exit(1)
