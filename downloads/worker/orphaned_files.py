"""Removal of files that attempts left behind when they died."""

from downloads.files import media_folder, workspace
from downloads.liveness.heartbeat import process_heartbeat
from downloads.models import TERMINAL_STATUSES, Video


def remove_orphaned_files() -> None:
    """Remove workspaces, staged and stored files whose video is neither queued, active nor complete."""
    ids_on_disk = {*workspace.list_ids(), *media_folder.list_incoming_ids()}
    unfinished_ids = Video.objects.unfinished().filter(video_id__in=ids_on_disk).values_list("video_id", flat=True)
    for video_id in ids_on_disk - set(unfinished_ids):
        process_heartbeat.beat()
        workspace.remove_workspace(video_id)
    # Left by a crash between the rename into the media folder and the commit, followed by a cancel. Folders
    # without a row are kept: losing the database must not cost the files as well.
    ended_without_media = Video.objects.filter(
        status__in=TERMINAL_STATUSES, media_file="", video_id__in=media_folder.list_stored_ids()
    )
    for video_id in ended_without_media.values_list("video_id", flat=True):
        process_heartbeat.beat()
        media_folder.remove_video_folder(video_id)
