"""Template tags for what one person has watched, beside or inside of cards that everybody shares.

`{% watched_states videos %}` reads the states of a page by one query; the other tags then show them. Inside of a card
that is cached for all, they leave a placeholder, which `fill_in` replaces for each person.
"""

import functools
import re
from collections.abc import Iterable
from typing import cast

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from downloads.library.watching import WatchedStates, watched_states
from downloads.models import Video
from downloads.templatetags.whitespace import INDENTATION_PATTERN

register = template.Library()
PLACEHOLDER_ID = "SOMEID"  # stands for the video's id in a fragment that all videos share
# Partials that show a state, by the comment that stands for each in a cached card.
PARTIALS = {name: f"<!--watched-{name}-->" for name in ("mark", "words", "action", "item")}
PLACEHOLDER_PATTERN = re.compile(f"<!--watched-({'|'.join(PARTIALS)})-->")
# A state as it is shown: percent of the length, whether it is finished, and whether it is begun.
Appearance = tuple[int, bool, bool]
NEVER_WATCHED: Appearance = (0, False, False)


@register.simple_tag(takes_context=True, name="watched_states")
def load_states(context: template.Context, videos: Iterable[Video]) -> str:
    """Read the states of these videos at once; shows nothing itself."""
    if states := watched_states(context.get("request")):
        states.load(videos)
    return ""


@register.simple_tag(takes_context=True)
def watched_mark(context: template.Context, video: Video) -> SafeString:
    """Show on a thumbnail how far the video was watched: a line at its foot, or a tick."""
    return _show(context, video, "mark")


@register.simple_tag(takes_context=True)
def watched_words(context: template.Context, video: Video) -> SafeString:
    """Say the same to screen readers, to which thumbnails are hidden."""
    return _show(context, video, "words")


@register.simple_tag(takes_context=True)
def watched_action(context: template.Context, video: Video) -> SafeString:
    """Show the button “Mark as watched” or “Mark as unwatched”."""
    return _show(context, video, "action")


@register.simple_tag(takes_context=True)
def watched_item(context: template.Context, video: Video) -> SafeString:
    """Show the same button as an entry of a card's menu."""
    return _show(context, video, "item")


def _show(context: template.Context, video: Video, partial: str) -> SafeString:
    if "request" not in context:
        return mark_safe(PARTIALS[partial])  # noqa: S308 - a constant
    return _render_for(_find_appearance(watched_states(context["request"]), video), video, partial)


def fill_in(context: template.Context, card: str, video: Video) -> SafeString:
    """Replace the placeholders of a cached card by what this person has watched of the video."""
    if PLACEHOLDER_PATTERN.search(card):
        appearance = _find_appearance(watched_states(context.get("request")), video)
        card = PLACEHOLDER_PATTERN.sub(lambda match: _render_for(appearance, video, match[1]), card)
    return mark_safe(card)  # noqa: S308 - parts that templates have rendered


def _find_appearance(states: WatchedStates | None, video: Video) -> Appearance | None:
    """Return a person's watch state of a video as it is shown; None where nothing is."""
    if states is None or not states.is_personal or video.is_list or not (video.is_terminal or video.is_redownloading):
        return None
    if state := states.get(video):
        return state.percent(video.duration), state.is_finished, bool(state.position)
    return NEVER_WATCHED


def _render_for(appearance: Appearance | None, video: Video, partial: str) -> SafeString:
    if appearance is None:
        return SafeString("")
    html = _render(partial, *appearance)
    return mark_safe(html.replace(PLACEHOLDER_ID, video.video_id))  # noqa: S308 - an id has no character of HTML


@functools.cache
def _render(partial: str, percent: int, is_finished: bool, is_begun: bool) -> str:
    context = {
        "video_id": PLACEHOLDER_ID,
        "is_item": partial == "item",
        "percent": percent,
        "is_finished": is_finished,
        "is_begun": is_begun,
    }
    name = "action" if partial == "item" else partial
    return INDENTATION_PATTERN.sub("\n", render_to_string(f"downloads/watching/_{name}.html", context)).strip()


@register.simple_tag(takes_context=True)
def resume_position(context: template.Context, video: Video) -> int:
    """Return the second at which the player of a video starts for this person; 0 for the start."""
    states = watched_states(context.get("request"))
    state = states.get(video) if states else None
    return state.resume_seconds(video.duration) if state else 0


@register.simple_tag(takes_context=True)
def continued_videos(context: template.Context) -> list[Video]:
    """Return the videos of the row “Continue watching”."""
    states = watched_states(context.get("request"))
    return cast(list[Video], states.continued_videos() if states else [])


@register.simple_tag(takes_context=True)
def seconds_left(context: template.Context, video: Video) -> int:
    """Return how many seconds of a begun video are left to watch; 0 if its length is unknown, or none is left."""
    states = watched_states(context.get("request"))
    state = states.get(video) if states else None
    duration = state.known_duration(video.duration) if state else None
    return max(0, round(duration - state.position)) if state and duration else 0
