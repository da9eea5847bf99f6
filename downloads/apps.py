"""Configuration of the app."""

from django.apps import AppConfig

from downloads.database import tolerant_reading


class DownloadsConfig(AppConfig):
    """The `downloads` app."""

    name = "downloads"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have all connections read odd values as unknown."""
        tolerant_reading.connect()
