"""Audit entry: who did what and when, with the title and the address of the video."""

import functools
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from downloads.models.audit.actor import Actor, current_actor

P = ParamSpec("P")
MAX_DETAILS_LENGTH = 2_000


class AuditAction(models.TextChoices):
    """Action recorded in the audit log."""

    ADDED = "added", "Added"
    CANCELLED = "cancelled", "Cancelled"
    CANCEL_UNDONE = "cancel-undone", "Cancel undone"
    RETRIED = "retried", "Retried"
    RETRY_UNDONE = "retry-undone", "Retry undone"
    REDOWNLOADED = "redownloaded", "Downloaded again"
    COPY_REQUESTED = "copy-requested", "Playable copy requested"
    COPY_CANCELLED = "copy-cancelled", "Playable copy cancelled"
    COPY_REMOVED = "copy-removed", "Playable copy removed"
    MOVED = "moved", "Moved in the queue"
    DELETED = "deleted", "Deleted"
    BULK_STARTED = "bulk-started", "Bulk action"
    PROTECTED = "protected", "Protected"
    UNPROTECTED = "unprotected", "No longer protected"
    SUBSCRIBED = "subscribed", "Subscribed"
    UNSUBSCRIBED = "unsubscribed", "Unsubscribed"
    QUEUE_PAUSED = "queue-paused", "Queue paused"
    QUEUE_RESUMED = "queue-resumed", "Queue resumed"
    YTDLP_UPDATED = "ytdlp-updated", "yt-dlp update requested"
    SIGNED_IN = "signed-in", "Signed in"
    SIGN_IN_FAILED = "sign-in-failed", "Sign-in failed"
    ACCOUNT_CHANGED = "account-changed", "Account changed"


class AuditEntry(models.Model):
    """One line of the audit log. It refers to no video, and outlives the video and the account."""

    at = models.DateTimeField(default=timezone.now)
    action = models.CharField(max_length=20, choices=AuditAction.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_name = models.CharField(max_length=150, blank=True)  # "": the program itself
    public_id = models.CharField(max_length=64, blank=True, db_index=True)
    title = models.CharField(max_length=500, blank=True)
    url = models.CharField("URL", max_length=2048, blank=True)
    details = models.TextField(blank=True)

    class Meta:
        ordering = ("-pk",)
        verbose_name_plural = "audit entries"
        # By action and by person, newest first: a page of the log is read from one of them.
        indexes = (
            models.Index(fields=["action", "-id"], name="downloads_audit_action"),
            models.Index(fields=["actor_name", "-id"], name="downloads_audit_actor"),
        )

    def __str__(self) -> str:
        return f"{self.actor_name or 'ytarchive'}: {self.get_action_display()} {self.title or self.url}".rstrip()


def build_entry(action: AuditAction, video: Any = None, details: str = "", actor: Actor | None = None) -> AuditEntry:
    """Return an entry, not yet inserted; `actor` is the current one unless given."""
    actor = actor or current_actor()
    entry = AuditEntry(
        action=action,
        actor_id=actor.user_id,
        actor_name=actor.name[:150],
        details=details[:MAX_DETAILS_LENGTH].replace("\x00", ""),
    )
    if video is not None:
        entry.public_id, entry.title, entry.url = video.video_id, video.title, video.url
    return entry


def record_entry(action: AuditAction, video: Any = None, details: str = "", actor: Actor | None = None) -> None:
    """Insert an entry into the audit log, in the transaction of the change that it reports."""
    build_entry(action, video, details, actor).save(force_insert=True)


def record_added(videos: Iterable[Any]) -> None:
    """Insert the entries of videos that a person added; those that a playlist brought have none."""
    if current_actor().name:
        AuditEntry.objects.bulk_create([build_entry(AuditAction.ADDED, video) for video in videos])


def audited(
    action: AuditAction,
) -> Callable[[Callable[Concatenate[Any, P], bool]], Callable[Concatenate[Any, P], bool]]:
    """Decorate a transition by people: if it changes the row, its entry is inserted in the same transaction."""

    def decorate(transition: Callable[Concatenate[Any, P], bool]) -> Callable[Concatenate[Any, P], bool]:
        @functools.wraps(transition)
        def record(video: Any, /, *args: P.args, **kwargs: P.kwargs) -> bool:
            with transaction.atomic():
                is_changed = transition(video, *args, **kwargs)
                if is_changed:
                    record_entry(action, video)
            return is_changed

        return record

    return decorate
