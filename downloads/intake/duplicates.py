"""Detection of videos that the archive already has."""

from django.db import transaction

from downloads.database import advisory_lock
from downloads.models import Metadata, Video


def save_metadata_or_skip(video: Video, metadata: Metadata) -> bool:
    """Keep what the look-up found, or set the video aside where it is there already; False if the lease is lost."""
    with transaction.atomic():
        # Two workers may look up the same video at once: the second is to find the first described.
        advisory_lock(f"{metadata.extractor} {metadata.source_id}")
        if found := find_duplicate(video, metadata):
            return video.skip_as_duplicate(
                f"This video is already in the archive: {found.name}. Retry fetches it once more."
            )
        return video.save_metadata(metadata)


def find_duplicate(video: Video, metadata: Metadata) -> Video | None:
    """Return another video that is the same one, whatever its address looks like, unless a person insists."""
    if video.insists:
        return None
    return Video.objects.with_source(metadata.extractor, metadata.source_id).exclude(pk=video.pk).first()
