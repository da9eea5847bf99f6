"""The progress reporter of an attempt."""

import threading
import time

import pytest

from downloads.progress.message import Progress
from downloads.worker import progress_reporter
from downloads.worker.progress_reporter import Reporter

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


def test_it_always_reports_the_last_state(monkeypatch):
    monkeypatch.setattr(progress_reporter, "REPORT_INTERVAL_SECONDS", 60.0)
    percents, first_sent = [], threading.Event()

    def send(state):
        percents.append(state.percent)
        first_sent.set()

    with Reporter(send) as reporter:
        reporter.report(Progress(percent=0.0))
        first_sent.wait(5)
        for percent in range(1, 100):
            reporter.report(Progress(percent=float(percent)))
    assert percents == [0.0, 99.0]


def test_it_repeats_the_newest_state_while_nothing_changes(monkeypatch):
    monkeypatch.setattr(progress_reporter, "REPEAT_INTERVAL_SECONDS", 0.01)
    percents, sent_often = [], threading.Event()

    def send(state):
        percents.append(state.percent)
        if percents.count(2.0) > 2:
            sent_often.set()

    with Reporter(send) as reporter:
        reporter.report(Progress(percent=1.0))
        reporter.report(Progress(percent=2.0))
        assert sent_often.wait(5)
    assert percents[-3:] == [2.0] * 3


def test_it_repeats_nothing_before_the_first_state(monkeypatch):
    monkeypatch.setattr(progress_reporter, "REPEAT_INTERVAL_SECONDS", 0.001)
    states = []
    with Reporter(states.append) as reporter:
        time.sleep(0.02)  # several intervals: that nothing happens is no event
        reporter.report(Progress(percent=1.0))
    assert states[0].percent == 1.0


def test_a_bug_in_reporting_stops_nothing(caplog):
    def send(state):
        raise KeyError

    with Reporter(send) as reporter:
        reporter.report(Progress(percent=0.0))
    assert "Progress could not be sent" in caplog.text
