"""Rows with values that the program never writes, put into the database by SQL: one for each column and value."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from django.db import DatabaseError, connection, models, transaction

from downloads.models import Video

HUGE = 2**63 - 1
LONG_TEXT = "x" * 1_000_000
# What a text column of both databases can hold.
ODD_TEXTS = ["", " ", "\u202e4pm.exe", LONG_TEXT, "<script>alert(1)</script>", "javascript:alert(1)",
             "../../etc/passwd", "no scheme", "http://", "http://[", "//", "..", "\x1b[2J", "a/b", "weird"]  # fmt: skip
ODD_NUMBERS = ["'Infinity'", "'-Infinity'", "'NaN'", "1e308", "-1", "-0.0", "1e300"]
DEEP_JSON = "[" * 900 + "]" * 900
ODD_JSON = ["null", "{}", '"text"', "5", "[null, 5, [], {}]", '[{"language": 5, "file": []}]', DEEP_JSON,
            '[{"language": "en", "file": "../../etc/passwd"}]', "9" * 5000, json.dumps(["x"] * 10_000),
            '[{"language": "en", "file": "a\\u0000b"}]', '[{"language": "\\ud800", "file": "\\ud800"}]']  # fmt: skip
POSTGRES_REFUSES = ("\\u0000", "\\ud800")
ODD_MOMENTS = ["0001-01-01 00:00:00+00", "9999-12-31 23:59:59+00", "1969-12-31 23:59:59+00", "2024-01-01 00:00:00+14"]
POSTGRES_MOMENTS = ["infinity", "-infinity", "20000-01-01 00:00:00+00", "0044-03-15 00:00:00+00 BC"]
# SQLite stores any type in any column.
SQLITE_VALUES = ["9e999", "-9e999", "1e308", "-1", "'text'", "''", "x'ff00fe'", "CAST(x'eda080' AS TEXT)",
                 "'a' || char(0) || 'b'",
                 str(HUGE), "'2024-99-99 99:99:99'", "'not a date'", "'2024-01-01 00:00:00+23:59'",
                 "'[1,'"]  # fmt: skip


def odd_literals(field: Any) -> Iterator[str]:
    """Yield the odd values of a column as literals of SQL."""
    is_sqlite = connection.vendor == "sqlite"
    column = field.target_field if field.is_relation else field
    if isinstance(column, models.CharField | models.TextField):
        longest = (not is_sqlite and column.max_length) or (
            len(LONG_TEXT) if field.name in ("title", "error") else 5000
        )
        yield from (quote(text[:longest]) for text in ODD_TEXTS)
    elif isinstance(column, models.JSONField):
        yield from (quote(text) for text in ODD_JSON if is_sqlite or not any(map(text.__contains__, POSTGRES_REFUSES)))
    elif isinstance(column, models.DateField):
        moments = ODD_MOMENTS if is_sqlite else ODD_MOMENTS + POSTGRES_MOMENTS
        yield from map(quote, moments)
    elif isinstance(column, models.FloatField) and not is_sqlite:
        yield from ODD_NUMBERS
    elif isinstance(column, models.IntegerField) and not is_sqlite and not field.is_relation:
        limits = connection.ops.integer_field_range(column.get_internal_type())
        yield from map(str, limits)
    if is_sqlite:
        yield from SQLITE_VALUES
    if field.null:
        yield "NULL"


def quote(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def write_value(row: models.Model, field: Any, literal: str) -> bool:
    """Write a value into one column of a row; return False where the database refuses it."""
    table, column, key = row._meta.db_table, field.column, row._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            cursor.execute(f'UPDATE OR IGNORE "{table}" SET "{column}" = {literal} WHERE "{key}" = {row.pk}')
            return True
        return _write_to_postgres(cursor, f'UPDATE "{table}" SET "{column}" = {literal} WHERE "{key}" = {row.pk}')


def _write_to_postgres(cursor: Any, sql: str) -> bool:
    try:
        with transaction.atomic():
            cursor.execute(sql.replace("%", "%%"))
    except DatabaseError:
        return False
    return True


def writable_fields(model: type[models.Model]) -> list[Any]:
    return [field for field in model._meta.concrete_fields if not field.primary_key and not field.generated]


def create_odd_videos() -> list[tuple[Video, str]]:
    """Return a video for each column and odd value, with a description of it."""
    pairs = [(field, literal) for field in writable_fields(Video) for literal in odd_literals(field)]
    return [
        (video, f"{field.name} = {literal[:60]}")
        for video, (field, literal) in zip(_create_videos(len(pairs)), pairs, strict=True)
        if write_value(video, field, literal)
    ]


def create_very_odd_videos() -> list[Video]:
    """Return few videos, each of which has an odd value in every column; some keep a good status, all a good id."""
    literals = {field: list(odd_literals(field)) for field in writable_fields(Video) if field.name != "video_id"}
    videos = _create_videos(max(map(len, literals.values())))
    for n, video in enumerate(videos):
        for offset, (field, values) in enumerate(literals.items()):
            if field.name != "status" or n % 3 == 0:
                write_value(video, field, values[(n + offset) % len(values)])
    return videos


def _create_videos(count: int) -> list[Video]:
    moment = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    urls = [f"http://odd.example/{n}" for n in range(count)]
    statuses = ("complete", "failed", "downloading", "queued")
    return Video.objects.bulk_create(
        Video(
            url=url, canonical_url=url, added_at=moment, title="Odd film", media_file="v/v.mp4",
            status=statuses[n % 4 if n % 5 == 0 else 0],
        )
        for n, url in enumerate(urls)
    )  # fmt: skip
