"""What the library is filtered and ordered by: columns that the database derives, orders, and their indexes."""

import functools
import operator
from typing import Any

from django.db.models import Case, F, Func, Index, Q, Value, When
from django.db.models.functions import Coalesce, Left, Lower

from downloads.files.media_types import AUDIO_EXTENSIONS
from downloads.models.choices import Quality

_IS_AUDIO = functools.reduce(operator.or_, (Q(media_file__endswith=f".{extension}") for extension in AUDIO_EXTENSIONS))
KIND_EXPRESSION = Case(
    When(is_list=True, then=Value("list")),
    When(_IS_AUDIO, then=Value("audio")),
    When(quality=Quality.AUDIO, media_file="", then=Value("audio")),
    default=Value("video"),
)
SORT_TITLE_EXPRESSION = Lower(Left(Case(When(title="", then=F("url")), default=F("title")), 100))


class InlineLiteral(Value):
    """A number in the text of a query: with a parameter in its place, SQLite does not know the index's expression."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return repr(self.value), []


# What has no length or size comes last; databases differ in where they put a NULL.
_DURATION_NULLS_LAST, _SIZE_NULLS_LAST = Coalesce("duration", -1.0), Coalesce("size", -1)
SORT_ORDERS: dict[str, tuple[Any, ...]] = {
    "turn": ("-priority", "queued_at", "pk"),
    "newest": ("-added_at", "-pk"),
    "title": ("sort_title", "-pk"),
    "duration": (Coalesce("duration", InlineLiteral(-1.0)).desc(), "-pk"),
    "size": (Coalesce("size", InlineLiteral(-1)).desc(), "-pk"),
}

# Whatever can be filtered by is in each index, so that even the last page is found without looking at rows.
_INDEXED_FILTER_COLUMNS = ("status", "kind", "extractor", "uploader", "added_at")
VIDEO_INDEXES = (
    Index(fields=["-added_at", "-id", "status", "kind", "extractor", "uploader"], name="downloads_newest"),
    Index(fields=["status", "-added_at", "-id", "kind", "extractor", "uploader"], name="downloads_newest_state"),
    Index(fields=["uploader", "-added_at", "-id", "status", "kind", "extractor"], name="downloads_newest_uploader"),
    Index(fields=["extractor", "-added_at", "-id", "status", "kind", "uploader"], name="downloads_newest_site"),
    Index(fields=["sort_title", "-id", *_INDEXED_FILTER_COLUMNS], name="downloads_by_title"),
    Index(
        _DURATION_NULLS_LAST.desc(), F("id").desc(), "duration", *_INDEXED_FILTER_COLUMNS, name="downloads_by_duration"
    ),
    Index(_SIZE_NULLS_LAST.desc(), F("id").desc(), "size", *_INDEXED_FILTER_COLUMNS, name="downloads_by_size"),
)


class UnindexedColumn(Func):
    """A column that SQLite takes no index for: without statistics it prefers one of those to the order's own."""

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Write "+column", which is the same, but not the column that an index is about."""
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)
