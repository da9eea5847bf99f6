"""`manage.py subscribe URL… [--every 6h] [--since DATE | --newest N | --all]`: follows channels and playlists."""

import argparse
import datetime as dt
import re
import sys
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import CommandError

from downloads.database.command import DatabaseCommand
from downloads.formatting import printable_text
from downloads.models import Quality, StartChoice, Subscription
from downloads.models.audit.actor import SHELL, acting_as
from downloads.models.subscriptions.subscription import DEFAULT_CHECK_INTERVAL_SECONDS
from downloads.subscriptions import verbs
from downloads.subscriptions.exchange import submission
from downloads.subscriptions.exchange.lists import FeedList, UnreadableList, read_lines

STANDARD_INPUT = "-"
INTERVAL_PATTERN = re.compile(r"(\d{1,6})\s*(m|min|h|d|w)", re.IGNORECASE)
UNIT_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def _parse_interval(text: str) -> int:
    match = INTERVAL_PATTERN.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not an interval. Use a number with m, h, d or w, such as 6h")
    return int(match[1]) * UNIT_SECONDS[match[2][0].lower()]


def _parse_day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day. Write it as in 2026-03-11") from error


class Command(DatabaseCommand):
    help = (
        "Follows channels and playlists. Prints `<key> <url>` for each on standard output, reasons on standard error;"
        " exits with 1 if a line was refused (also one that is followed already)."
    )
    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "urls",
            nargs="+",
            metavar="URL",
            help=f"{STANDARD_INPUT}: links, OPML or a table of Takeout on standard input",
        )
        parser.add_argument(
            "--every",
            type=_parse_interval,
            default=DEFAULT_CHECK_INTERVAL_SECONDS,
            metavar="6h",
            help="time between checks",
        )
        start = parser.add_mutually_exclusive_group()
        start.add_argument("--since", type=_parse_day, metavar="DATE", help="fetch what was published since this day")
        start.add_argument("--newest", type=int, metavar="N", help="fetch the N newest, and what comes")
        start.add_argument("--all", action="store_true", help="fetch everything; otherwise only new videos")
        parser.add_argument("--quality", choices=Quality.values, default=Quality.BEST)

    def handle(self, *args: Any, urls: list[str], **options: Any) -> None:
        values = _read_settings(options)
        try:
            verbs.check_settings(values)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        with acting_as(SHELL):
            result = submission.follow(self._read_feeds(urls), values=values)
        for rejection in result.rejections:
            hint = f" Perhaps {rejection.suggestion}?" if rejection.suggestion else ""
            self.stderr.write(printable_text(f"{rejection.line}: {rejection.reason}{hint}"))
        for subscription in result.known:
            self.stderr.write(printable_text(f"{subscription.url}: This is followed already."))
        self._print_subscriptions([*result.known, *result.added])
        if result.rejections or result.known:
            sys.exit(1)

    def _read_feeds(self, arguments: Iterable[str]) -> FeedList:
        feeds = FeedList()
        for argument in arguments:
            try:
                is_input = argument == STANDARD_INPUT
                part = submission.read_list(sys.stdin.buffer.read()) if is_input else read_lines(argument)
            except UnreadableList as error:
                raise CommandError(str(error)) from error
            feeds.feeds += part.feeds
            feeds.skipped += part.skipped
        return feeds

    def _print_subscriptions(self, subscriptions: Iterable[Subscription]) -> None:
        for subscription in subscriptions:
            self.stdout.write(printable_text(f"{subscription.key} {subscription.canonical_url}"))


def _read_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that the options mean."""
    values = {"check_interval": options["every"], "quality": options["quality"]}
    if options["since"]:
        return {**values, "start": StartChoice.SINCE, "start_date": options["since"]}
    if options["newest"] is not None:
        return {**values, "start": StartChoice.NEWEST, "start_count": options["newest"]}
    return {**values, "start": StartChoice.ALL} if options["all"] else values
