"""The progress reporter of an attempt."""

import threading

import pytest

from downloads.progress.message import Progress
from downloads.worker.progress_reporter import Reporter

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment")]


def test_it_always_reports_the_last_state():
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


def test_a_bug_in_reporting_stops_nothing(caplog):
    def send(state):
        raise KeyError

    with Reporter(send) as reporter:
        reporter.report(Progress(percent=0.0))
    assert "Progress could not be sent" in caplog.text
