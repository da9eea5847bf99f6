"""Actions on the whole queue, and the messages about them."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from downloads.actions.video_actions import ACTIONS, UNCHANGED_TEXTS, short_title, undo_tags
from downloads.models import Queue, Status, Video


def run_queue_action(request: HttpRequest, action_name: str) -> None:
    """Do one thing with the whole queue, and say what came of it."""
    said, undo = QUEUE_ACTIONS[action_name](request.user)
    messages.info(request, said, extra_tags=undo)


def _pause_queue(by: Any) -> tuple[str, str]:
    if Queue.pause(f"The queue was paused by {by}."):
        return "The queue is paused. What runs goes on; nothing new starts.", json.dumps({"url": "queue-resume"})
    return "The queue was paused already.", ""


def _resume_queue(by: Any) -> tuple[str, str]:
    undo = json.dumps({"url": "queue-pause"}) if Queue.resume(f"Resumed by {by}") else ""
    said = "The queue goes on." if undo else "The queue was not paused."
    held = Queue.get_or_default().blocked_reason
    return (f"{said} {held}" if held else said), undo


def _cancel_all(by: Any) -> tuple[str, str]:
    done = Video.objects.cancel_all(f"Cancelled with all others by {by}")
    kept = [video for video in done if video.status == Status.COMPLETE]
    cancelled = [video for video in done if video.status != Status.COMPLETE]
    said = [f"{_count_phrase(cancelled)} cancelled."] if cancelled or not kept else []
    said += (
        [
            f"{len(kept)} videos {UNCHANGED_TEXTS[1]}."
            if len(kept) > 1
            else f"{short_title(kept[0])} {UNCHANGED_TEXTS[0]}."
        ]
        if kept
        else []
    )
    return " ".join(said) if done else "Nothing was waiting or running.", undo_tags(ACTIONS["cancel"], cancelled)


def _retry_failed(by: Any) -> tuple[str, str]:
    done = Video.objects.retry_failed(f"Retried with all others by {by}")
    said = f"{_count_phrase(done)} put back into the queue." if done else "Nothing had failed."
    return said, undo_tags(ACTIONS["retry"], done)


def _count_phrase(videos: list[Video]) -> str:
    return "1 video was" if len(videos) == 1 else f"{len(videos)} videos were"


QUEUE_ACTIONS = {
    "pause": _pause_queue,
    "resume": _resume_queue,
    "cancel-all": _cancel_all,
    "retry-failed": _retry_failed,
}
