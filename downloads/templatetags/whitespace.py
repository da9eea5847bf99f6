"""Block tag that removes the indentation of templates from long lists: a fifth of the page."""

import re

from django import template
from django.utils.safestring import SafeString

register = template.Library()
INDENTATION_PATTERN = re.compile(r"\n\s+")


@register.simple_block_tag
def strip_indentation(content: SafeString) -> SafeString:
    """Remove the indentation of each line, and the empty lines."""
    return SafeString(INDENTATION_PATTERN.sub("\n", content))
