"""Limits on the duration and size of a video."""

from django.conf import settings

from downloads.ytdlp.results import DownloadError


def require_within_limits(duration_seconds: float | None, size_bytes: float) -> None:
    """Raise DownloadError for a video longer than MAX_SECONDS or larger than MAX_BYTES; 0 turns a limit off."""
    if settings.MAX_SECONDS and duration_seconds and duration_seconds > settings.MAX_SECONDS:
        max_minutes = settings.MAX_SECONDS / 60
        raise DownloadError(f"Longer than the limit of {max_minutes:g} min (YTARCHIVE_MAX_SECONDS).", True)
    if settings.MAX_BYTES and size_bytes > settings.MAX_BYTES:
        raise DownloadError(f"Larger than the limit of {settings.MAX_BYTES / 1e6:g} MB (YTARCHIVE_MAX_BYTES).", True)
