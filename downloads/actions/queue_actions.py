"""Actions on the whole queue, and the messages about them."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from downloads.actions.video_actions import KEPT, VERBS, _undo, short
from downloads.models import Queue, Status, Video


def act_on_queue(request: HttpRequest, name: str) -> None:
    """Do one thing with the whole queue, and say what came of it."""
    said, undo = QUEUE_VERBS[name](request.user)
    messages.info(request, said, extra_tags=undo)


def _pause(by: Any) -> tuple[str, str]:
    if Queue.pause(f"The queue was paused by {by}."):
        return "The queue is paused. What runs goes on; nothing new starts.", json.dumps({"url": "queue-resume"})
    return "The queue was paused already.", ""


def _resume(by: Any) -> tuple[str, str]:
    undo = json.dumps({"url": "queue-pause"}) if Queue.resume(f"Resumed by {by}") else ""
    said = "The queue goes on." if undo else "The queue was not paused."
    held = Queue.get_or_default().blocked_reason
    return (f"{said} {held}" if held else said), undo


def _cancel_all(by: Any) -> tuple[str, str]:
    done = Video.objects.cancel_all(f"Cancelled with all others by {by}")
    kept = [video for video in done if video.status == Status.COMPLETE]
    cancelled = [video for video in done if video.status != Status.COMPLETE]
    said = [f"{_count(cancelled)} cancelled."] if cancelled or not kept else []
    said += [f"{len(kept)} videos {KEPT[1]}." if len(kept) > 1 else f"{short(kept[0])} {KEPT[0]}."] if kept else []
    return " ".join(said) if done else "Nothing was waiting or running.", _undo(VERBS["cancel"], cancelled)


def _retry_failed(by: Any) -> tuple[str, str]:
    done = Video.objects.retry_failed(f"Retried with all others by {by}")
    said = f"{_count(done)} put back into the queue." if done else "Nothing had failed."
    return said, _undo(VERBS["retry"], done)


def _count(videos: list[Video]) -> str:
    return "1 video was" if len(videos) == 1 else f"{len(videos)} videos were"


QUEUE_VERBS = {"pause": _pause, "resume": _resume, "cancel-all": _cancel_all, "retry-failed": _retry_failed}
