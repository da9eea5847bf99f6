"""Actions on the whole queue, and the messages that report them.

An action takes the user and returns its message and the JSON of its undo ("" if there is none).
"""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from downloads.accounts.permissions import Permission, require
from downloads.actions.bulk_actions import exceeds_request, start_bulk_action
from downloads.actions.video_actions import ACTIONS, UNCHANGED_TEXTS, short_title, undo_tags
from downloads.models import HostPause, Queue, Status, Video
from downloads.pluralization import format_count

HELD_AGAIN = "If that lasts, a worker stops the queue again within seconds."


def run_queue_action(request: HttpRequest, action_name: str) -> None:
    """Run an action of QUEUE_ACTIONS on the queue, and add its message to the request; may raise RoleRequired."""
    require(request.user, Permission.MANAGE)
    text, undo = QUEUE_ACTIONS[action_name](request.user)
    messages.info(request, text, extra_tags=undo)


def end_site_pause(request: HttpRequest, site: str) -> None:
    """End the pause that a site has asked for, and add a message to the request; may raise RoleRequired."""
    require(request.user, Permission.MANAGE)
    is_ended = HostPause.objects.resume(site)
    text = f"Asking {site} again." if is_ended else "No pause of this site is left."
    messages.info(request, text)


def _pause_queue(user: Any) -> tuple[str, str]:
    if Queue.pause(f"Queue paused by {user}."):
        text = "Queue paused. Current downloads will finish; nothing new will start."
        return text, json.dumps({"url": "queue-resume"})
    return "The queue is already paused.", ""


def _resume_queue(user: Any) -> tuple[str, str]:
    queue = Queue.get_or_default()
    if not Queue.resume(f"Resumed by {user}"):
        return "The queue isn’t paused.", ""
    undo = json.dumps({"url": "queue-pause"}) if queue.paused else ""
    if not queue.is_held:
        return "Queue resumed.", undo
    return f"Queue resumed. {queue.held_because} {HELD_AGAIN}", undo


def _cancel_all(user: Any) -> tuple[str, str]:
    if exceeds_request(Video.objects.unfinished()):
        return start_bulk_action(user, "cancel-all", Video.objects.unfinished())
    videos = Video.objects.cancel_all(f"Cancelled with all others by {user}")
    # A redownload that is cancelled leaves the video complete, as it was before.
    complete = [video for video in videos if video.status == Status.COMPLETE]
    cancelled = [video for video in videos if video.status != Status.COMPLETE]
    if not videos:
        return "Nothing to cancel.", ""
    sentences = [f"Cancelled {format_count(len(cancelled), 'video')}."] if cancelled else []
    if len(complete) == 1:
        sentences.append(UNCHANGED_TEXTS[0].format(short_title(complete[0])))
    elif complete:
        sentences.append(UNCHANGED_TEXTS[1].format(len(complete)))
    return " ".join(sentences), undo_tags(ACTIONS["cancel"], cancelled)


def _retry_failed(user: Any) -> tuple[str, str]:
    failed = Video.objects.filter(status=Status.FAILED)
    if exceeds_request(failed):
        return start_bulk_action(user, "retry-all", failed)
    videos = Video.objects.retry_failed(f"Retried with all others by {user}")
    text = f"Retrying {format_count(len(videos), 'video')}." if videos else "Nothing to retry."
    return text, undo_tags(ACTIONS["retry"], videos)


def _remove_cancelled(user: Any) -> tuple[str, str]:
    require(user, Permission.DELETE)
    cancelled = Video.objects.filter(status=Status.CANCELLED)
    if exceeds_request(cancelled):
        return start_bulk_action(user, "delete", cancelled)
    count = sum(video.remove(f"Removed with all cancelled by {user}") for video in cancelled)
    return f"Deleted {format_count(count, 'video')}." if count else "Nothing to remove.", ""


QUEUE_ACTIONS = {
    "pause": _pause_queue,
    "resume": _resume_queue,
    "cancel-all": _cancel_all,
    "retry-failed": _retry_failed,
    "remove-cancelled": _remove_cancelled,
}
