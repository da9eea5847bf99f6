"""Template filter for the undo button of a message."""

import json
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message

register = template.Library()


@register.filter
def undo_action(message: Message) -> dict[str, Any] | None:
    """Return the action that undoes the one in the message, as {"url", "do", "ids"}; None if there is none."""
    tags = message.extra_tags or ""
    return json.loads(tags) if tags.startswith("{") else None
