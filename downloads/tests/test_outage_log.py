"""OutageLog: one line when an outage begins, one when it ends."""

import logging

import pytest

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
