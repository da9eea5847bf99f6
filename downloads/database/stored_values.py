"""Values of rows as the program can use them: what does not fit its column becomes unknown when a row is read.

SQLite stores any type in any column, and both databases store infinity, so whoever writes past the program may leave
values that no page could render. Rows are only read this way: what is stored stays as it is.
"""

import functools
import json
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from django.db import models
from django.db.models import DEFERRED

from downloads.database.tolerant_reading import datetime_or_none

MAX_TEXT_LENGTH = 100_000  # characters, of a column without a limit of its own
MAX_SAFE_INTEGER = 2**53 - 1  # the largest that JavaScript holds exactly
Cleaner = Callable[[Any], Any]


class TolerantJSONField(models.JSONField):
    """JSONField that reads its default where the text is no JSON, of another type, or nested too deeply for Python."""

    def __init__(self, *args: Any, content_type: type = object, **kwargs: Any) -> None:
        self.content_type = content_type
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        try:
            content = super().from_db_value(value, expression, connection)
            json.dumps(content)  # what cannot be written again is of no use either
        except (ValueError, TypeError, RecursionError):
            return self.get_default()
        return content if isinstance(content, self.content_type) else self.get_default()

    def deconstruct(self) -> Any:
        """Return Django's own field for migrations: the column is the same."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.JSONField", args, kwargs


class TolerantRow(models.Model):
    """Model whose rows are read with unknown values in place of unusable ones.

    `STORED_LIMITS` has the smallest and the largest meaningful value of a column; beyond them it is unknown.
    """

    STORED_LIMITS: ClassVar[dict[str, tuple[float, float]]] = {}

    class Meta:
        abstract = True

    @classmethod
    def from_db(cls, db: str | None, field_names: Any, values: Any, **options: Any) -> Any:
        """Build an instance from the columns of a row."""
        cleaners = _column_cleaners(cls, tuple(field_names))
        cleaned = [value if value is DEFERRED else clean(value) for clean, value in zip(cleaners, values, strict=False)]
        return super().from_db(db, field_names, cleaned, **options)


def read_columns(rows: "models.QuerySet[Any]", *attnames: str) -> Iterator[tuple[Any, ...]]:
    """Yield the values of these columns as instances of a TolerantRow have them, without the cost of instances."""
    fields = {field.attname: field for field in rows.model._meta.concrete_fields}
    cleaners = [_build_cleaner(fields[name], rows.model.STORED_LIMITS.get(name)) for name in attnames]
    for values in rows.values_list(*attnames):
        yield tuple([clean(value) for clean, value in zip(cleaners, values, strict=True)])


@functools.lru_cache(maxsize=256)
def _column_cleaners(model: type[TolerantRow], attnames: tuple[str, ...]) -> Sequence[Cleaner]:
    fields = {field.attname: field for field in model._meta.concrete_fields}
    names = attnames if len(attnames) == len(fields) else [name for name in fields if name in set(attnames)]
    return [_build_cleaner(fields[name], model.STORED_LIMITS.get(name)) for name in names]


def _build_cleaner(field: Any, limits: tuple[float, float] | None) -> Cleaner:
    column = getattr(field, "output_field", None) if field.generated else getattr(field, "target_field", field)
    if field.primary_key:
        return lambda value: value
    unknown = None if field.null else _unknown_value(field, column)
    for kind, build in CLEANER_BUILDERS.items():
        if isinstance(column, kind):
            return build(column, unknown, limits)
    return lambda value: value


def _unknown_value(field: Any, column: Any) -> Any:
    if isinstance(column, models.CharField | models.TextField):
        return ""
    # No moment is better than a wrong one.
    return None if isinstance(column, models.DateField) else field.get_default()


def _text_cleaner(column: Any, unknown: Any, _: Any) -> Cleaner:
    max_length = column.max_length or MAX_TEXT_LENGTH
    return lambda value: value[:max_length] if isinstance(value, str) else unknown


def _integer_cleaner(column: Any, unknown: Any, limits: tuple[float, float] | None) -> Cleaner:
    least, most = limits or (-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)

    def clean(value: Any) -> Any:
        return value if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most else unknown

    return clean


def _float_cleaner(column: Any, unknown: Any, limits: tuple[float, float] | None) -> Cleaner:
    least, most = limits or (-math.inf, math.inf)

    def clean(value: Any) -> Any:
        is_number = isinstance(value, int | float) and math.isfinite(value)
        return value if is_number and least <= value <= most else unknown

    return clean


def _moment_cleaner(column: Any, unknown: Any, _: Any) -> Cleaner:
    return lambda value: datetime_or_none(value) if value is not None else unknown


def _boolean_cleaner(column: Any, unknown: Any, _: Any) -> Cleaner:
    return lambda value: value if isinstance(value, bool) else unknown


# Each also stands for the kinds that are derived from it.
CLEANER_BUILDERS: dict[Any, Callable[[Any, Any, Any], Cleaner]] = {
    models.CharField: _text_cleaner,
    models.TextField: _text_cleaner,
    models.FloatField: _float_cleaner,
    models.IntegerField: _integer_cleaner,
    models.DateField: _moment_cleaner,
    models.BooleanField: _boolean_cleaner,
}
