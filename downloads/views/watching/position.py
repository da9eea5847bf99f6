"""View that takes the position of a player, posted every few seconds and when it stops."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import RawPostDataException

from downloads.models import Video, WatchState
from downloads.models.watching.thresholds import MAX_SECONDS, is_possible, known_duration
from downloads.views.decorators import post_only, require_sign_in
from downloads.views.responses import VIDEO_GONE_MESSAGE

NUMBER_PATTERN = re.compile(r"[-+]?[0-9]{1,20}(\.[0-9]{0,30})?([eE][-+]?[0-9]{1,3})?")


class BadPosition(ValueError):
    """Parameters that are no position of this video; the message says which, and what would be right."""


@post_only
@require_sign_in
def store_position(request: HttpRequest, video_id: str) -> HttpResponse:
    """Store `position`, the second of the video; `duration` is its length, if the player knows it.

    Neither the video nor its `rev` changes, so no other page is told.
    """
    video = Video.objects.filter(video_id=video_id).only("duration", "is_list").first()
    if video is None:
        raise Http404(VIDEO_GONE_MESSAGE)
    try:
        seconds, duration = _read_position(_read_parameters(request), video)
    except BadPosition as error:
        return JsonResponse({"error": str(error)}, status=400)
    try:
        WatchState.objects.record(request.user, video.pk, seconds, duration)
    except IntegrityError as error:  # deleted meanwhile
        raise Http404(VIDEO_GONE_MESSAGE) from error
    return HttpResponse(status=204)


def _read_parameters(request: HttpRequest) -> Mapping[str, Any]:
    """Return the fields of a form or of a JSON object."""
    if request.content_type != "application/json":
        return request.POST
    try:
        parameters = json.loads(request.body)
    except (ValueError, RecursionError, RawPostDataException) as error:
        raise BadPosition('Send a form, or JSON such as {"position": 247.5}.') from error
    if not isinstance(parameters, dict):
        raise BadPosition('Send a JSON object such as {"position": 247.5}.')
    return parameters


def _read_position(parameters: Mapping[str, Any], video: Video) -> tuple[float, float | None]:
    """Return the position and the length of the video; the player knows its file better than the row does."""
    if video.is_list:
        raise BadPosition("A playlist has no position. Send it to one of its videos.")
    seconds = _read_number(parameters, "position")
    if seconds is None:
        raise BadPosition("“position” is missing: the second of the video, such as 247.5.")
    duration = known_duration(_read_number(parameters, "duration"), video.duration)
    if not is_possible(seconds, duration):
        last = MAX_SECONDS if duration is None else duration
        raise BadPosition(f"“position” is a second of the video, from 0 to {last:.0f}.")
    return seconds, duration


def _read_number(parameters: Mapping[str, Any], name: str) -> float | None:
    value = parameters.get(name)
    if value in (None, ""):
        return None
    if isinstance(value, bool) or not NUMBER_PATTERN.fullmatch(str(value)):
        raise BadPosition(f"“{name}” is a number of seconds, such as 247.5.")
    return float(value)
