"""Condition of the playable copies that the activity page shows."""

from django.apps import apps
from django.db.models import Exists

from downloads.models.choices import Status

UNFINISHED_STATUSES = (Status.QUEUED, Status.PROCESSING)
SHOWN_STATUSES = (*UNFINISHED_STATUSES, Status.FAILED)


def any_copy_shown_condition() -> Exists:
    """Return the condition that there is a copy to show. By the model's name, since its module imports the queue's."""
    copies = apps.get_model("downloads", "PlayableCopy")._default_manager
    return Exists(copies.filter(status__in=SHOWN_STATUSES))
