"""`manage.py fork-downloads`: the fork server of a worker, started by `work` only."""

import argparse
import socket
from typing import Any

from django.core.management.base import BaseCommand

from downloads.worker.processes import fork_server


class Command(BaseCommand):
    help = "Internal: forks the processes of downloads. `work` starts it."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("requests_fd", type=int)
        parser.add_argument("worker_pid", type=int)

    def handle(self, *args: Any, requests_fd: int, worker_pid: int, **options: Any) -> None:
        with socket.socket(fileno=requests_fd) as requests:
            fork_server.main(requests, worker_pid)
