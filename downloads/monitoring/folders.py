"""Health check of the folders: what a web process itself sees of them, and what the workers report."""

import time
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection

from downloads.files.volumes import archive_marker, probe
from downloads.files.volumes.errors import describe_os_error
from downloads.models import ArchiveIdentity, Queue
from downloads.monitoring.results import CheckFailed

PROBE_INTERVAL_SECONDS = 30.0  # between files that are written; in between the system is asked, which wakes no disk
_next_probe_at = float("-inf")


def check_folders() -> float:
    """Look at the data folder and the media folder; raise CheckFailed with the reason if one cannot be used.

    A web process writes to both: pictures are kept in the cache, and what is deleted is moved to the trash.
    """
    try:
        archive_id, queue = ArchiveIdentity.get_marked_id(), Queue.get_or_default()
    except DatabaseError as error:
        raise CheckFailed("The database does not answer, which says what the folders belong to.") from error
    finally:
        connection.close()
    if problem := find_problem(archive_id):
        raise CheckFailed(problem)
    if queue.is_held:
        raise CheckFailed(queue.held_because)
    return time.time()


def find_problem(archive_id: str) -> str:
    """Return a sentence about the first folder that a web process cannot use; "" if all is well."""
    is_written = _is_probe_due()
    folders = {probe.MEDIA_LABEL: Path(settings.MEDIA_ROOT), probe.DATA_LABEL: Path(settings.DATA)}
    for label, folder in folders.items():
        try:
            probe.check_access(folder)
            if label == probe.MEDIA_LABEL:
                archive_marker.require_marker(folder, archive_id, label)
            if is_written:
                probe.write_probe(folder)
        except OSError as error:
            _retry_soon()
            return describe_os_error(error, label)
    return ""


def _is_probe_due() -> bool:
    global _next_probe_at
    now = time.monotonic()
    if now < _next_probe_at:
        return False
    _next_probe_at = now + PROBE_INTERVAL_SECONDS
    return True


def _retry_soon() -> None:
    global _next_probe_at
    _next_probe_at = float("-inf")
