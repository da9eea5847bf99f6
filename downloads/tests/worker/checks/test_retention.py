"""The retention run of a worker, and `manage.py prune`."""

import datetime as dt

import pytest
from django.core.management import call_command
from django.db import OperationalError
from django.utils import timezone

from downloads.models import Status, SubscriptionItem, Video
from downloads.subscriptions import ledger, retention
from downloads.tests.support.subscriptions import TOP, claimed, numbered
from downloads.worker.checks.retention import RetentionTask, run_retention
from downloads.worker.folders.monitor import FolderMonitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def archive():
    """Three videos of a subscription that keeps the newest."""
    ledger.apply(claimed(start="all", keep_newest=1), TOP, numbered(3, 1))
    old = timezone.now() - dt.timedelta(days=1)
    Video.objects.update(status=Status.COMPLETE, ended_at=old, media_file="v/v.mp4", lease_token="")


def test_a_dry_run_prints_and_removes_nothing(archive, capsys):
    call_command("prune", "--dry-run")
    output = capsys.readouterr()
    assert len(output.out.splitlines()) == 2
    assert output.err == "2 would be removed.\n"
    assert Video.objects.count() == 3


def test_a_title_sends_nothing_to_the_terminal(archive, capsys):
    SubscriptionItem.objects.update(title="Ada\x1b[31m\u202e")
    call_command("prune", "--dry-run")
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["Ada [31m"] * 2


def test_the_command_removes(archive, capsys):
    call_command("prune")
    assert capsys.readouterr().err == "2 removed.\n"
    assert Video.objects.count() == 1
    assert sorted(item.state for item in SubscriptionItem.objects.all()) == ["queued", "removed", "removed"]


def test_what_stays_is_told(monkeypatch, capsys):
    monkeypatch.setattr(retention, "prune", lambda: retention.Pruning(problems=["A\x1b stays: it is stuck."]))
    with pytest.raises(SystemExit, match="1"):
        call_command("prune")
    assert "A  stays" in capsys.readouterr().err


def test_a_run_waits_for_the_folders_and_comes_once_an_hour(monkeypatch):
    runs, folders = [], FolderMonitor()
    monkeypatch.setattr("downloads.worker.checks.retention.run_retention", lambda: runs.append(1))
    task = RetentionTask(folders)
    task.poll()
    assert runs == []
    folders.has_looked = True
    task.poll()
    task.poll()
    assert runs == [1]


@pytest.mark.parametrize("error", [OperationalError("away"), ZeroDivisionError()])
def test_a_run_that_fails_ends_no_worker(monkeypatch, caplog, error):
    def fail():
        raise error

    monkeypatch.setattr(retention, "prune", fail)
    monkeypatch.setattr("downloads.worker.checks.retention.connection.close", lambda: None)
    run_retention()
    assert "Retention" in caplog.text
