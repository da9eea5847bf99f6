"""Forms of the pages. Re-exports what views and templates use."""

from downloads.forms.following import FollowForm, SubscriptionForm
from downloads.forms.ingest import MAX_URLS_LENGTH, IngestForm
from downloads.forms.languages import remember_languages, remembered_languages

__all__ = [
    "MAX_URLS_LENGTH",
    "FollowForm",
    "IngestForm",
    "SubscriptionForm",
    "remember_languages",
    "remembered_languages",
]
