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

from downloads.formatting import retry_message, time_ago
from downloads.models import Status, Video

register = template.Library()

PLACEHOLDER_ID = "SOMEID"  # stands for a video in a button that is drawn for all of them


@register.simple_tag(takes_context=True)
def video_card(context: template.Context, video: Video, section: str) -> SafeString:
    """Draw the card of a video, or its row; one that would look as it did is kept from the last time.

    What it is kept by is all that its template reads, so that nothing has to be told when that changes.
    """
    browse, can_change = context["browse"], context["can_change"]
    facts = [(name, value) for name, value in vars(video).items() if name != "_state"]
    read = (
        facts,
        time_ago(video.added_at),
        retry_message(video),
        section,
        can_change,
        browse.search_words,
        browse.clear_url,
    )
    key = hashlib.sha256(repr(read).encode()).hexdigest()
    seen = {"video": video, "place": section, "can_change": can_change, "browse": browse}
    drawn = caches["cards"].get_or_set(key, lambda: render_to_string("downloads/_video.html", seen), None)
    return cast(SafeString, drawn)


@register.simple_tag
@functools.cache
def icon(name: str) -> str:
    """Draw the icon of a state or a verb; what surrounds it says the same in words."""
    return render_to_string("downloads/_icon.html", {"name": name})


@register.simple_tag
@functools.cache
def status_badge(status: str) -> str:
    """Draw a state as its icon and its word."""
    return render_to_string(
        "downloads/_state.html", {"status": status, "words": dict(Status.choices).get(status, status)}
    )


@register.simple_tag(takes_context=True)
def action_buttons(context: template.Context, video: Video) -> SafeString:
    """Draw the buttons of what can be done with a video as it stands."""
    return _fill_in_video_id(video, _render_action_buttons(video.status, context["can_change"]))


@functools.cache
def _render_action_buttons(status: str, can_change: bool) -> str:
    video = Video(video_id=PLACEHOLDER_ID, status=status)
    return render_to_string("downloads/_actions.html", {"video": video, "can_change": can_change})


@register.simple_tag
def action_button(video: Video, action: str, label: str, icon: str = "", form_id: str = "act") -> SafeString:
    """Draw the button that does something with a video; `owner` is the form it belongs to."""
    return _fill_in_video_id(video, _render_action_button(action, label, icon or action, form_id))


@functools.cache
def _render_action_button(action: str, label: str, icon: str, form_id: str) -> str:
    context = {"id": PLACEHOLDER_ID, "verb": action, "words": label, "icon": icon, "owner": form_id}
    return render_to_string("downloads/_act.html", context)


@register.simple_tag
def cached_video_url(url_name: str, video: Video) -> SafeString:
    """Return the address of this name for a video; `url` looks through all patterns each time."""
    return _fill_in_video_id(video, _reverse_with_placeholder(url_name))


@functools.cache
def _reverse_with_placeholder(url_name: str) -> str:
    return reverse(url_name, args=[PLACEHOLDER_ID])


def _fill_in_video_id(video: Video, fragment: str) -> SafeString:
    # An id has no letter that means anything in HTML or in an address.
    return mark_safe(fragment.replace(PLACEHOLDER_ID, video.video_id))  # noqa: S308


@register.simple_tag
def select_options(choices: Iterable[tuple[str, str]], selected: str) -> SafeString:
    """Draw the options of a select; Django's own way draws each by two templates, which takes fifty times as long."""
    return _render_select_options(tuple(choices), selected)


@functools.lru_cache(maxsize=64)
def _render_select_options(choices: tuple[tuple[str, str], ...], selected: str) -> SafeString:
    marks = {selected: mark_safe(" selected")}
    found = ((value, marks.get(value, ""), words) for value, words in choices)
    return format_html_join("\n", '<option value="{}"{}>{}</option>', found)
