"""URLs in the admin of videos: as links, and without their tokens for those who may not change videos."""

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from downloads.accounts.permissions import Permission, has_permission
from downloads.models import Video
from downloads.network.url_secrets import has_secrets, hide_secrets
from downloads.network.web_links import only_web_link


def link_url(url: str) -> str:
    """Return a URL as a link to itself; as text if it is none of the web, such as javascript:."""
    if not only_web_link(url):
        return url
    return format_html('<a href="{0}" rel="noopener noreferrer nofollow">{0}</a>', url)


def link_url_without_secrets(url: str) -> str:
    """Return a URL as a link; as text without its secrets if it has any."""
    return hide_secrets(url) if has_secrets(url) else link_url(url)


# Fields that may have a token in them.
SECRET_FIELDS = frozenset({"url", "canonical_url", "uploader_url", "error", "reason"})


class SecretLookupGuardMixin:
    """Refuses lookups by what may have a token: the number of rows would tell it letter by letter."""

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest) -> bool:
        """Allow those to whoever may change videos, and so sees them whole."""
        if SECRET_FIELDS.intersection(lookup.split("__")) and not has_permission(request.user, Permission.CHANGE):
            return False
        return super().lookup_allowed(lookup, value, request)  # type: ignore[misc]


class HiddenSecretsMixin(SecretLookupGuardMixin):
    """Shows the fields of URLs in their cut form, unless the user may change videos."""

    cut_names: ClassVar = {
        "linked_url": "cut_url",
        "linked_canonical_url": "cut_canonical_url",
        "error": "cut_error",
    }
    # To be listed in `readonly_fields`.
    secret_fields = ("linked_url", "linked_canonical_url", *cut_names.values())

    def get_fieldsets(self, request: HttpRequest, obj: Video | None = None) -> Any:
        """Return the fieldsets, with the cut fields for those who may not change videos."""
        fieldsets = super().get_fieldsets(request, obj)  # type: ignore[misc]
        if has_permission(request.user, Permission.CHANGE):
            return fieldsets
        return [
            (title, {**options, "fields": tuple(self.cut_names.get(name, name) for name in options["fields"])})
            for title, options in fieldsets
        ]

    @admin.display(description="Submitted URL")
    def linked_url(self, video: Video) -> str:
        """Return the submitted URL as a link."""
        return link_url(video.url)

    @admin.display(description="URL")
    def linked_canonical_url(self, video: Video) -> str:
        """Return the canonical URL as a link."""
        return link_url(video.canonical_url)

    @admin.display(description="Submitted URL")
    def cut_url(self, video: Video) -> str:
        """Return the submitted URL without its secrets."""
        return link_url_without_secrets(video.url)

    @admin.display(description="URL")
    def cut_canonical_url(self, video: Video) -> str:
        """Return the canonical URL without its secrets."""
        return link_url_without_secrets(video.canonical_url)

    @admin.display(description="Error")
    def cut_error(self, video: Video) -> str:
        """Return the error without the secrets of URLs in it."""
        return hide_secrets(video.error)
