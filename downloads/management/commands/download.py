"""`manage.py download`: runs one download, started by `work` only."""

from typing import Any

from django.core.management.base import BaseCommand

from downloads.worker import child


class Command(BaseCommand):
    help = "Internal: fetches one claimed video. `work` starts it, with the job on standard input."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        child.main()
