"""Tolerant converters of column values: what the drivers cannot turn into Python's is None or cut, and fails no query.

A tool, a bug or a damaged disk may have written them. A moment near the ends of Python's calendar counts as unknown
too, since changing its time zone would overflow.
"""

import datetime as dt
import sqlite3
from collections.abc import Callable
from typing import Any

from django.db.backends.signals import connection_created
from django.utils.dateparse import parse_date, parse_datetime

MIN_YEAR, MAX_YEAR = 2, 9998


def install() -> None:
    """Install tolerant converters for all database connections opened from now on."""
    sqlite3.register_converter("date", lambda data: parse_datetime_or_none(parse_date, data))
    for name in ("datetime", "timestamp"):
        sqlite3.register_converter(name, lambda data: parse_datetime_or_none(parse_datetime, data))
    connection_created.connect(_prepare_connection, dispatch_uid="tolerant reading")


def parse_datetime_or_none(parse: Callable[[str], Any], data: bytes) -> Any:
    """Return the date or time in a column's text; None if it is none, or out of range."""
    try:
        return datetime_or_none(parse(data.decode()))
    except ValueError:
        return None


def datetime_or_none(value: Any) -> Any:
    """Return a date or time; None if it is so early or late that it cannot be shown in every time zone."""
    return value if isinstance(value, dt.date) and MIN_YEAR <= value.year <= MAX_YEAR else None


def _prepare_connection(sender: object, connection: Any, **_: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.text_factory = _decode_text
        for name in ("convert_datetimefield_value", "convert_datefield_value"):
            convert = getattr(type(connection.ops), name)
            setattr(connection.ops, name, _tolerant_converter(convert.__get__(connection.ops)))
    else:
        for name in ("timestamptz", "date"):
            _register_tolerant_loader(connection.connection.adapters, name)


def _decode_text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _tolerant_converter(convert: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap Django's conversion of computed values, such as those of MIN(), which have no type of a column."""

    def convert_or_none(value: Any, expression: Any, connection: Any) -> Any:
        try:
            return datetime_or_none(convert(value, expression, connection))
        except (ValueError, TypeError, AttributeError):
            return None

    return convert_or_none


def _register_tolerant_loader(adapters: Any, type_name: str) -> None:
    # Imported here, since psycopg is not needed with SQLite, and takes 0.1 s.
    from psycopg import DataError, adapt, pq  # noqa: PLC0415

    loader = adapters.get_loader(adapters.types[type_name].oid, pq.Format.TEXT)
    if getattr(loader, "is_tolerant", False):
        return  # a connection from the pool

    class TolerantLoader(adapt.Loader):
        """Loader of moments, which PostgreSQL has of years that Python does not have, and "infinity"."""

        is_tolerant = True
        timezone = getattr(loader, "timezone", None)  # Django compares it with its own

        def __init__(self, oid: int, context: Any = None) -> None:
            super().__init__(oid, context)
            self._inner = loader(oid, context)  # psycopg's are written in C, and cannot be derived from

        def load(self, data: Any) -> Any:
            try:
                return datetime_or_none(self._inner.load(data))
            except (DataError, ValueError, OverflowError):
                return None

    adapters.register_loader(type_name, TolerantLoader)
