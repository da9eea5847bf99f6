"""Watched states on pages: one query for all videos of a page, and the row of what was begun."""

import functools
from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest

from downloads.accounts.permissions import is_signed_in
from downloads.models import Video, WatchState

MAX_CONTINUED = 12


class WatchedStates:
    """The watch states of the person who asks for a page; none for strangers, for whom nothing is queried."""

    def __init__(self, user: Any) -> None:
        self._user = user
        self._states: dict[int, WatchState | None] = {}

    @functools.cached_property
    def is_personal(self) -> bool:
        """Return whether somebody is signed in, whose states these are."""
        return is_signed_in(self._user)

    def load(self, videos: Iterable[Video]) -> None:
        """Read the states of these videos, by one query."""
        keys = {video.pk for video in videos} - self._states.keys()
        if not keys or not self.is_personal:
            return
        self._states |= dict.fromkeys(keys)
        self._states |= {state.video_id: state for state in WatchState.objects.of(self._user).filter(video__in=keys)}

    def get(self, video: Video) -> WatchState | None:
        """Return the state of a video; a query of its own, unless `load` has read it."""
        if video.pk not in self._states:
            self.load([video])
        return self._states.get(video.pk)

    def continued_videos(self) -> list[Video]:
        """Return the videos that were begun and can be played, the last one first."""
        states = WatchState.objects.of(self._user).in_progress().filter(video__media_file__gt="", video__is_list=False)
        columns = states.select_related("video").defer("video__description", "video__subtitle_files")
        continued = list(columns[:MAX_CONTINUED])
        self._states |= {state.video_id: state for state in continued}
        return [state.video for state in continued]


def watched_states(request: HttpRequest | None) -> WatchedStates | None:
    """Return the states for this request; None where nobody can be signed in, such as on an error page."""
    if request is None or not hasattr(request, "user"):
        return None
    if not hasattr(request, "watched_states"):
        request.watched_states = WatchedStates(request.user)  # type: ignore[attr-defined]
    states: WatchedStates = request.watched_states  # type: ignore[attr-defined]
    return states
