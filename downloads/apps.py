"""Configuration of the app."""

from django.apps import AppConfig

from downloads.database import tolerant_reading


class DownloadsConfig(AppConfig):
    """The `downloads` app."""

    name = "downloads"
    verbose_name = "Archive"  # in the admin, before those of users
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Have all connections read odd values as unknown, and record sign-ins in the audit log."""
        tolerant_reading.install()
        # Imports models, which can be loaded only now.
        from downloads.audit.sign_ins import connect_signals  # noqa: PLC0415

        connect_signals()
