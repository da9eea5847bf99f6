"""Admin of videos for those who may not change them: URLs without their tokens."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest

from downloads.accounts.permissions import Permission, has_permission
from downloads.models import Video
from downloads.network.url_secrets import hide_secrets


class HiddenSecretsMixin:
    """Shows the fields of URLs in their cut form, unless the user may change videos."""

    cut_names: ClassVar = {"url": "cut_url", "canonical_url": "cut_canonical_url", "error": "cut_error"}
    cut_fields = tuple(cut_names.values())  # to be listed in `readonly_fields`

    def get_fieldsets(self, request: HttpRequest, obj: Video | None = None) -> Any:
        """Return the fieldsets, with the cut fields for those who may not change videos."""
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        if has_permission(request.user, Permission.CHANGE):
            return fieldsets
        return [
            (title, {**options, "fields": tuple(self.cut_names.get(name, name) for name in options["fields"])})
            for title, options in fieldsets
        ]

    @admin.display(description="Url")
    def cut_url(self, video: Video) -> str:
        """Return the URL without its secrets."""
        return hide_secrets(video.url)

    @admin.display(description="Canonical url")
    def cut_canonical_url(self, video: Video) -> str:
        """Return the canonical URL without its secrets."""
        return hide_secrets(video.canonical_url)

    @admin.display(description="Error")
    def cut_error(self, video: Video) -> str:
        """Return the error without the secrets of URLs in it."""
        return hide_secrets(video.error)
