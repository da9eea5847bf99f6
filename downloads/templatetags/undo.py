"""Template filter for the undo button of a message."""

import json
from typing import Any

from django import template
from django.contrib.messages.storage.base import Message

from downloads.accounts.context_processors import UserPermissions
from downloads.accounts.permissions import Permission
from downloads.actions.video_actions import required_permission

register = template.Library()


@register.filter
def undo_action(message: Message, can: UserPermissions | str) -> dict[str, Any] | None:
    """Return the action that undoes the one in the message, as {"url", "do", "ids"}.

    None if there is none, or if this user may not: a message may be shown after its user lost a role, or signed out.
    """
    tags = message.extra_tags or ""
    if not tags.startswith("{") or not isinstance(can, UserPermissions):
        return None
    action: dict[str, Any] = json.loads(tags)
    if "undo" in action:  # of a mark, which is one's own
        return action
    permission = required_permission(action["do"]) if "do" in action else Permission.MANAGE
    return action if can[permission.name] else None
