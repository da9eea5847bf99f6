"""A worker whose clock is off from the database's says so."""

import datetime as dt

import pytest

from downloads.monitoring import health
from downloads.worker.leases import clock_check
from downloads.worker.leases.clock_check import ClockCheck

pytestmark = pytest.mark.usefixtures("redis_server")


@pytest.mark.parametrize(("seconds", "words"), [(61, "61 s ahead of"), (-86400, "86400 s behind")])
def test_it_says_so_once_and_while_it_lasts(monkeypatch, caplog, seconds, words):
    monkeypatch.setattr(clock_check, "measure_offset", lambda: dt.timedelta(seconds=seconds))
    check = ClockCheck("here:1")
    for _ in range(3):
        check.run()
    (sentence,) = health.clock_warnings()
    assert f"is {words} the database's: set both by NTP." in sentence
    assert caplog.text.count(sentence) == 1
    monkeypatch.setattr(clock_check, "measure_offset", lambda: dt.timedelta(seconds=1))
    check.run()
    assert "agrees with the database's again" in caplog.text


def test_it_says_nothing_of_a_clock_that_is_right(monkeypatch):
    monkeypatch.setattr(clock_check, "measure_offset", lambda: dt.timedelta(seconds=-4))
    ClockCheck("here:1").run()
    assert health.clock_warnings() == []
