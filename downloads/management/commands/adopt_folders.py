"""`manage.py adopt-folders`: makes the data folder and the media folder those of this database."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from ytarchive.supervisor import archive_folders


class Command(BaseCommand):
    """Write the archive's id into both folders, whatever they hold; no file of a video is changed."""

    help = "Says that the data and media folder belong to this database: after a restore, or to begin a new archive."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        try:
            archive_id = archive_folders.adopt_folders()
        except OSError as error:
            raise CommandError(f"The folders cannot be written to: {error}") from error
        self.stdout.write(f"{settings.DATA} and {settings.MEDIA_ROOT} belong to this archive now ({archive_id}).")
