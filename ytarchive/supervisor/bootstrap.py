"""Preparation before the first page is served: folders, migrations, search index, first admin, static files."""

import contextlib
import hashlib
import logging
import secrets
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import Error as DatabaseBackendError
from django.db import IntegrityError, connections
from django.db.migrations.exceptions import InconsistentMigrationHistory

from downloads.models import Video
from ytarchive import data_permissions
from ytarchive.supervisor import archive_folders, upgrade
from ytarchive.supervisor.startup import StartupError, WriteLine, first_error_line

logger = logging.getLogger(__name__)


def prepare_all(write_line: WriteLine) -> str:
    """Run all preparations; raise StartupError. Return how to sign in as the admin that was created, if one was.

    `write_line` gets that too, in case that nothing is started afterwards.
    """
    check_folders()
    if exposed := data_permissions.find_exposed(settings.DATA, settings.MEDIA_READERS):
        logger.warning("%s", exposed)
    with _usable_database():
        upgrade.upgrade_database(write_line)
        if archive_folders.mark_folders() and not Video.objects.exists():
            write_line(f"This is a new archive, in {settings.DATA}. If you expected videos, is its disk mounted?")
        call_command("index", verbosity=0)
        sign_in_line = create_first_admin(write_line)
        Video.objects.finish_interrupted_removals()
    collect_static_files()
    return sign_in_line


def check_folders() -> None:
    """Raise StartupError if the database and the folders do not belong together; nothing is created before."""
    with _usable_database():
        archive_folders.require_own_folders()


def adopt_folders(write_line: WriteLine) -> None:
    """Make the data folder and the media folder those of this database, whatever they hold; raise StartupError."""
    with _usable_database():
        call_command("migrate", interactive=False, verbosity=0)
        archive_id = archive_folders.adopt_folders()
    write_line(f"{settings.DATA} and {settings.MEDIA_ROOT} belong to this archive now ({archive_id}).")


@contextlib.contextmanager
def _usable_database() -> Iterator[None]:
    """Raise StartupError in place of errors of the database; close all connections in the end."""
    try:
        yield
    except (archive_folders.WrongFolders, upgrade.UpgradeError) as error:
        raise StartupError(str(error)) from error
    except (DatabaseBackendError, InconsistentMigrationHistory) as error:
        raise StartupError(f"The database can’t be used ({first_error_line(error)}). {_database_hint()}") from error
    finally:
        # No connection may be inherited by the processes that are started next, or stay open beside theirs.
        connections.close_all()


def _database_hint() -> str:
    if settings.DATABASE_URL:
        return "Check DATABASE_URL and that PostgreSQL runs."
    return f"It is {settings.DATABASES['default']['NAME']}."


def create_first_admin(write_line: WriteLine) -> str:
    """Create a superuser if there is none; return how to sign in, "" if there was one. Write it, too."""
    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return ""
    name = settings.SUPERUSER_USERNAME
    password = settings.SUPERUSER_PASSWORD or secrets.token_urlsafe(12)
    try:
        users.create_superuser(name, settings.SUPERUSER_EMAIL, password)
    except IntegrityError as error:
        if users.filter(is_superuser=True).exists():
            return ""  # another machine with the same database was first
        raise StartupError(
            f"There is no admin, and the user {name} isn’t one. Set DJANGO_SUPERUSER_USERNAME."
        ) from error
    if settings.SUPERUSER_PASSWORD:
        write_line(f"Created the first admin: {name}, with the password in DJANGO_SUPERUSER_PASSWORD.")
        return f"Sign in as {name}, with the password in DJANGO_SUPERUSER_PASSWORD."
    write_line(f"Created the first admin. Username: {name}  Password: {password}  (shown only once)")
    return f"Sign in as {name} / {password}  (shown only once)"


def collect_static_files() -> None:
    """Run collectstatic into the data folder, unless the files are unchanged since the last time."""
    if settings.DEBUG:
        return  # served from the source folders
    fingerprint_file = settings.STATIC_ROOT / ".gathered"  # beside the files, so that it is deleted with them
    fingerprint = _static_fingerprint()
    if fingerprint_file.exists() and fingerprint_file.read_text(encoding="utf-8") == fingerprint:
        return
    try:
        call_command("collectstatic", interactive=False, verbosity=0)
    except (OSError, ValueError) as error:
        raise StartupError(f"The static files cannot be gathered: {first_error_line(error)}.") from error
    fingerprint_file.write_text(fingerprint, encoding="utf-8")


def _static_fingerprint() -> str:
    """Return a hash of the storage's class and of every static file's name, size and modification time."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            modified_at = storage.get_modified_time(path).timestamp()
            digest.update(f"{path}\0{storage.size(path)}\0{modified_at}\n".encode())
    return digest.hexdigest()
