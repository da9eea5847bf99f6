"""Template tag for the header's pill: what downloads and waits, on every page."""

import dataclasses
import datetime as dt
import math
from collections.abc import Sequence

from django import template
from django.db import DatabaseError
from django.db.models import Count, Exists, IntegerField, Subquery
from django.db.models.functions import Coalesce

from downloads.library.status_phrase import status_phrase
from downloads.models import Queue, Status, Video

register = template.Library()

MAX_PANEL_ROWS = 8
MAX_WAITING_ROWS = 3
FIELDS = ("video_id", "status", "attempt", "title", "url", "percent", "downloaded_bytes", "total_bytes", "phase")


@dataclasses.dataclass(frozen=True)
class CurrentActivity:
    """Contents of the pill and its panel."""

    running_count: int = 0
    waiting_count: int = 0
    is_paused: bool = False
    running: Sequence[Video] = ()
    waiting: Sequence[Video] = ()


@register.filter
def panel_line(video: Video) -> str:
    """Return the phase and percentage of a download as text: "Downloading video · 41 %"."""
    percent = "" if video.percent is None else f" · {math.floor(video.percent)} %"
    return status_phrase(video) + percent


@register.simple_tag
def current_activity() -> CurrentActivity:
    """Return the current activity, by one query of indexes; an empty one while the database is away."""
    try:
        shown = list(_active_and_next_waiting())
    except DatabaseError:
        return CurrentActivity()
    running = sorted((video for video in shown if video.status != Status.QUEUED), key=_start_time)
    waiting = [video for video in shown if video.status == Status.QUEUED]
    first = waiting[0] if waiting else None
    return CurrentActivity(
        running_count=len(running),
        waiting_count=first.total if first else 0,
        is_paused=bool(first and first.is_paused),
        running=running[:MAX_PANEL_ROWS],
        waiting=waiting,
    )


def _active_and_next_waiting():  # type: ignore[no-untyped-def]
    queued = Video.objects.filter(status=Status.QUEUED).order_by().values("status")
    total = Coalesce(Subquery(queued.annotate(total=Count("pk")).values("total"), output_field=IntegerField()), 0)
    is_paused = Exists(Queue.objects.filter(pk=1, paused=True))
    # By their keys: for a condition with OR, PostgreSQL reads every row of the table, on every page.
    next_waiting = Video.objects.filter(pk__in=Video.objects.waiting().values("pk")[:MAX_WAITING_ROWS])
    keys = Video.objects.active().order_by().values("pk").union(next_waiting.order_by().values("pk"), all=True)
    shown = Video.objects.filter(pk__in=keys).order_by("-priority", "queued_at", "pk")
    fields = (*FIELDS, "started_at", "retry_count", "not_before", "wait_reason", "error")
    return shown.annotate(total=total, is_paused=is_paused).only(*fields)


def _start_time(video: Video) -> dt.datetime:
    return video.started_at or dt.datetime.min.replace(tzinfo=dt.UTC)
