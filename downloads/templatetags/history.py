"""Words of a video's history, in templates."""

from django import template

from downloads.library.video import history

register = template.Library()
register.filter("history_words", history.history_words)
