"""What is too much: sizes and lengths, in words."""

from django.conf import settings

from downloads.ytdlp.results import DownloadError


def require_within_limits(duration_seconds: float | None, size_bytes: float) -> None:
    """Raise DownloadError for a video that is too long, or has more bytes than are taken."""
    if settings.MAX_SECONDS and duration_seconds and duration_seconds > settings.MAX_SECONDS:
        most = settings.MAX_SECONDS / 60
        raise DownloadError(f"This video is longer than the {most:g} min that are taken (YTARCHIVE_MAX_SECONDS).", True)
    if settings.MAX_BYTES and size_bytes > settings.MAX_BYTES:
        raise DownloadError(
            f"This video is larger than the {settings.MAX_BYTES / 1e6:g} MB that are taken (YTARCHIVE_MAX_BYTES).", True
        )
