"""Lists of many cards, sent without the indentation of their templates: a fifth of the page."""

import re

from django import template
from django.utils.safestring import SafeString

register = template.Library()
INDENTATION = re.compile(r"\n\s+")


@register.simple_block_tag
def tight(content: SafeString) -> SafeString:
    """Begin each line at its start, and leave out the empty ones."""
    return SafeString(INDENTATION.sub("\n", content))
