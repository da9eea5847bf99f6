"""`manage.py subscriptions [--opml]`: lists what is followed, or writes it as OPML."""

import argparse
import io
from typing import Any

from downloads.database.command import DatabaseCommand
from downloads.formatting import printable_text
from downloads.library.subscriptions.index import Row, describe_rows
from downloads.models import Subscription
from downloads.subscriptions.exchange.opml import write_opml

CHUNK_SIZE = 200


class Command(DatabaseCommand):
    help = (
        "Lists what is followed, a line each: `<key> <state> <kept>/<seen> <url> <name>`, with the reason of a state on"
        " standard error."
    )
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--opml", action="store_true", help="write OPML, which feed readers and this program read")

    def handle(self, *args: Any, opml: bool, **options: Any) -> None:
        subscriptions = Subscription.objects.order_by("name", "pk")
        if opml:
            text = io.StringIO()
            write_opml(subscriptions.iterator(CHUNK_SIZE), text)
            self.stdout.write(text.getvalue())
            return
        keys = list(subscriptions.values_list("pk", flat=True))
        for start in range(0, len(keys), CHUNK_SIZE):
            rows = subscriptions.filter(pk__in=keys[start : start + CHUNK_SIZE])
            for row in describe_rows(list(rows)):
                self._print_row(row)

    def _print_row(self, row: Row) -> None:
        subscription = row.subscription
        counts = f"{row.kept_count}/{row.seen_count}"
        line = f"{subscription.key} {row.state.name} {counts} {subscription.canonical_url} {subscription}"
        self.stdout.write(printable_text(line))
        if subscription.error:
            self.stderr.write(printable_text(f"{subscription.key}: {row.state.sentence}"))
