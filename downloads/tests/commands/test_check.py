"""`manage.py check`: what it refuses at once, and Django's command of this name. Real checks: system/test_checks.py."""

import errno
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.http import QueryDict
from django.utils import timezone

from downloads.library.subscriptions.detail import SubscriptionPage
from downloads.management.commands.check import Command
from downloads.models import HostPause, Subscription
from downloads.subscriptions import outcomes, verbs
from downloads.worker.checks.requested import CHECKED, RequestedChecks, Result
from downloads.worker.checks.runner import CheckSlot

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]
URL = "https://site.example/list"
SHORT_URL = "site.example/list"  # as a list without a name is called


def check(capsys, *arguments):
    """Run the command as from the shell; return its exit status, output and reasons."""
    command = Command()
    command._called_from_command_line = True
    try:
        call_command(command, *arguments)
        status = 0
    except SystemExit as error:
        status = error.code
    output = capsys.readouterr()
    return status, output.out.splitlines(), output.err.splitlines()


def test_nothing_to_check_is_no_error(capsys):
    assert check(capsys) == (0, [], [])


def test_an_unknown_key_is_told(capsys):
    assert check(capsys, "nokey") == (1, [], ["nokey: There is no subscription with this key."])


def test_keys_and_due_exclude_each_other():
    with pytest.raises(CommandError, match="not both"):
        call_command("check", "key", "--due")


def test_a_paused_subscription_is_skipped(capsys):
    subscription, _ = verbs.subscribe(URL)
    subscription.pause()
    assert check(capsys, subscription.key) == (1, [f"{subscription.key} skipped"], [f"{SHORT_URL}: It is paused."])
    assert check(capsys) == (0, [], [])


def test_a_paused_site_is_asked_for_nothing(capsys):
    subscription, _ = verbs.subscribe(URL)
    HostPause.objects.pause("site.example", "429")
    status, lines, reasons = check(capsys)
    assert (status, lines) == (1, [f"{subscription.key} skipped"])
    assert "site.example asked for a pause until " in reasons[0]


def test_due_leaves_out_what_is_not(capsys):
    subscription, _ = verbs.subscribe(URL)
    type(subscription).objects.update(next_check_at=None)
    assert check(capsys, "--due") == (0, [], [])


@pytest.mark.parametrize("arguments", [["--tag", "urls"], ["downloads"], ["--list-tags"], ["--fail-level", "ERROR"]])
def test_djangos_own_options_run_djangos_checks(capsys, arguments):
    verbs.subscribe(URL)
    status, lines, _ = check(capsys, *arguments)
    assert status == 0
    assert lines[0].startswith("System check identified no issues") or "urls" in lines


@pytest.mark.parametrize("options", [{}, {"databases": []}, {"verbosity": 0, "databases": ["default"]}])
def test_a_program_that_calls_it_gets_djangos_checks(capsys, options):
    subscription, _ = verbs.subscribe(URL)
    HostPause.objects.pause("site.example", "429")  # which a check of subscriptions would tell
    call_command("check", **options)
    assert subscription.key not in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [["--dry-run", "--deploy"], ["--due", "--fail-level", "ERROR"], ["key", "--tag", "urls"], ["downloads", "--due"]],
)
def test_options_of_both_are_refused(arguments):
    with pytest.raises(CommandError, match="Give one of both"):
        call_command("check", *arguments)


@pytest.mark.parametrize("arguments", [[], ["--dry-run"]])
def test_without_processes_it_says_so_and_plans_nothing(capsys, monkeypatch, arguments):
    subscription, _ = verbs.subscribe(URL)
    other, _ = verbs.subscribe("https://other.example/list")
    planned = list(type(subscription).objects.order_by("pk").values_list("next_check_at", flat=True))

    def start(*_, **__):
        raise OSError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(CheckSlot, "start", start)
    status, lines, reasons = check(capsys, *arguments)
    assert (status, lines) == (1, [f"{one.key} failed" for one in (subscription, other)])
    assert "No process can be started for its check (Resource temporarily unavailable)." in reasons[0]
    rows = type(subscription).objects.order_by("pk").values_list("next_check_at", "lease_token")
    assert list(rows) == [(moment, "") for moment in planned]


@pytest.mark.parametrize(
    ("end", "ending", "reason"),
    [
        (lambda row: outcomes.succeed(row, []), "checked", ""),
        (lambda row: outcomes.fail(row, "The site is tired."), "failed", "The site is tired."),
        (lambda row: row.abandon_check(), "failed", "The check was interrupted."),
    ],
    ids=["succeeded", "failed", "given up"],
)
def test_what_ended_without_a_report_is_told_as_its_row_says(capsys, monkeypatch, end, ending, reason):
    """A process is stopped once its check is over: it may not have told yet."""
    subscription, _ = verbs.subscribe(URL)

    def start(slot, row, **_):
        end(row)
        slot._on_end(SimpleNamespace(report={}, job=row))

    monkeypatch.setattr(CheckSlot, "start", start)
    status, lines, reasons = check(capsys, subscription.key)
    assert (status, lines) == (int(ending == "failed"), [f"{subscription.key} {ending}"])
    assert reasons == [f"{SHORT_URL}: {reason}"] * bool(reason)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "Nothing is in this list yet. New videos appear here."),
        ({"positions": {"missing": ["videos"]}}, "The channel has no “Videos” at the moment."),
    ],
)
def test_of_a_list_without_videos_it_says_what_the_page_says(capsys, monkeypatch, changes, sentence):
    subscription, _ = verbs.subscribe(URL)
    Subscription.objects.update(checked_at=timezone.now(), kind="channel", next_check_at=timezone.now(), **changes)
    subscription.refresh_from_db()
    result = Result(subscription, CHECKED, "", listed=0, queued=0)
    monkeypatch.setattr(RequestedChecks, "run", lambda checks: checks._on_result(result))
    assert check(capsys, subscription.key) == (0, [f"{subscription.key} checked"], [f"{SHORT_URL}: {sentence}"])
    page = SubscriptionPage(subscription, QueryDict())
    assert sentence in (page.nothing_seen, page.state.sentence.partition(" Next")[0])


def test_looking_at_many_that_wait_takes_no_more_queries(django_assert_num_queries):
    for number in range(20):
        verbs.subscribe(f"{URL}{number}")
    HostPause.objects.pause("elsewhere.example", "429")
    results = []
    checks = RequestedChecks(Subscription.objects.all(), is_dry_run=False, on_result=results.append)
    Subscription.objects.filter(url=f"{URL}3").update(active=False)
    with django_assert_num_queries(2):
        checks._drop_ended()
    assert [result.text for result in results] == ["It is paused."]


def test_a_name_sends_nothing_to_the_terminal(capsys):
    subscription, _ = verbs.subscribe(URL)
    type(subscription).objects.update(name="Ada\x1b[31m\u202e", active=False)
    _, _, reasons = check(capsys, subscription.key)
    assert reasons == ["Ada [31m : It is paused."]
