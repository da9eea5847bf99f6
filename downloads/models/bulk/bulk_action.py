"""Bulk action: an action on many videos, recorded at once and performed by a worker in small transactions."""

import datetime as dt
from typing import Any, Self

from django.conf import settings
from django.db import connection, models
from django.db.models import CharField, Exists, IntegerField, OuterRef, Q, Subquery, Value
from django.utils import timezone

from downloads.database.stored_values import MAX_SAFE_INTEGER, TolerantRow
from downloads.models.audit.actor import Actor

PROBLEM_DISPLAY_PERIOD = dt.timedelta(hours=1)  # after the end


class ItemState(models.TextChoices):
    """State of one video of a bulk action."""

    PENDING = "pending", "Pending"
    DONE = "done", "Done"
    SKIPPED = "skipped", "Skipped"  # the video was not in a state that allows the action
    FAILED = "failed", "Failed"


class BulkAction(TolerantRow):
    """An action on many videos that was asked for; `total` is the number of videos at the beginning."""

    action = models.CharField(max_length=16)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    user_name = models.CharField(max_length=150, blank=True)
    total = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    progress_at = models.DateTimeField(null=True)  # when a worker last did some of it
    finished_at = models.DateTimeField(null=True, db_index=True)
    problems = models.TextField(blank=True)  # sentences about videos that failed
    wait_reason = models.TextField(blank=True, default="")  # a sentence, while the media folder cannot be used

    STORED_LIMITS = {"total": (0, MAX_SAFE_INTEGER)}

    def __str__(self) -> str:
        return f"{self.action} {self.total}"

    @property
    def actor(self) -> Actor:
        """The person who asked for it."""
        return Actor(self.user_id, self.user_name)

    def count_done(self) -> int:
        """Return how many videos are not pending any more; those of deleted videos are gone."""
        return self.total - min(self.total, self.items.pending().count())


class BulkItemQuerySet(models.QuerySet["BulkItem"]):
    """Items of bulk actions."""

    def pending(self) -> Self:
        """Filter those that are still to be done, in the order in which they are done."""
        return self.filter(state=ItemState.PENDING).order_by("pk")

    def insert_from(self, bulk: BulkAction, rows: "models.QuerySet[Any]", video_column: str) -> int:
        """Insert an item for each row in its order, by one statement; return how many.

        `rows` has the columns priority and not_before. Videos that are pending already are left out.
        """
        pending = self.filter(video=OuterRef(video_column), state=ItemState.PENDING)
        selected = rows.exclude(Exists(pending)).annotate(
            item_bulk=Value(bulk.pk, IntegerField()), item_state=Value(ItemState.PENDING.value, CharField())
        )
        values = selected.values_list("item_bulk", video_column, "item_state", "priority", "not_before")
        sql, parameters = values.query.sql_with_params()
        table = connection.ops.quote_name(self.model._meta.db_table)
        columns = "bulk_action_id, video_id, state, priority, not_before"
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} ({columns}) {sql}", parameters)
            return int(cursor.rowcount)


class BulkItem(models.Model):
    """One video of a bulk action. While it is pending, nothing else is done with the video."""

    bulk_action = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="items")
    video = models.ForeignKey("downloads.Video", on_delete=models.CASCADE, related_name="bulk_items")
    state = models.CharField(max_length=8, choices=ItemState.choices, default=ItemState.PENDING)
    # The position in the queue before the action, which an undo restores.
    priority = models.IntegerField(default=0)
    not_before = models.DateTimeField(null=True)

    objects = BulkItemQuerySet.as_manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["video"], condition=Q(state="pending"), name="downloads_one_pending_bulk_action"
            ),
        )
        indexes = (models.Index(fields=["bulk_action", "state", "id"], name="downloads_bulk_items"),)

    def __str__(self) -> str:
        return f"{self.bulk_action_id} {self.video_id}: {self.state}"


def find_shown() -> "models.QuerySet[BulkAction]":
    """Return the bulk actions that pages show: unfinished ones, and those that ended with problems recently."""
    recent = Q(finished_at__gte=timezone.now() - PROBLEM_DISPLAY_PERIOD) & ~Q(problems="")
    return BulkAction.objects.filter(Q(finished_at=None) | recent).order_by("pk")


def any_bulk_action_shown_condition() -> Exists:
    """Return the condition that there are bulk actions to show."""
    return Exists(find_shown())


def pending_condition() -> Exists:
    """Return the condition that a bulk action is to be done with a video."""
    return Exists(BulkItem.objects.filter(video=OuterRef("pk"), state=ItemState.PENDING))


def pending_action() -> Subquery:
    """Return the name of the bulk action that is to be done with a video, NULL if there is none."""
    items = BulkItem.objects.filter(video=OuterRef("pk"), state=ItemState.PENDING)
    return Subquery(items.values("bulk_action__action")[:1])
