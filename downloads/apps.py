"""Configuration of the app."""

from django.apps import AppConfig


class DownloadsConfig(AppConfig):
    """The `downloads` app."""

    name = "downloads"
    default_auto_field = "django.db.models.BigAutoField"
