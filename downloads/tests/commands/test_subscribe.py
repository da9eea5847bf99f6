"""`manage.py subscribe` and `manage.py subscriptions`: exit status and output."""

import io
import sys

import pytest
from django.core.management import CommandError, call_command

from downloads.models import Subscription
from downloads.tests.support.subscriptions import followed

pytestmark = [pytest.mark.django_db]
ESCAPES = "\x1b[31m\u202e"
ADA, BOB = "https://www.youtube.com/@ada", "https://www.youtube.com/@bob"


def run_command(capsys, *args: str) -> tuple[int, str, str]:
    """Run a command in this process; return its exit status and its outputs."""
    status = 0
    try:
        call_command(*args)
    except SystemExit as end:
        status = int(end.code or 0)
    return status, *capsys.readouterr()


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--every", "soon"], "is not an interval"),
        (["--every", "1m"], "Choose a time between 15 minutes and 366 days."),
        (["--since", "yesterday"], "is not a day"),
        (["--newest", "0"], "Enter a whole number between 1 and"),
        (["--newest", "1", "--all"], "not allowed with"),
    ],
)
def test_it_refuses_options_that_cannot_be(args, sentence) -> None:
    with pytest.raises(CommandError, match=sentence):
        call_command("subscribe", ADA, *args)
    assert not Subscription.objects.exists()


@pytest.mark.parametrize(
    ("args", "start"),
    [
        ([], ("new", None, None)),
        (["--all"], ("all", None, None)),
        (["--newest", "7"], ("newest", 7, None)),
        (["--since", "2026-03-11"], ("since", None, "2026-03-11")),
    ],
)
def test_it_follows_and_prints_the_keys(capsys, args, start) -> None:
    status, out, err = run_command(capsys, "subscribe", ADA, BOB, "--every", "90m", *args)

    rows = list(Subscription.objects.order_by("pk"))
    assert out == "".join(f"{row.key} {row.canonical_url}\n" for row in rows)
    assert (status, err, len(rows)) == (0, "", 2)
    day = str(rows[0].start_date) if rows[0].start_date else None
    assert (rows[0].start, rows[0].start_count, day, rows[0].check_interval) == (*start, 5400)


def test_it_says_what_it_refused_and_what_is_there_already(capsys) -> None:
    followed(ADA)

    status, out, err = run_command(capsys, "subscribe", "nonsense", f"{ADA}/videos", BOB)

    assert status == 1
    assert "nonsense: This isn’t a link." in err
    assert f"{ADA}: This is followed already." in err
    assert len(out.splitlines()) == 2


def test_it_reads_opml_from_standard_input_and_writes_it(capsys, monkeypatch) -> None:
    followed(ADA)
    status, exported, _ = run_command(capsys, "subscriptions", "--opml")
    assert status == 0
    Subscription.objects.all().delete()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(exported.encode())))

    assert run_command(capsys, "subscribe", "-")[0] == 0

    assert [(row.canonical_url, row.name) for row in Subscription.objects.all()] == [(ADA, "Ada")]


def test_the_list_says_the_state_and_why(capsys) -> None:
    subscription, _ = followed(ADA, error="Not found (404).")

    status, out, err = run_command(capsys, "subscriptions")

    assert (status, out) == (0, f"{subscription.key} failing 0/1 {ADA} Ada\n")
    assert err.startswith(f"{subscription.key}: Not found (404).")


def test_names_and_errors_send_nothing_to_the_terminal(capsys) -> None:
    followed(ADA, name=f"Ada{ESCAPES}", error=f"Not found{ESCAPES} (404).")

    _, out, err = run_command(capsys, "subscriptions")

    assert out.endswith("Ada [31m \n")
    assert "Not found [31m  (404)." in err
    assert not set("\x1b\u202e") & set(out + err)


def test_a_refused_line_sends_nothing_to_the_terminal(capsys) -> None:
    _, _, err = run_command(capsys, "subscribe", f"nonsense{ESCAPES}")

    assert err.startswith("nonsense")
    assert err.removesuffix("\n").isprintable()
