"""Writes of one attempt to its leased row: retried while the database is down, checked for the lease."""

import copy
import logging
from collections.abc import Callable

from downloads.database import retry_while_database_is_down
from downloads.files import workspace
from downloads.intake import duplicates, entry_requests, playlists, release_wait
from downloads.models import EntryRequest, HostPause, Metadata, PlayableCopy, StoredFiles, Video
from downloads.models.removal import RemovalError
from downloads.models.transitions import REFUSAL_PREFIX
from downloads.subscriptions import metadata_filter
from downloads.worker.metadata import parse_metadata
from downloads.ytdlp.errors import error_messages
from downloads.ytdlp.results import DownloadError, NotYetAvailable, Playlist, PlaylistEntry, SiteError

logger = logging.getLogger(__name__)

MAX_REFUSALS = 8  # pauses of a site because of one video, after which it fails: days, as each is longer


class LeaseLost(Exception):
    """The video was cancelled or claimed by another worker: nothing of this attempt may be written any more."""


class LeasedVideo:
    """A claimed video and the writes of its attempt: `LeasedVideo(video).start_processing("merging")`.

    Every write blocks while the database is down; the supervisor kills this process when its lease expires.
    A write that continues or completes the attempt raises LeaseLost when the lease is gone. A write that ends
    a failed attempt (fail, retry_later, release) changes nothing then: whoever has the video decides.
    """

    def __init__(self, video: Video) -> None:
        self.video = video  # the row as last written
        self.is_removed = False  # no subscription wants it after all: the row is gone

    def save_metadata(self, metadata: Metadata) -> None:
        """Save the metadata, or end the attempt as a duplicate (`video.is_terminal` is then true).

        A video that its subscription does not want after all is removed, and LeaseLost raised.
        """
        self._require_wanted(lambda: metadata_filter.remove_unwanted(self.video, metadata))
        self._require_write(lambda video: duplicates.save_metadata_or_skip(video, metadata))

    def remove_members_only(self) -> bool:
        """Remove a members-only video that only subscriptions want; False for any other."""
        self.is_removed = retry_while_database_is_down(lambda: metadata_filter.remove_members_only(self.video))
        return self.is_removed

    def _require_wanted(self, remove: Callable[[], bool]) -> None:
        try:
            self.is_removed = retry_while_database_is_down(remove)
        except RemovalError as error:
            message = f"This video is not wanted after all, but could not be removed: {error}."
            raise DownloadError(message, False) from error
        if self.is_removed:
            raise LeaseLost

    def expand_playlist(self, playlist: Playlist) -> None:
        """Queue the entries of a playlist and end the attempt."""
        self._require_write(lambda video: playlists.expand_playlist(video, playlist))
        retry_while_database_is_down(self._forget_secrets)

    def _forget_secrets(self) -> None:
        for request in EntryRequest.objects.filter(video=self.video):
            request.forget_secrets()

    def start_processing(self, phase: str) -> None:
        """Move the row from downloading to processing."""
        self._require_write(lambda video: video.start_processing(phase))

    def record_note(self, text: str) -> None:
        """Add a note for people to the history of the video."""
        self._require_write(lambda video: video.record_note(text))

    def finish(self, stored_files: StoredFiles, move_files: Callable[[], None]) -> None:
        """Complete the video; `move_files` runs in the same transaction, again in each retry."""

        def complete() -> None:
            self._forget_secrets()
            PlayableCopy.forget(self.video.pk)
            HostPause.objects.record_success(self.video.host)
            move_files()

        self._require_write(lambda video: video.finish(stored_files, complete))

    def load_entry(self) -> PlaylistEntry | None:
        """Return the data of a playlist's entry; None for a video whose URL says all."""
        return retry_while_database_is_down(lambda: entry_requests.load_entry(self.video))

    def load_playlist(self) -> tuple[str, PlaylistEntry | None]:
        """Return the URL of the playlist that the video was added from, and that playlist's own data, if any."""
        return retry_while_database_is_down(self._read_playlist)

    def _read_playlist(self) -> tuple[str, PlaylistEntry | None]:
        parent = Video.objects.filter(pk=self.video.parent_id).first()
        return entry_requests.load_playlist_url(self.video), entry_requests.load_entry(parent) if parent else None

    def save_entry(self, entry: PlaylistEntry) -> None:
        """Store the data of an entry that was looked up in its playlist again."""
        url, _ = self.load_playlist()
        self._require_write(lambda video: video.holds_lease() and _save_entry(video, entry, url))

    def wait_for_release(self, not_yet: NotYetAvailable) -> None:
        """Put a video that is not up yet back into the queue until the next look; fail it after too many.

        One that a subscription brought waits in its ledger instead.
        """
        metadata = parse_metadata(not_yet.info)
        if self._remove_not_yet_available(not_yet, metadata):
            return
        try:
            wait = release_wait.plan_wait(not_yet, self.video.waiting_since, self.video.release_at)
        except release_wait.WaitTooLong as error:
            self.fail(str(error))
            return
        logger.info("%s waits: %s", self.video.video_id, wait.reason)
        self._write(lambda video: video.wait_for_release(wait, metadata))

    def _remove_not_yet_available(self, not_yet: NotYetAvailable, metadata: Metadata) -> bool:
        try:
            self.is_removed = retry_while_database_is_down(
                lambda: metadata_filter.remove_not_yet_available(self.video, not_yet, metadata)
            )
        except RemovalError as error:
            logger.warning("%s waits in the queue, since it could not be removed: %s", self.video.video_id, error)
        return self.is_removed

    def fail(self, error: str) -> None:
        """End the attempt with an error for people."""
        self._write(lambda video: video.fail(error))

    def retry_later(self, error: str) -> None:
        """Schedule a retry; an attempt that gained bytes gets all of its retries again."""
        made_progress = self.has_gained_bytes()
        self._write(lambda video: video.retry_later(error, made_progress=made_progress))

    def wait_for_site(self, error: SiteError) -> None:
        """Pause the site, for its other downloads and checks too, and put the video back into the queue until then.

        A video that is refused again and again fails: it may be the only one.
        """
        host = self.video.host
        retry_while_database_is_down(lambda: HostPause.objects.pause(host, str(error), error.retry_after))
        if retry_while_database_is_down(self.video.count_refusals) >= MAX_REFUSALS:
            self.fail(str(error))
        else:
            self._write(lambda video: video.wait_for_site(f"{REFUSAL_PREFIX}{error}"))

    def has_gained_bytes(self) -> bool:
        """Return whether this attempt got farther than any before it."""
        return workspace.has_gained_bytes(self.video.video_id)

    def has_failed_with(self, message: str) -> bool:
        """Return whether one of the last attempts has failed with the same error."""
        previous_errors = retry_while_database_is_down(self.video.previous_errors)
        return any(error_messages.is_same_error(message, error) for error in previous_errors)

    def release(self, reason: str) -> None:
        """Put the video back into the queue."""
        self._write(lambda video: video.release(reason))

    def postpone(self, reason: str, seconds: float, *, needed_bytes: int | None = None) -> None:
        """Put the video back into the queue for a while; nothing has failed."""
        self._write(lambda video: video.postpone(reason, seconds, needed_bytes=needed_bytes))

    def _require_write(self, write: Callable[[Video], bool]) -> None:
        if not self._write(write):
            raise LeaseLost

    def _write(self, write: Callable[[Video], bool]) -> bool:
        """Call `write` until the database takes it; return False when the lease is gone."""
        return retry_while_database_is_down(lambda: self._write_once(write))

    def _write_once(self, write: Callable[[Video], bool]) -> bool:
        # On a copy: a transition that ends an attempt clears the lease token of its instance, and without the
        # token no retry could match the row after a rollback.
        video = copy.copy(self.video)
        is_written = write(video)
        self.video = video
        return is_written


def _save_entry(video: Video, entry: PlaylistEntry, playlist_url: str) -> bool:
    entry_requests.save_entry(video, entry, playlist_url)
    return True
