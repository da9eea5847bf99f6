"""The archive's own folders: a start with a database and folders that do not belong together is refused.

A disk that is not mounted leaves an empty folder in its place. Without this check a new archive would begin there, and
its files would be out of sight as soon as the disk is back.
"""

import dataclasses
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from downloads.files import media_folder, trash
from downloads.files.volumes import archive_marker
from downloads.files.volumes.archive_marker import MARKER_FILE, read_marker, write_marker
from downloads.models import ArchiveIdentity
from downloads.progress.keys import VIDEO_ID_PATTERN

SAMPLE_SIZE = 50  # of the newest complete videos, whose folders are looked for
ADOPT_HINT = "If it is meant to be so, run `manage.py prepare --adopt-folders` once (docs/operating.md, Backup)."


class WrongFolders(Exception):
    """The database and the folders do not belong together; the message says what to do."""


@dataclasses.dataclass(frozen=True)
class DatabaseContents:
    """Archive as described by its database of any schema: its id, if its folders are marked, and its videos."""

    archive_id: str = ""
    is_marked: bool = False
    is_empty: bool = True
    stored_ids: tuple[str, ...] = ()  # of the newest complete videos


def require_own_folders() -> None:
    """Raise WrongFolders if the data folder or media folder is not that of the database; change nothing."""
    contents = read_database()
    try:
        problem = _find_problem(contents)
    except OSError as error:
        raise WrongFolders(f"The folder {settings.MEDIA_ROOT} cannot be read ({error.strerror}).") from error
    if problem:
        raise WrongFolders(f"{problem} {ADOPT_HINT}")


def _find_problem(contents: DatabaseContents) -> str:
    """Return sentences about what does not belong together; "" if all does."""
    data_marker, media_marker = read_marker(settings.DATA), read_marker(settings.MEDIA_ROOT)
    if contents.is_marked:
        wrong_data = data_marker and archive_marker.describe_wrong_marker(settings.DATA, contents.archive_id)
        wrong_media = archive_marker.describe_wrong_marker(settings.MEDIA_ROOT, contents.archive_id)
        return _describe("data", settings.DATA, wrong_data) or _describe("media", settings.MEDIA_ROOT, wrong_media)
    if contents.is_empty and not contents.archive_id:
        return _find_lost_database(data_marker or media_marker)
    return _find_missing_files(contents)


def _describe(kind: str, folder: Path, words: str) -> str:
    return f"The {kind} folder {folder} {words}" if words else ""


def _find_lost_database(marker: str) -> str:
    """Return a sentence if a new database would begin beside the folders of an archive."""
    folder_count = len(list_video_folders())
    if not marker and not folder_count:
        return ""
    videos = "1 video" if folder_count == 1 else f"{folder_count} videos"
    holding = f"holds the files of {videos}" if folder_count else f"has the {MARKER_FILE} of an archive"
    return (
        f"The database ({describe_database()}) is empty or missing, but {settings.MEDIA_ROOT} {holding}: "
        "put the right database in its place, from a backup, or correct YTARCHIVE_DATA or DATABASE_URL."
    )


def _find_missing_files(contents: DatabaseContents) -> str:
    """Return a sentence if a database that was not marked yet has videos, and none of their folders is there."""
    known_ids = {*media_folder.list_stored_ids(), *trash.list_trashed_ids()}
    if not contents.stored_ids or known_ids.intersection(contents.stored_ids):
        return ""
    return (
        f"The database has complete videos, but {settings.MEDIA_ROOT} has none of their folders: "
        "is its disk mounted, and is YTARCHIVE_DATA the right folder?"
    )


def list_video_folders() -> list[str]:
    """Return the names of the folders in the media folder that look like those of videos."""
    names = [name for name in media_folder.list_stored_ids() if VIDEO_ID_PATTERN.fullmatch(name)]
    return [name for name in names if any((settings.MEDIA_ROOT / name).glob("*"))]


def describe_database() -> str:
    """Return where the database is, without a password."""
    return "DATABASE_URL" if settings.DATABASE_URL else str(settings.DATABASES["default"]["NAME"])


def read_database() -> DatabaseContents:
    """Read what the database says, without creating it; raise Django's errors of a database."""
    path = Path(str(settings.DATABASES["default"]["NAME"]))
    if connection.vendor == "sqlite" and not (path.is_file() and path.stat().st_size):
        return DatabaseContents()
    tables = connection.introspection.table_names()
    identity = _select("SELECT archive_id, is_marked FROM downloads_archiveidentity WHERE id = 1", tables)
    archive_id, is_marked = identity[0] if identity else ("", False)
    stored = _select(
        "SELECT video_id FROM downloads_video WHERE media_file <> '' ORDER BY id DESC "  # noqa: S608
        f"LIMIT {SAMPLE_SIZE}",
        tables,
    )
    rows = _select("SELECT id FROM downloads_video LIMIT 1", tables)
    return DatabaseContents(archive_id, bool(is_marked), not rows, tuple(str(row[0]) for row in stored))


def _select(sql: str, tables: list[str]) -> list[tuple[Any, ...]]:
    """Return the rows of a query on the first table that it names; none if there is no such table yet."""
    if sql.partition(" FROM ")[2].split()[0] not in tables:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def mark_folders() -> bool:
    """Give the archive its id, once, and write the missing markers; return True for a new archive."""
    known_id = read_marker(settings.MEDIA_ROOT) or read_marker(settings.DATA) or str(uuid.uuid4())
    identity, is_new = ArchiveIdentity.objects.get_or_create(pk=1, defaults={"archive_id": known_id})
    if not identity.is_marked:
        _write_marker(settings.MEDIA_ROOT, identity.archive_id)
    if read_marker(settings.DATA) != identity.archive_id:
        _write_marker(settings.DATA, identity.archive_id)
    ArchiveIdentity.objects.filter(pk=1).update(is_marked=True)
    return is_new


def adopt_folders() -> str:
    """Make the data and media folder those of this database, whatever they hold; return the archive's id."""
    identity, _ = ArchiveIdentity.objects.get_or_create(pk=1, defaults={"archive_id": str(uuid.uuid4())})
    ArchiveIdentity.objects.filter(pk=1).update(is_marked=False)
    for folder in (settings.MEDIA_ROOT, settings.DATA):
        _write_marker(folder, identity.archive_id)
    ArchiveIdentity.objects.filter(pk=1).update(is_marked=True)
    return identity.archive_id


def _write_marker(folder: Path, archive_id: str) -> None:
    try:
        write_marker(folder, archive_id)
    except OSError as error:
        raise WrongFolders(f"The file {folder / MARKER_FILE} cannot be written ({error.strerror}).") from error
