"""What a page has a hundred of, drawn by its template once: icons, buttons, and the options of a field."""

import functools
from collections.abc import Iterable

from django import template
from django.template.loader import render_to_string
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe

from downloads.models import Video

register = template.Library()

SOME_ID = "SOMEID"  # stands for a video in a button that is drawn for all of them


@register.simple_tag
@functools.cache
def icon(name: str) -> str:
    """Draw the icon of a state or a verb; what surrounds it says the same in words."""
    return render_to_string("downloads/_icon.html", {"name": name})


@register.simple_tag
def act(video: Video, verb: str, words: str, icon: str = "", owner: str = "act") -> SafeString:
    """Draw the button that does something with a video; `owner` is the form it belongs to."""
    # An id has no letter that means anything in HTML or in an address.
    return mark_safe(_button(verb, words, icon or verb, owner).replace(SOME_ID, video.video_id))  # noqa: S308


@functools.cache
def _button(verb: str, words: str, icon: str, owner: str) -> str:
    context = {"id": SOME_ID, "verb": verb, "words": words, "icon": icon, "owner": owner}
    return render_to_string("downloads/_act.html", context)


@register.simple_tag
def options(choices: Iterable[tuple[str, str]], chosen: str) -> SafeString:
    """Draw the options of a select; Django's own way draws each by two templates, which takes fifty times as long."""
    marks = {chosen: mark_safe(" selected")}
    found = ((value, marks.get(value, ""), words) for value, words in choices)
    return format_html_join("\n", '<option value="{}"{}>{}</option>', found)
