"""Actions on playable copies, and the messages that report them."""

import dataclasses
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from downloads.accounts.permissions import Permission, require
from downloads.actions.video_actions import short_title
from downloads.models import PlayableCopy, Video

# What costs this server's time and room is for those who may have a video downloaded again.
PERMISSION = Permission.CHANGE


@dataclasses.dataclass(frozen=True)
class CopyAction:
    """One kind of action: what it does, and the texts of its outcome; `{}` is the name of the video."""

    perform: Callable[[Video, Any], bool]
    done_text: str
    skipped_text: str


def _perform_on_copy(verb: str, reason: str) -> Callable[[Video, Any], bool]:
    def perform(video: Video, user: Any) -> bool:
        copy = PlayableCopy.objects.select_related("video").filter(pk=video.pk).first()
        return copy is not None and bool(getattr(copy, verb)(f"{reason} by {user}"))

    return perform


COPY_ACTIONS = {
    "make-copy": CopyAction(
        lambda video, user: PlayableCopy.request(video, f"Playable copy requested by {user}"),
        "Making a playable copy of {}.",
        "{} has a playable copy, one is being made, or there is no file to copy.",
    ),
    "cancel-copy": CopyAction(
        _perform_on_copy("cancel", "Playable copy cancelled"),
        "Cancelled the playable copy of {}.",
        "The playable copy of {} had already ended.",
    ),
    "remove-copy": CopyAction(
        _perform_on_copy("remove", "Playable copy removed"),
        "Removed the playable copy of {}. The original stays.",
        "{} has no playable copy.",
    ),
}


def run_copy_action(request: HttpRequest, video: Video, action_name: str) -> None:
    """Run an action of COPY_ACTIONS, and add a message about the outcome; raise RoleRequired if it is not permitted."""
    require(request.user, PERMISSION)
    action = COPY_ACTIONS[action_name]
    if action.perform(video, request.user):
        messages.success(request, action.done_text.format(short_title(video)))
    else:
        messages.info(request, action.skipped_text.format(short_title(video)))
