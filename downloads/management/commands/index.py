"""`manage.py index`: adds missing videos to the search index; `up` and `prepare` run it by themselves."""

from argparse import ArgumentParser
from typing import Any

from downloads.database.command import DatabaseCommand
from downloads.models import Video
from downloads.search import index


class Command(DatabaseCommand):
    """Index the videos that the search does not know, as after a restored or filled database."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--all", action="store_true", help="index every video again")

    def handle(self, *args: Any, **options: Any) -> None:
        count = index.reindex(Video.objects.all(), include_indexed=options["all"])
        if options["verbosity"]:
            self.stdout.write(f"Indexed {count} videos." if count != 1 else "Indexed 1 video.")
