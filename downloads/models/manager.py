"""Manager of videos: ingest, claim, and what is done to many at once."""

import functools
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import connection, models, transaction

from downloads.database import advisory_lock
from downloads.database.clock import current_moment
from downloads.models import event, removal
from downloads.models.audit import entry as audit_entry
from downloads.models.choices import Quality, Status
from downloads.models.querysets import VideoQuerySet
from downloads.models.transitions import Transitions
from downloads.network.sites import site_of
from downloads.progress import publisher
from downloads.search import index

T = TypeVar("T", bound=Transitions)


class VideoManager(models.Manager.from_queryset(VideoQuerySet), Generic[T]):  # type: ignore[misc]
    """The queue: adds videos, hands them to workers, and acts on many at once."""

    def ingest(self, url: str, canonical_url: str, **fields: Any) -> tuple[T, bool]:
        """Add a checked URL to the queue; return (video, True), or (the video that has this URL, False)."""
        return self.ingest_many([(url, canonical_url)], **fields)[0]

    def ingest_many(
        self,
        urls: Sequence[tuple[str, str]],
        *,
        quality: str = Quality.BEST,
        fields_by_url: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        **fields: Any,
    ) -> list[tuple[T, bool]]:
        """Add checked URLs, each (submitted, canonical), in one transaction; return results as `ingest` does.

        `fields` are those of all new videos, `fields_by_url` those of each, by its canonical URL. A URL may be there
        once as a video and once as audio. On SQLite all other writers wait: add many in chunks.
        """
        new_videos: dict[str, T] = {}
        with transaction.atomic():
            # Two that add many of the same URLs in another order would wait for each other (PostgreSQL).
            advisory_lock("ingest")
            known_videos = self._find_by_url({canonical_url for _, canonical_url in urls}, quality)
            for url, canonical_url in urls:
                if canonical_url not in known_videos and canonical_url not in new_videos:
                    host = (urlsplit(canonical_url).hostname or "")[:255]
                    new_videos[canonical_url] = self.model(
                        url=url,
                        canonical_url=canonical_url,
                        quality=quality,
                        host=host,
                        **{"queued_at": current_moment(), **fields, **fields_by_url.get(canonical_url, {})},
                    )
            known_videos |= self._insert_queued(new_videos)
        is_new = dict.fromkeys(new_videos, True)
        return [(known_videos[canonical_url], is_new.pop(canonical_url, False)) for _, canonical_url in urls]

    def _find_by_url(self, canonical_urls: Collection[str], quality: str) -> dict[str, T]:
        matching = self.get_queryset().of_medium(quality).filter(canonical_url__in=canonical_urls)
        return {video.canonical_url: video for video in matching.order_by("-pk")}

    def _insert_queued(self, new_videos: dict[str, T]) -> dict[str, T]:
        """Insert videos with their events and words, and publish them on commit; return them as they are stored."""
        if not new_videos:
            return {}
        self.bulk_create(new_videos.values())
        # Read again, for the columns that the database computes.
        stored = self.in_bulk([video.pk for video in new_videos.values()])
        videos = [stored[video.pk] for video in new_videos.values()]
        index.index_videos(videos)
        event.VideoEvent.objects.bulk_create([video.build_event("Added") for video in videos])
        audit_entry.record_added(videos)
        messages = {video.video_id: video.to_progress() for video in videos}
        transaction.on_commit(functools.partial(publisher.publish_many, messages))
        return dict(zip(new_videos, videos, strict=True))

    def claim(self, worker: str) -> T | None:
        """Claim the next video that may start for `worker`, with a lease; None if there is none."""
        with transaction.atomic():
            ready = self.get_queryset().claimable()
            if connection.features.has_select_for_update_skip_locked:
                ready = ready.select_for_update(skip_locked=True)
            video = ready.first()
            if video is None or not self._host_has_capacity(video.host) or not video._claim(worker):
                return None
        return video

    def _host_has_capacity(self, host: str) -> bool:
        """Check the limit per site again under a lock: two workers may both have seen the last free place."""
        if host:
            advisory_lock(site_of(host))
        return not host or self.get_queryset().active().of_site(host).count() < settings.PER_HOST

    def requeue_expired(self, lease_tokens: Collection[str] | None = None) -> int:
        """Requeue videos whose worker died, those with one of `lease_tokens` alone if given; return how many."""
        expired = self.get_queryset().lease_expired()
        if lease_tokens is not None:
            expired = expired.filter(lease_token__in=lease_tokens)
        return sum(video.release("The download was interrupted", only_if_expired=True) for video in expired)

    def requeue_worker(self, worker: str) -> int:
        """Requeue the active videos of a worker that has died; return how many."""
        return sum(video.release("The download was interrupted") for video in self.get_queryset().active_of(worker))

    def finish_interrupted_removals(self) -> None:
        """Finish or undo removals that a crash interrupted."""
        removal.finish_interrupted_removals(self.get_queryset())

    def cancel_all(self, reason: str = "Cancelled with all others") -> list[T]:
        """Cancel all unfinished videos; return those that were cancelled."""
        # Waiting videos first: otherwise each download that is cancelled would let another one start.
        unfinished = [*self.get_queryset().waiting(), *self.get_queryset().active()]
        return [video for video in unfinished if video.cancel(reason)]

    def retry_failed(self, reason: str = "Retried with all others") -> list[T]:
        """Retry all failed videos, oldest first; return those that were queued."""
        failed = self.get_queryset().filter(status=Status.FAILED).order_by("pk")
        return [video for video in failed if video.retry(reason, allow_duplicate=False)]

    def latest_rev(self) -> int:
        """Return the id of the newest event, which grows with every change of a row."""
        return event.latest_rev()
