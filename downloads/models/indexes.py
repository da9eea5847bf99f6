"""Generated columns, sort orders and indexes of the library."""

import functools
import operator
from typing import Any

from django.db.models import (
    BooleanField,
    Case,
    DateField,
    F,
    Func,
    Index,
    IntegerField,
    Q,
    Value,
    When,
)
from django.db.models.functions import Coalesce, Left, Lower

from downloads.files.media_types import AUDIO_EXTENSIONS
from downloads.models.choices import Quality

_AUDIO_CONDITION = functools.reduce(
    operator.or_, (Q(media_file__endswith=f".{extension}") for extension in AUDIO_EXTENSIONS)
)
KIND_EXPRESSION = Case(
    When(is_list=True, then=Value("list")),
    When(Q(media_file__gt="", has_video=True), then=Value("video")),
    When(Q(media_file__gt="", has_video=False), then=Value("audio")),
    # Files that were stored before `has_video`, or without ffmpeg: by their extension.
    When(_AUDIO_CONDITION, then=Value("audio")),
    When(quality=Quality.AUDIO, media_file="", then=Value("audio")),
    default=Value("video"),
)
# What a URL is unique with: it may be there as a video and as audio. The kind of the file does not count, since it is
# known only at the end.
REQUESTED_MEDIUM_EXPRESSION = Case(When(quality=Quality.AUDIO, then=Value("audio")), default=Value("video"))
SORT_TITLE_EXPRESSION = Lower(Left(Case(When(title="", then=F("url")), default=F("title")), 100))


class InlineLiteral(Value):
    """A number inlined in the SQL: with a parameter instead, SQLite does not recognize the expression of an index."""

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return repr(self.value), []


class IndexCondition(Func):
    """A condition without parameters, of a partial index and of the queries that are to use it.

    SQLite uses a partial index only where the query holds the very terms of its condition, and no parameter is one
    (sqlite.org, Partial Indexes, 2).
    """

    output_field = BooleanField()


class HasSubtitles(IndexCondition):
    """The condition of videos with subtitles."""

    template = "(%(expressions)s <> '[]')"

    def __init__(self) -> None:
        super().__init__("subtitle_files")


class IsAlone(IndexCondition):
    """The condition of videos that did not come with a playlist; with a sign, since no index of the column helps."""

    template = "(+%(expressions)s IS NULL)"

    def __init__(self) -> None:
        super().__init__("parent_id")


class HasNotSucceeded(IndexCondition):
    """The condition of failed and cancelled videos."""

    template = "(%(expressions)s IN ('failed', 'cancelled'))"

    def __init__(self) -> None:
        super().__init__("status")


class IsRedownloading(IndexCondition):
    """The condition of videos that are downloaded again, and of playlists that are checked: they can be watched."""

    template = "(%(expressions)s)"

    def __init__(self) -> None:
        super().__init__("status", "media_file", "is_list")

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **__: Any) -> Any:
        """Write the condition; the columns have no parameters."""
        status, media_file, is_list = (compiler.compile(column)[0] for column in self.get_source_expressions())
        return f"({status} IN ('queued', 'downloading', 'processing') AND ({media_file} <> '' OR {is_list}))", []


# Unknown lengths and sizes come last; databases differ in where they sort NULL.
_DURATION_NULLS_LAST, _SIZE_NULLS_LAST = Coalesce("duration", -1.0), Coalesce("size", -1)
_UPLOAD_DATE_NULLS_LAST = Coalesce("upload_date", InlineLiteral("0001-01-01"), output_field=DateField())
# An empty name comes last too.
_HAS_NO_UPLOADER = Case(
    When(uploader=InlineLiteral(""), then=InlineLiteral(1)), default=InlineLiteral(0), output_field=IntegerField()
)
SORT_ORDERS: dict[str, tuple[Any, ...]] = {
    "ended": (Coalesce("ended_at", "added_at").desc(), "-pk"),
    "turn": ("-priority", "queued_at", "pk"),
    "newest": ("-added_at", "-pk"),
    "oldest": ("added_at", "pk"),
    "title": ("sort_title", "-pk"),
    "duration": (Coalesce("duration", InlineLiteral(-1.0)).desc(), "-pk"),
    "size": (Coalesce("size", InlineLiteral(-1)).desc(), "-pk"),
    "uploader": (_HAS_NO_UPLOADER, Lower("uploader"), "-pk"),
    "published": (_UPLOAD_DATE_NULLS_LAST.desc(), "-pk"),
}

# Each index holds all columns of the filters, so that even the last page is found without reading rows.
_INDEXED_FILTER_COLUMNS = ("status", "kind", "host", "uploader", "added_at")
VIDEO_INDEXES = (
    Index(fields=["-added_at", "-id", "status", "kind", "host", "uploader"], name="downloads_newest"),
    Index(fields=["status", "-added_at", "-id", "kind", "host", "uploader"], name="downloads_newest_state"),
    Index(fields=["uploader", "-added_at", "-id", "status", "kind", "host"], name="downloads_newest_uploader"),
    Index(fields=["host", "-added_at", "-id", "status", "kind", "uploader"], name="downloads_newest_site"),
    Index(fields=["channel", "-added_at", "-id", "status", "kind", "is_list"], name="downloads_newest_channel"),
    Index(fields=["sort_title", "-id", *_INDEXED_FILTER_COLUMNS], name="downloads_by_title"),
    Index(
        _DURATION_NULLS_LAST.desc(), F("id").desc(), "duration", *_INDEXED_FILTER_COLUMNS, name="downloads_by_duration"
    ),
    Index(_SIZE_NULLS_LAST.desc(), F("id").desc(), "size", *_INDEXED_FILTER_COLUMNS, name="downloads_by_size"),
    Index(_HAS_NO_UPLOADER, Lower("uploader"), F("id").desc(), *_INDEXED_FILTER_COLUMNS, name="downloads_by_uploader"),
    Index(
        _UPLOAD_DATE_NULLS_LAST.desc(),
        F("id").desc(),
        "upload_date",
        *_INDEXED_FILTER_COLUMNS,
        name="downloads_by_upload_date",
    ),
    # The smaller the group, the cheaper its index: it has rows of no other videos.
    Index(
        F("status"),
        Coalesce("ended_at", "added_at").desc(),
        F("id").desc(),
        condition=Q(HasNotSucceeded()),
        name="downloads_newest_ended",
    ),
    Index(
        fields=["-added_at", "-id", "status", "kind", "host", "uploader"],
        condition=Q(HasSubtitles()),
        name="downloads_newest_subtitled",
    ),
    Index(
        fields=["-added_at", "-id", "status", "kind", "host", "uploader", "parent"],
        condition=Q(IsAlone()),
        name="downloads_newest_alone",
    ),
    Index(fields=["status"], condition=Q(IsRedownloading()), name="downloads_redownloading"),
)


class UnindexedColumn(Func):
    """A column for which SQLite uses no index: without statistics it would prefer one to the index of the order."""

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """Write "+column": the same value, but no term that an index can serve (sqlite.org, Query Planning)."""
        return self.as_sql(compiler, connection, template="+%(expressions)s", **context)
