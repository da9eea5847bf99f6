"""What a page has a hundred of, drawn by its template once: cards, icons, buttons, and the options of a field."""

import functools
import hashlib
from collections.abc import Iterable
from typing import cast

from django import template
from django.core.cache import caches
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from downloads.formatting import ago, retrying
from downloads.models import Status, Video

register = template.Library()

SOME_ID = "SOMEID"  # stands for a video in a button that is drawn for all of them


@register.simple_tag(takes_context=True)
def card(context: template.Context, video: Video, place: str) -> SafeString:
    """Draw the card of a video, or its row; one that would look as it did is kept from the last time.

    What it is kept by is all that its template reads, so that nothing has to be told when that changes.
    """
    browse, can_change = context["browse"], context["can_change"]
    facts = [(name, value) for name, value in vars(video).items() if name != "_state"]
    read = (facts, ago(video.added_at), retrying(video), place, can_change, browse.search_words, browse.clear_url)
    key = hashlib.sha256(repr(read).encode()).hexdigest()
    seen = {"video": video, "place": place, "can_change": can_change, "browse": browse}
    drawn = caches["cards"].get_or_set(key, lambda: render_to_string("downloads/_video.html", seen), None)
    return cast(SafeString, drawn)


@register.simple_tag
@functools.cache
def icon(name: str) -> str:
    """Draw the icon of a state or a verb; what surrounds it says the same in words."""
    return render_to_string("downloads/_icon.html", {"name": name})


@register.simple_tag
@functools.cache
def state(status: str) -> str:
    """Draw a state as its icon and its word."""
    return render_to_string(
        "downloads/_state.html", {"status": status, "words": dict(Status.choices).get(status, status)}
    )


@register.simple_tag(takes_context=True)
def actions(context: template.Context, video: Video) -> SafeString:
    """Draw the buttons of what can be done with a video as it stands."""
    return _for(video, _actions(video.status, context["can_change"]))


@functools.cache
def _actions(status: str, can_change: bool) -> str:
    video = Video(video_id=SOME_ID, status=status)
    return render_to_string("downloads/_actions.html", {"video": video, "can_change": can_change})


@register.simple_tag
def act(video: Video, verb: str, words: str, icon: str = "", owner: str = "act") -> SafeString:
    """Draw the button that does something with a video; `owner` is the form it belongs to."""
    return _for(video, _button(verb, words, icon or verb, owner))


@functools.cache
def _button(verb: str, words: str, icon: str, owner: str) -> str:
    context = {"id": SOME_ID, "verb": verb, "words": words, "icon": icon, "owner": owner}
    return render_to_string("downloads/_act.html", context)


@register.simple_tag
def address(name: str, video: Video) -> SafeString:
    """Return the address of this name for a video; `url` looks through all patterns each time."""
    return _for(video, _address(name))


@functools.cache
def _address(name: str) -> str:
    return reverse(name, args=[SOME_ID])


def _for(video: Video, drawn: str) -> SafeString:
    # An id has no letter that means anything in HTML or in an address.
    return mark_safe(drawn.replace(SOME_ID, video.video_id))  # noqa: S308


@register.simple_tag
def options(choices: Iterable[tuple[str, str]], chosen: str) -> SafeString:
    """Draw the options of a select; Django's own way draws each by two templates, which takes fifty times as long."""
    return _options(tuple(choices), chosen)


@functools.lru_cache(maxsize=64)
def _options(choices: tuple[tuple[str, str], ...], chosen: str) -> SafeString:
    marks = {chosen: mark_safe(" selected")}
    found = ((value, marks.get(value, ""), words) for value, words in choices)
    return format_html_join("\n", '<option value="{}"{}>{}</option>', found)
