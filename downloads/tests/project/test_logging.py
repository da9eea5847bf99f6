"""The lines of the log: no stranger forges one, and no kind fills it."""

import io
import logging

import pytest

from ytarchive import log_rate
from ytarchive.log_rate import RateLimitFilter
from ytarchive.logging_config import LOGGING, MAX_MESSAGE_LENGTH, ZonedFormatter


@pytest.fixture
def stream():
    return io.StringIO()


@pytest.fixture
def handler(stream):
    line_format = LOGGING["formatters"]["line"]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(ZonedFormatter(line_format["format"], style=line_format["style"]))
    return handler


@pytest.fixture
def make_logger(handler):
    loggers = []

    def make(name: str) -> logging.Logger:
        logger = logging.getLogger(name)
        logger.propagate = False
        logger.addHandler(handler)
        loggers.append(logger)
        return logger

    yield make
    for logger in loggers:
        logger.propagate = True
        logger.removeHandler(handler)


@pytest.mark.parametrize(("text", "written"), [
    ("a\r\n2026-11-29 00:00:00.000+00:00 INFO root: forged", "a\\r\\n2026"),
    ("\x1b[31mred\x1b]0;title\x07", "\\x1b[31mred\\x1b]0;title\\x07"),
    ("a\0b\x7f\x85", "a\\x00b\\x7f\\x85"),
    ("\u202eright to left", "\\u202eright to left"),
    ("\u2028", "\\u2028"),
    ("\ud800", "\\ud800"),
    ("Größe 日本 🎬", "Größe 日本 🎬"),
])  # fmt: skip
def test_a_message_is_one_printable_line(make_logger, stream, text, written):
    make_logger("log-test").warning("Refused %s", text)

    assert written in stream.getvalue()
    assert stream.getvalue().removesuffix("\n").isprintable()


def test_a_message_has_a_length(make_logger, stream):
    make_logger("log-test").warning("Refused %s", "x" * 1_000_000)

    assert len(stream.getvalue()) < MAX_MESSAGE_LENGTH + 200


def fail(text: str) -> None:
    raise ValueError(text)


def log_failure(logger: logging.Logger, text: str) -> None:
    try:
        fail(text)
    except ValueError:
        logger.exception("Failed")


def test_a_traceback_is_indented_and_written_once(make_logger, stream):
    logger = make_logger("log-test")
    for _ in range(70):
        log_failure(logger, "first\n2026-11-29 00:00:00.000+00:00 INFO root: forged \x1b[31m")

    lines = stream.getvalue().splitlines()
    assert sum("Traceback" in line for line in lines) == 1
    assert len(lines) < 90
    assert not [line for line in lines if line.startswith("2026-11-29 00:00:00.000")]
    assert all(line.isprintable() for line in lines)
    assert lines[-1].endswith("log-test: Failed (ValueError, as before)")


def test_a_suspicious_request_has_no_traceback(make_logger, stream):
    log_failure(make_logger("django.security.TooManyFieldsSent"), "too many")

    assert stream.getvalue().count("\n") == 1


def test_a_kind_has_a_rate_and_the_rest_is_summed_up(make_logger, handler, stream, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(log_rate.time, "monotonic", lambda: now[0])
    handler.addFilter(RateLimitFilter())
    logger = make_logger("ytarchive.server.log_test")
    for number in range(500):
        logger.warning("Refused %d", number)
        logger.error("Another kind %d", number)
    assert len(stream.getvalue().splitlines()) == 2 * log_rate.MAX_LINES_PER_WINDOW

    now[0] += log_rate.WINDOW_SECONDS
    logger.warning("Refused %d", 501)
    lines = stream.getvalue().splitlines()
    assert lines[-3].endswith("480 more lines of this kind were left out: Refused %d")
    assert lines[-1].endswith("Refused 501")


def test_what_the_worker_logs_is_not_limited(make_logger, handler, stream):
    handler.addFilter(RateLimitFilter())
    for number in range(100):
        make_logger("downloads.worker.log_test").info("Downloaded %d", number)

    assert stream.getvalue().count("\n") >= 100


def test_the_handler_of_the_project_has_both():
    handler = next(one for one in logging.getLogger().handlers if isinstance(one.formatter, ZonedFormatter))

    assert any(isinstance(one, RateLimitFilter) for one in handler.filters)
