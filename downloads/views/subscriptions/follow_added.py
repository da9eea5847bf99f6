"""Following of what the form to add videos has added, where its box is ticked."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from downloads.actions.video_actions import short_title
from downloads.intake.urls import InvalidUrl
from downloads.models import Status, Subscription, Video
from downloads.subscriptions import verbs
from downloads.views.subscriptions.follow import followed_sentence

MAX_NAMED = 3
NOT_A_LIST = "a single video: there is nothing to follow"


def follow_added(request: HttpRequest, videos: Iterable[Video], options: Mapping[str, Any]) -> None:
    """Follow the playlists and channels among these, and say which are none, as far as that is known yet.

    What is only added now is looked up later: a check then finds that a link is a single video, and says so.
    """
    values = {"quality": options["quality"], "subtitle_languages": options["subtitles"]}
    added: list[Subscription] = []
    refused: list[str] = []
    for video in dict.fromkeys(videos):
        if reason := _find_obstacle(video):
            refused.append(f"{short_title(video)} is {reason}.")
            continue
        try:
            subscription, is_new = verbs.subscribe(video.url, added_by=request.user, **values)
        except (InvalidUrl, ValidationError) as error:
            refused.append(f"{short_title(video)}: {_sentence(error)}")
            continue
        added += [subscription] if is_new else []
    if added:
        messages.success(request, followed_sentence(added))
    if refused:
        more = f" And {len(refused) - MAX_NAMED} more." if len(refused) > MAX_NAMED else ""
        messages.info(request, f"Not followed: {' '.join(refused[:MAX_NAMED])}{more}")


def _find_obstacle(video: Video) -> str:
    """Return why a video cannot be followed, "" if it may be a list."""
    return NOT_A_LIST if video.status == Status.COMPLETE and not video.is_list else ""


def _sentence(error: Exception) -> str:
    return " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
