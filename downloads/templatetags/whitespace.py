"""Lists of many cards, sent without the indentation of their templates: a fifth of the page."""

import re

from django import template
from django.utils.safestring import SafeString

register = template.Library()
INDENTATION_PATTERN = re.compile(r"\n\s+")


@register.simple_block_tag
def strip_indentation(content: SafeString) -> SafeString:
    """Begin each line at its start, and leave out the empty ones."""
    return SafeString(INDENTATION_PATTERN.sub("\n", content))
