"""`manage.py check [KEY…|--due] [--dry-run]`: checks subscriptions now, and returns when they are done.

Django has a command of this name: with options of its own (--deploy, --tag, …) or names of apps it is run instead, and
where a program calls the command without arguments, as Django's test runner does.
"""

import argparse
import sys
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands.check import Command as SystemCheckCommand

from downloads.database.command import DatabaseCommand
from downloads.formatting import printable_text
from downloads.library.subscriptions.states import EMPTY_SENTENCE, describe_missing_tabs
from downloads.models import Subscription
from downloads.worker.checks.requested import CHECKED, RequestedChecks, Result

DEFAULT_FAIL_LEVEL = "ERROR"  # Django's
DJANGOS_OPTIONS = {
    "tags": "--tag", "list_tags": "--list-tags", "deploy": "--deploy", "databases": "--database",
    "fail_level": "--fail-level",
}  # fmt: skip
OWN_OPTIONS = {"due": "--due", "dry_run": "--dry-run"}
COMMON_OPTIONS = ("verbosity", "no_color", "force_color", "traceback")
HELP = (
    "Checks subscriptions for new videos, without keys all whose sites may be asked now, and waits for the end. Prints "
    "`<key> checked`, `failed` or `skipped` for each on standard output, what was found and reasons on standard error; "
    "exits with 1 if any failed or was skipped. With Django’s own options (such as --deploy): its system checks."
)


class Command(SystemCheckCommand):
    help = HELP

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(fail_level=None)  # to tell one that is given
        _add_own_arguments(parser)

    def handle(self, *names: Any, **options: Any) -> None:
        """Run Django's checks if anything of Django's is given, else those of subscriptions."""
        if self._are_djangos_meant(names, options):
            super().handle(*names, **{**options, "fail_level": options["fail_level"] or DEFAULT_FAIL_LEVEL})
            return
        handed_on = {name: options[name] for name in (*OWN_OPTIONS, *COMMON_OPTIONS) if name in options}
        streams = {"stdout": self.stdout, "stderr": self.stderr}
        call_command(CheckSubscriptionsCommand(), *names, **handed_on, **streams)

    def _are_djangos_meant(self, names: Sequence[str], options: Mapping[str, Any]) -> bool:
        """Tell whether Django's checks are meant; raise CommandError for a mixture of both."""
        djangos = [word for name, word in DJANGOS_OPTIONS.items() if options[name] not in (None, False)]
        own = [word for name, word in OWN_OPTIONS.items() if options[name]]
        apps_given = [name for name in names if name in apps.app_configs]
        are_apps = bool(names) and len(apps_given) == len(names)
        keys = [] if are_apps else [name for name in names if name not in apps_given]
        if (djangos or are_apps) and (own or keys):
            raise CommandError(
                f"{(own + keys)[0]} is for the check of subscriptions, {(djangos + apps_given)[0]} for Django’s system "
                "checks. Give one of both."
            )
        is_from_shell = getattr(self, "_called_from_command_line", False)
        return bool(djangos or are_apps or not (is_from_shell or own or names))


def _add_own_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--due", action="store_true", help="check those only that are due")
    parser.add_argument("--dry-run", action="store_true", help="say what would be added, and change nothing")


class CheckSubscriptionsCommand(DatabaseCommand):
    """The command proper."""

    requires_system_checks = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("keys", nargs="*", metavar="KEY")
        _add_own_arguments(parser)

    def handle(self, *args: Any, keys: list[str], due: bool, dry_run: bool, **options: Any) -> None:
        if keys and due:
            raise CommandError("Give keys or --due, not both.")
        self._is_dry_run, self._failed_count = dry_run, 0
        subscriptions = self._find(keys) if keys else self._select(due=due)
        RequestedChecks(subscriptions, is_dry_run=dry_run, on_result=self._print).run()
        if self._failed_count:
            sys.exit(1)

    def _find(self, keys: list[str]) -> Collection[Subscription]:
        by_key = {subscription.key: subscription for subscription in Subscription.objects.filter(key__in=keys)}
        for key in dict.fromkeys(keys):
            if key not in by_key:
                self._failed_count += 1
                self.stderr.write(printable_text(f"{key}: There is no subscription with this key."))
        return list(by_key.values())

    @staticmethod
    def _select(*, due: bool) -> Collection[Subscription]:
        active = Subscription.objects.filter(active=True)
        return list((active.due() if due else active).order_by("pk"))

    def _print(self, result: Result) -> None:
        self.stdout.write(f"{result.subscription.key} {result.status}")
        text = result.text
        if result.status == CHECKED and result.queued is not None:
            verb = "would be added" if self._is_dry_run else "added"
            text = f"{result.queued:,} of {result.listed:,} listed {verb}."
            if not result.listed:
                text = describe_missing_tabs(result.subscription).strip() or EMPTY_SENTENCE
        if result.status != CHECKED:
            self._failed_count += 1
        if text:
            self.stderr.write(printable_text(f"{result.subscription}: {text}"))
