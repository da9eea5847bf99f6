"""Removal of files that attempts left behind when they died."""

import time

from downloads.files import media_folder, workspace
from downloads.files.volumes import probe
from downloads.models import TERMINAL_STATUSES, Video
from downloads.models.archive.identity import is_own_media_folder

MAX_PROBE_AGE_SECONDS = 3600.0  # an older one was left by a process that was killed


def remove_orphaned_files() -> None:
    """Remove workspaces, staged, half copied and stored files whose video is neither queued, active nor complete.

    Nothing is removed while the media folder is the wrong one.
    """
    if not is_own_media_folder():
        return
    _remove_old_probes()
    ids_on_disk = {*workspace.list_ids(), *media_folder.list_incoming_ids(), *media_folder.list_copied_ids()}
    unfinished_ids = Video.objects.unfinished().filter(video_id__in=ids_on_disk).values_list("video_id", flat=True)
    for video_id in ids_on_disk - set(unfinished_ids):
        workspace.remove_workspace(video_id)
    # Left by a crash between the rename into the media folder and the commit, followed by a cancel. Folders
    # without a row are kept: losing the database must not cost the files as well.
    ended_without_media = Video.objects.filter(
        status__in=TERMINAL_STATUSES, media_file="", video_id__in=media_folder.list_stored_ids()
    )
    for video_id in ended_without_media.values_list("video_id", flat=True):
        media_folder.remove_video_folder(video_id)


def _remove_old_probes() -> None:
    for path in probe.list_probes():
        if time.time() - path.stat().st_mtime > MAX_PROBE_AGE_SECONDS:
            path.unlink(missing_ok=True)
