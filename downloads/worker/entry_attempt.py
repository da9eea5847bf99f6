"""An attempt at an entry of a playlist: with the data that the playlist gave, then with fresh ones if they expired."""

import dataclasses
import logging
from collections.abc import Callable
from pathlib import Path

from downloads.worker.leased_video import LeasedVideo
from downloads.ytdlp import downloader
from downloads.ytdlp.results import DownloadError, PlaylistEntry, SiteError

logger = logging.getLogger(__name__)

GONE_MESSAGE = "This video is no longer in its playlist, and has no link of its own."


def run_with_fresh_entry(
    leased_video: LeasedVideo, folder: Path, proxy_url: str, run: Callable[[PlaylistEntry | None], None]
) -> None:
    """Call `run` with the stored data of a playlist's entry, and again with fresh ones if the site refuses those.

    Without an entry `run` is called once, with None. Raise what `run` raises.
    """
    entry = leased_video.load_entry()
    if entry is None:
        run(None)
        return
    try:
        run(entry if entry.info is not None else _look_up(leased_video, entry, folder, proxy_url))
    except SiteError as error:
        fresh_entry = None
        if error.permanent and entry.info is not None:
            fresh_entry = _look_up_safely(leased_video, entry, folder, proxy_url)
        if fresh_entry is None or _is_same_request(fresh_entry, entry):
            raise
        logger.info("%s: looked up in its list again, after: %s", leased_video.video.video_id, error)
        run(fresh_entry)


def _look_up(leased_video: LeasedVideo, entry: PlaylistEntry, folder: Path, proxy_url: str) -> PlaylistEntry:
    playlist_url, playlist_entry = leased_video.load_playlist()
    fresh_entry = downloader.find_entry(
        playlist_url,
        entry,
        folder,
        proxy_url=proxy_url,
        playlist_entry=playlist_entry,
        playlist_limit=leased_video.video.list_limit,
    )
    if fresh_entry is None or not fresh_entry.has_request:
        raise DownloadError(GONE_MESSAGE, True)
    # It stays the video that it was, even where a key is made of what has changed.
    fresh_entry = dataclasses.replace(fresh_entry, key=entry.key)
    leased_video.save_entry(fresh_entry)
    return fresh_entry


def _look_up_safely(
    leased_video: LeasedVideo, entry: PlaylistEntry, folder: Path, proxy_url: str
) -> PlaylistEntry | None:
    """Look an entry up again; None if that fails, so that the first error is the one that is told."""
    try:
        return _look_up(leased_video, entry, folder, proxy_url)
    except DownloadError as error:
        logger.info("%s: not found in its list again: %s", leased_video.video.video_id, error)
        return None


def _is_same_request(fresh_entry: PlaylistEntry, entry: PlaylistEntry) -> bool:
    return fresh_entry.info == entry.info and fresh_entry.cookies == entry.cookies
