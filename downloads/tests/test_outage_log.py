"""OutageLog: one line when an outage begins, one when it ends."""

import logging

import pytest

from downloads import outage_log as outage_log_module
from downloads.outage_log import OutageLog

logger = logging.getLogger("downloads.test_outage")


def messages(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


@pytest.fixture
def outage_log(caplog: pytest.LogCaptureFixture) -> OutageLog:
    caplog.set_level(logging.INFO, logger.name)
    return OutageLog(logger, "Redis is down: %s", "Redis is back")


def test_it_logs_nothing_without_an_outage(outage_log, caplog):
    outage_log.recovered()
    assert not messages(caplog)
    assert not outage_log.is_down


def test_it_logs_the_first_failure_and_the_first_success_of_each_outage(outage_log, caplog):
    for error in ("first", "second"):
        outage_log.failed(ConnectionError(error))
    assert outage_log.is_down
    for _ in range(2):
        outage_log.recovered()
    assert not outage_log.is_down
    outage_log.failed(ConnectionError("third"))
    assert messages(caplog) == [
        ("WARNING", "Redis is down: first"),
        ("INFO", "Redis is back"),
        ("WARNING", "Redis is down: third"),
    ]


def test_a_line_that_strangers_cause_is_limited(caplog, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(outage_log_module.time, "monotonic", lambda: now[0])
    limiter = outage_log_module.LogLimiter("limited")

    for number in range(100):
        limiter.warning("same", "the same %s", number)
        limiter.warning(number, "another")
    assert len(caplog.records) == outage_log_module.MAX_LINES_PER_WINDOW

    now[0] += outage_log_module.REPEAT_INTERVAL_SECONDS
    limiter.warning("same", "the same %s", "again")
    assert caplog.messages[-1] == "the same again"
