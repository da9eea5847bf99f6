"""The way back that a message offers."""

import json
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message

register = template.Library()


@register.filter
def undo_action(message: Message) -> dict[str, Any] | None:
    """Return what takes back what the message tells of, as {"url", "do", "ids"}; None if nothing does."""
    tags = message.extra_tags or ""
    return json.loads(tags) if tags.startswith("{") else None
