"""The icons, each drawn once: a page has a hundred of them."""

import functools

from django import template
from django.template.loader import render_to_string

register = template.Library()


@register.simple_tag
@functools.cache
def icon(name: str) -> str:
    """Draw the icon of a state or a verb; what surrounds it says the same in words."""
    return render_to_string("downloads/_icon.html", {"name": name})
