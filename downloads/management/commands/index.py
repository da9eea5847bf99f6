"""`manage.py index`: adds missing videos to the search index; `up` and `prepare` run it by themselves."""

from argparse import ArgumentParser
from typing import Any

from downloads.database.command import DatabaseCommand
from downloads.models import Video
from downloads.models.channels import triggers
from downloads.search import index


class Command(DatabaseCommand):
    """Index the videos that the search does not know, as after a restored or filled database."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="index every video again, and count the channels anew")

    def handle(self, *args: Any, **options: Any) -> None:
        # A migration of SQLite that rebuilds the table of the videos drops them.
        triggers.install_triggers()
        if options["all"]:
            triggers.recount()
        count = index.reindex(Video.objects.all(), include_indexed=options["all"])
        if options["verbosity"]:
            self.stdout.write(f"Indexed {count} videos." if count != 1 else "Indexed 1 video.")
