"""One look-up of a waiting video: its title, uploader, duration and picture. Runs in a process of its own."""

import logging
import tempfile
from pathlib import Path

from django.conf import settings

from downloads.database import retry_while_database_is_down
from downloads.files.thumbnails import stored
from downloads.intake import entry_requests, urls
from downloads.models import HostPause, Metadata, TitleLookUp
from downloads.worker.metadata import parse_metadata
from downloads.ytdlp import downloader
from downloads.ytdlp.results import DownloadError, NotYetAvailable, SiteError

logger = logging.getLogger(__name__)


def run_look_up(look_up: TitleLookUp, *, proxy_url: str) -> None:
    """Look a video up and write what was found to its row; a failure is only noted."""
    settings.CACHE_ROOT.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=settings.CACHE_ROOT, prefix="look-up-") as folder:
            _look_up(look_up, Path(folder), proxy_url)
    except NotYetAvailable as not_yet:
        _save_announced(look_up, parse_metadata(not_yet.info), str(not_yet))
    except DownloadError as error:
        logger.info("%s: not found ahead of the queue: %s", look_up.video.video_id, error)
        if isinstance(error, SiteError) and error.asks_for_pause:
            _pause_site(look_up.video.host, error)
        note, is_permanent = str(error), error.permanent
        retry_while_database_is_down(lambda: look_up.record_failure(note, is_permanent=is_permanent))
    except Exception:  # whatever yt-dlp raises, the download will say
        logger.exception("%s: the look-up ahead of the queue failed because of a bug", look_up.video.video_id)
        retry_while_database_is_down(lambda: look_up.record_failure("", is_permanent=True))


def _pause_site(host: str, error: SiteError) -> None:
    retry_while_database_is_down(lambda: HostPause.objects.pause(host, str(error), error.retry_after))


def _save_announced(look_up: TitleLookUp, metadata: Metadata, note: str) -> None:
    """Write the title of a video that is not up yet; note why, if it has none."""
    if metadata.title:
        retry_while_database_is_down(lambda: look_up.save_details(metadata, "", note))
    else:
        retry_while_database_is_down(lambda: look_up.record_failure(note, is_permanent=True))


def _look_up(look_up: TitleLookUp, folder: Path, proxy_url: str) -> None:
    video = look_up.video
    result = downloader.look_up(
        urls.with_ascii_host(video.url),
        folder,
        proxy_url=proxy_url,
        quality=video.quality,
        entry=retry_while_database_is_down(lambda: entry_requests.load_entry(video)),
    )
    metadata = Metadata(title=result.playlist_title) if result.info is None else parse_metadata(result.info)
    thumbnail = _keep_picture(video.video_id, result.picture)
    retry_while_database_is_down(lambda: look_up.save_details(metadata, thumbnail))


def _keep_picture(video_id: str, picture: Path | None) -> str:
    """Draw the picture into the cache; return the name for the row, "" where there is none."""
    try:
        return stored.PREVIEW_NAME if picture and stored.draw_preview(video_id, picture) else ""
    except OSError as error:
        logger.info("%s: no picture ahead of the queue: %s", video_id, error)
        return ""
