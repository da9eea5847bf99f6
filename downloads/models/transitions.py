"""How a verb writes: a conditional UPDATE, its event in the same transaction, one message once both are committed."""

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from downloads.models.choices import Status
from downloads.models.event import VideoEvent
from downloads.progress import publisher
from downloads.progress.message import Progress
from downloads.search import document, index

if TYPE_CHECKING:
    from downloads.models import Video

MAX_TEXT_LENGTH = 100_000
# NUL, which PostgreSQL refuses, and what turns the words around it, so that "4pm.exe" reads "exe.mp4" (Unicode TR 36).
STRIPPED_CHARACTERS = dict.fromkeys([0, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])
CLEARED_LEASE_FIELDS: dict[str, Any] = {"worker": "", "lease_token": "", "lease_until": None}


def _finish(video: "Video", new_status: Status, reason: str, changes: dict[str, Any], **where: Any) -> bool:
    """End an attempt. A video or a list that was complete before stays so: what was there is still there."""
    if (video.media_file or video.is_list) and new_status != Status.COMPLETE:
        new_status, changes = Status.COMPLETE, {**changes, "percent": 100.0}
    ended = {"ended_at": timezone.now(), "phase": "", **CLEARED_LEASE_FIELDS, **changes}
    return _transition(video, new_status, reason, changes=ended, **where)


def _restore_outcome(video: "Video", reason: str, **where: Any) -> bool:
    """End a video that is tried again as it had ended before, with what was said then; False if it never had."""
    last = video.events.filter(status__in=(Status.FAILED, Status.CANCELLED)).last()
    if last is None:
        return False
    # The event says again why it had failed: the next one who looks for that finds this one.
    error = last.reason if last.status == Status.FAILED else ""
    return _finish(video, Status(last.status), error or reason, {"error": error}, **where)


def _requeue_by_user(video: "Video", reason: str, *, allow_duplicate: bool, **where: Any) -> bool:
    """Queue a video because a person wants it: behind the others, with all its tries."""
    fresh = {"queued_at": timezone.now(), "tries": 0, "not_before": None, "priority": 0, "insists": allow_duplicate}
    return _requeue(video, reason, fresh, **where)


def _requeue(video: "Video", reason: str, extra_changes: dict[str, Any] | None = None, **where: Any) -> bool:
    """Queue a video again; it keeps its place, so what was begun is finished first."""
    changes = {
        "attempt": F("attempt") + 1,
        "ended_at": None,
        "percent": None,
        "downloaded_bytes": None,
        "total_bytes": None,
        "phase": "",
        "error": "",
        **CLEARED_LEASE_FIELDS,
        **(extra_changes or {}),
    }
    return _transition(video, Status.QUEUED, reason, changes=changes, **where)


def _transition(
    video: "Video",
    new_status: Status,
    reason: str,
    move_files: Callable[[], None] | None = None,
    *,
    changes: dict[str, Any],
    **where: Any,
) -> bool:
    """Change the state where `where` holds; False if it does not."""
    return _write(video, reason, {"status": new_status, **changes}, {"status": new_status}, move_files, **where)


def _write(
    video: "Video",
    reason: str,
    changes: dict[str, Any],
    message: dict[str, Any],
    move_files: Callable[[], None] | None = None,
    **where: Any,
) -> bool:
    """Write the changes where `where` holds; `place` moves the files that go with them."""
    if where.get("lease_token") == "":
        return False
    with transaction.atomic():
        if not type(video).objects.filter(pk=video.pk, **where).update(**changes):
            return False
        if move_files:
            move_files()
        video.refresh_from_db()
        if document.INDEXED_FIELDS & changes.keys():
            index.index_video(video)
        record_event(video, reason, message)
    return True


def record_event(video: "Video", reason: str, message: dict[str, Any] | None = None) -> None:
    """Write the event, and say it on the wire once both are committed."""
    VideoEvent.objects.create(
        video=video, public_id=video.video_id, status=video.status, attempt=video.attempt, reason=reason[:2000]
    )
    state = video.to_progress()
    if message is not None and "status" not in message:
        state = Progress(attempt=video.attempt, **message)
    transaction.on_commit(functools.partial(publisher.publish_progress, video.video_id, state))


def _truncate(video: "Video", field_name: str, value: Any) -> Any:
    """Return a fact that fits its column: not too long, and nothing in it that PostgreSQL or a reader stumbles over."""
    if not isinstance(value, str):
        return value
    longest = getattr(video._meta.get_field(field_name), "max_length", None)
    return value.translate(STRIPPED_CHARACTERS).strip()[: longest or MAX_TEXT_LENGTH]


def format_wait(seconds: float) -> str:
    """Return a wait as "40 s" or "2 min"."""
    return f"{max(1, round(seconds))} s" if seconds < 59.5 else f"{round(seconds / 60)} min"
