"""Marker of a folder: a small file with the id of the archive that the folder belongs to.

An empty folder in the place of a disk that is not mounted has none, and a folder of another archive has another one.
"""

from pathlib import Path

from downloads.files.fsync import replace_file
from downloads.files.volumes.errors import StorageError, build_sentence

MARKER_FILE = ".ytarchive-id"
EXPLANATION = (
    "# The id of the ytarchive that this folder belongs to; its database has the same. Without this file ytarchive\n"
    "# takes the folder for a wrong one, and neither stores nor deletes anything (docs/operating.md, Backup).\n"
)
MISSING_WORDS = f"is not the archive's: the file {MARKER_FILE} is missing in it. Is its disk mounted?"
FOREIGN_WORDS = f"belongs to another archive: the file {MARKER_FILE} in it has another id. Is the right disk mounted?"


def read_marker(folder: Path) -> str:
    """Return the id in a folder's marker; "" without a marker. Raise OSError if it cannot be read."""
    try:
        lines = (folder / MARKER_FILE).read_text("utf-8", "replace").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return lines[0].strip() if lines else ""


def write_marker(folder: Path, archive_id: str) -> None:
    """Write a folder's marker as a whole; raise OSError."""
    replace_file(folder / MARKER_FILE, f"{archive_id}\n{EXPLANATION}".encode())


def describe_wrong_marker(folder: Path, archive_id: str) -> str:
    """Return words for a folder without the marker of this archive; "" if it has it, or the archive has no id yet."""
    marker = read_marker(folder) if archive_id else archive_id
    if marker == archive_id:
        return ""
    return FOREIGN_WORDS if marker else MISSING_WORDS


def require_marker(folder: Path, archive_id: str, label: str) -> None:
    """Raise StorageError if a folder is not this archive's; `label` is its name for people."""
    if words := describe_wrong_marker(folder, archive_id):
        raise StorageError(build_sentence(label, words))
