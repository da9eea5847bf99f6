"""`manage.py work`: runs one worker, which downloads waiting videos and performs bulk actions."""

import argparse
from typing import Any

from django.conf import settings

from downloads.actions.bulk_runner import BulkActionRunner
from downloads.database.command import DatabaseCommand
from downloads.liveness.heartbeat import process_heartbeat
from downloads.worker.processes.zygote import fork_zygote
from downloads.worker.supervisor import Supervisor

MAX_WORKERS = 64


def _parse_worker_count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 1 to {MAX_WORKERS}")
    return int(text)


class Command(DatabaseCommand):
    help = "Claim waiting videos and download them, until SIGTERM or Ctrl-C; what is unfinished stays queued."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--workers", type=_parse_worker_count, default=settings.WORKERS, help="downloads at once")

    def handle(self, *args: Any, workers: int, **options: Any) -> None:
        # Before this process has threads, and memory of its own; it closes the connection that the check has opened.
        zygote = fork_zygote()
        process_heartbeat.start(settings.HEARTBEAT_FD, settings.WATCHDOG_SECONDS)
        with BulkActionRunner():
            Supervisor(workers, zygote).run()
