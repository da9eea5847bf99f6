"""Permissions of the data folder: only its owner may read it, whatever umask ytarchive was started with.

The database has the hashes of passwords and the keys of sessions, `secret_key` signs cookies, and `redis/` has the
socket: another user of the machine who could read them could sign in as any admin. YTARCHIVE_MEDIA_READERS opens the
finished videos alone, for a media server that runs as another user.
"""

import dataclasses
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

logger = logging.getLogger(__name__)

PRIVATE_UMASK = 0o077
READABLE_UMASK = 0o022
GROUP_AND_OTHERS_MASK = 0o077
PRIVATE_FOLDER = 0o700
# Those of the archive and those that people put beside it: copies of the database, logs.
PRIVATE_FILES = ("*.sqlite3*", "secret_key*", "up.lock", "*.log", "*.sql", "*.sql.gz", "*.dump", "*.bak")
# Hidden ones of the media folder are the trash, and copies that are not complete.
PRIVATE_SUBFOLDERS = ("work", "static", "cache", "redis", "yt-dlp", "backup*", "media/.*")


@dataclasses.dataclass(frozen=True, slots=True)
class MediaModes:
    """Permissions that a choice of YTARCHIVE_MEDIA_READERS gives to the data folder, to media folders, to their files.

    The data folder itself can only be passed through then, not listed.
    """

    data_folder: int
    folder: int
    file: int


MEDIA_READERS = {
    "owner": MediaModes(0o700, 0o700, 0o600),
    "group": MediaModes(0o710, 0o750, 0o640),
    "everyone": MediaModes(0o711, 0o755, 0o644),
}


def set_umask(folder: Path) -> None:
    """Have this process, and all that it starts, create files for their owner alone.

    Files of root in the folder of another user stay readable, since that user has to work with them; others are kept
    out by the folder.
    """
    is_visiting_root = os.geteuid() == 0 and folder.exists() and folder.stat().st_uid != 0
    os.umask(READABLE_UMASK if is_visiting_root else PRIVATE_UMASK)


def restrict_data_folder(folder: Path, media_readers: str) -> None:
    """Take away what permissions others have on the data folder and what is in it; log that once.

    Only entries with names of ours, and only those that this user owns, are changed: the folder may hold other things
    as well. What cannot be changed is left to `find_exposed`, which says it at the start.
    """
    modes = MEDIA_READERS[media_readers]
    changed = list(_restrict_media(folder / "media", modes))
    for subfolder in _matching(folder, PRIVATE_SUBFOLDERS):
        if subfolder.is_dir() and _permission_bits(subfolder) != PRIVATE_FOLDER:
            changed += _restrict_tree(subfolder)
    for path in _matching(folder, PRIVATE_FILES):
        if (
            path.is_file()
            and not path.is_symlink()
            and _change_mode(path, _permission_bits(path) & ~GROUP_AND_OTHERS_MASK)
        ):
            changed.append(path)
    if not _is_shared_place(folder) and _change_mode(folder, modes.data_folder):
        changed.append(folder)
    if changed and media_readers == "owner":
        logger.warning(
            "Other users of this machine could read the data folder %s; now only its owner can. To let other programs "
            "read the videos, set YTARCHIVE_MEDIA_READERS.",
            folder,
        )


def _restrict_media(media: Path, modes: MediaModes) -> Iterator[Path]:
    """Yield what was changed of the media folder: all in it, where the folder itself has other permissions.

    It is changed last, so that an interrupted run is repeated. In a folder elsewhere, which a link names, only the
    folder itself is changed, since it may hold other things.
    """
    if not media.is_dir() or _permission_bits(media) == modes.folder:
        return
    for child in [] if media.is_symlink() else media.iterdir():
        if child.is_dir() and not child.is_symlink() and child.name[0] != ".":
            yield from _change_modes([path for path in child.rglob("*") if path.is_file()], modes.file)
            yield from _change_modes([child], modes.folder)
    yield from _change_modes([media], modes.folder)


def _restrict_tree(top: Path) -> Iterator[Path]:
    """Yield what was changed of a folder and all that is in it; the folder is changed last."""
    if not top.is_symlink():
        for parent, folders, files in os.walk(top):
            for name in (*folders, *files):
                path = Path(parent, name)
                if not path.is_symlink() and _change_mode(path, _permission_bits(path) & ~GROUP_AND_OTHERS_MASK):
                    yield path
    yield from _change_modes([top], PRIVATE_FOLDER)


def _change_modes(paths: list[Path], mode: int) -> Iterator[Path]:
    yield from (path for path in paths if _change_mode(path, mode))


def find_exposed(folder: Path, media_readers: str) -> str:
    """Return a sentence if other users can still read the data folder, and what to do; "" if they cannot."""
    allowed = MEDIA_READERS[media_readers].data_folder
    exposed = [folder] if _permission_bits(folder) & ~allowed & 0o007 and not _is_shared_place(folder) else []
    # Where others cannot enter the folder, they reach nothing in it.
    if not exposed and (_is_shared_place(folder) or allowed & 0o001):
        exposed = [path for path in _matching(folder, PRIVATE_FILES) if _permission_bits(path) & 0o007]
    if not exposed:
        return ""
    path, owner = exposed[0], exposed[0].stat().st_uid
    cause = (
        "its file system keeps no permissions. Mount it so that only the owner can read it (umask=077)"
        if owner == os.geteuid()
        else f"it belongs to another user (number {owner}). Run `chmod o= {path}` as that user, or give YTARCHIVE_DATA "
        "a folder of your own"
    )
    return f"Other users of this machine can read {path}, and with it become admins: {cause}."


def _is_shared_place(folder: Path) -> bool:
    """Return whether the data folder is no folder of its own: a temporary one of all users, or around the program."""
    project = Path(__file__).resolve().parent.parent
    home = os.environ.get("HOME", "")
    return bool(folder.stat().st_mode & stat.S_ISVTX) or project.is_relative_to(folder) or str(folder) == home


def _matching(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return [path for pattern in patterns for path in folder.glob(pattern)]


def _permission_bits(path: Path) -> int:
    """Return the permission bits of a file; 0 for one that has just been removed."""
    try:
        return path.stat().st_mode & 0o777
    except OSError:
        return 0


def _change_mode(path: Path, mode: int) -> bool:
    """Set a mode if it differs and the file is ours; return whether that was done. Links are not followed by callers.

    A file system without modes, and one that refuses root, are not an error: `find_exposed` says what stays readable.
    """
    try:
        status = path.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o777 == mode:
            return False
        # Set-group-ID stays, with which new files belong to the folder's group.
        path.chmod(stat.S_IMODE(status.st_mode) & ~0o777 | mode)
        return path.stat().st_mode & 0o777 == mode
    except OSError:
        return False
