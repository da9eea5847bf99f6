"""Id of the archive, by which a wrong or missing media folder is noticed."""

from pathlib import Path

from django.conf import settings
from django.db import models

from downloads.files.volumes import archive_marker
from downloads.files.volumes.probe import MEDIA_LABEL


class ArchiveIdentity(models.Model):
    """The single row with the archive's id (a UUID), and whether its folders carry it yet."""

    archive_id = models.CharField(max_length=36)
    is_marked = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "archive identities"

    def __str__(self) -> str:
        return self.archive_id

    @classmethod
    def get_marked_id(cls) -> str:
        """Return the id that the folders have to carry; "" until they are marked."""
        return cls.objects.filter(pk=1, is_marked=True).values_list("archive_id", flat=True).first() or ""


def require_own_media_folder() -> None:
    """Raise StorageError if the media folder is not this archive's, or OSError if it cannot be read."""
    archive_marker.require_marker(Path(settings.MEDIA_ROOT), ArchiveIdentity.get_marked_id(), MEDIA_LABEL)


def is_own_media_folder() -> bool:
    """Tell whether the media folder is this archive's, so that what is not in it may be taken for gone."""
    try:
        require_own_media_folder()
    except OSError:
        return False
    return True
