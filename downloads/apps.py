"""The one app."""

from django.apps import AppConfig


class DownloadsConfig(AppConfig):
    """Videos, their downloads and their pages."""

    name = "downloads"
    default_auto_field = "django.db.models.BigAutoField"
