"""`manage.py ytdlp_self_test`: tests a version of yt-dlp, started by an update or a worker only."""

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from downloads.ytdlp import self_test
from downloads.ytdlp_update import updater

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Internal: tests the yt-dlp in a folder; without one, the installed version, and records the outcome."
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("folder", nargs="?", type=Path)

    def handle(self, *args: Any, folder: Path | None, **options: Any) -> None:
        if folder is None:
            try:
                updater.retest_installed()
            except updater.UpdateFailed as error:
                sys.exit(f"ytarchive: {error}")
            return
        try:
            self_test.run_self_test(folder)
        except (Exception, SystemExit) as error:
            logger.exception("The self-test of yt-dlp failed")
            sys.exit(f"{type(error).__name__}: {error}")
        self.stdout.write(updater.SELF_TEST_PASSED)
