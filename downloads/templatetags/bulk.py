"""Template tag for the progress of bulk actions."""

from django import template

from downloads.actions.bulk_actions import describe_running

register = template.Library()


@register.simple_tag
def running_bulk_actions() -> list[tuple[str, bool]]:
    """Return the progress of each bulk action that is to be shown, and whether there are problems."""
    return describe_running()
