"""The sentences about errors of the database."""

import sqlite3

from django.db import InterfaceError, InternalError, OperationalError

from downloads.database.outages import describe_outage
from downloads.tests.support.cases import each_case


class PostgresError(Exception):
    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("a message")
        self.sqlstate = sqlstate


@each_case(
    ("error", "sqlstate", "sentence"),
    [
        (InternalError, "25006", "can only be read"),
        (OperationalError, "53300", "no more connections"),
        (OperationalError, "53100", "disk of the database is full"),
        (OperationalError, "57P01", "being stopped"),
        (OperationalError, "57P03", "being stopped"),
        (OperationalError, "55P03", "is busy"),
        (OperationalError, "40P01", "is busy"),
        (OperationalError, None, "cannot be reached"),
        (InterfaceError, None, "cannot be reached"),
        (InternalError, "XX001", "is damaged"),
    ],
)
def test_each_state_of_postgresql_has_a_sentence(error, sqlstate, sentence):
    raised = error("a message")
    raised.__cause__ = PostgresError(sqlstate)
    assert sentence in describe_outage(raised)


@each_case(
    ("message", "sentence"),
    [
        ("database is locked", "is busy"),
        ("database table is locked: x", "is busy"),
        ("attempt to write a readonly database", "can only be read"),
        ("unable to open database file", "cannot be opened"),
        ("database or disk is full", "is full"),
        ("disk I/O error", "reports errors"),
        ("database disk image is malformed", "is damaged"),
        ("file is not a database", "is damaged"),
        ("no such table: downloads_video", "has no tables"),
        ("no such column: x", ""),
        ("near x: syntax error", ""),
    ],
)
def test_each_message_of_sqlite_has_a_sentence(message, sentence):
    error = OperationalError(message)
    error.__cause__ = sqlite3.OperationalError(message)
    assert sentence in describe_outage(error)
    assert bool(describe_outage(error)) == bool(sentence)
