"""Detection of videos that the archive already has."""

from django.db import transaction

from downloads.database import advisory_lock
from downloads.models import Metadata, Video


def save_metadata_or_skip(video: Video, metadata: Metadata) -> bool:
    """Save the metadata of the probe, or skip the video as a duplicate; False if the lease is lost."""
    with transaction.atomic():
        # Two workers may probe the same video at once: the lock lets the second see the metadata of the first.
        advisory_lock(f"{metadata.extractor} {metadata.source_id}")
        if duplicate := find_duplicate(video, metadata):
            return video.skip_as_duplicate(
                f"This video is already in the archive: {duplicate.name}. Retry to download it again."
            )
        return video.save_metadata(metadata)


def find_duplicate(video: Video, metadata: Metadata) -> Video | None:
    """Return another row for the same video, under whatever URL; None if there is none, or duplicates are allowed.

    A video is no duplicate of its own sound, which one may want beside it.
    """
    if video.allow_duplicate:
        return None
    same_source = Video.objects.with_source(metadata.extractor, metadata.source_id, video.quality)
    return same_source.exclude(pk=video.pk).first()
