"""What must be there before the first page: the tables, the static files, an admin."""

import hashlib
import secrets
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import Error as DatabaseProblem
from django.db import IntegrityError, connections
from django.db.migrations.exceptions import InconsistentMigrationHistory

from downloads.models import Video

WriteLine = Callable[[str], None]


class StartupError(Exception):
    """The archive cannot be started; the message is one line that says why and what to do."""


def prepare_all(write_line: WriteLine) -> None:
    """Prepare all of it, saying only what a person needs to know; raise CannotStart."""
    try:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("index", verbosity=0)
        create_first_admin(write_line)
        Video.objects.finish_interrupted_removals()
    except (DatabaseProblem, InconsistentMigrationHistory) as error:
        raise StartupError(f"The database cannot be used ({first_error_line(error)}). {_database_hint()}") from error
    finally:
        # Nothing open may be inherited by, or kept beside, the processes that follow.
        connections.close_all()
    collect_static_files()


def first_error_line(error: BaseException) -> str:
    """Return the first line of an error's message, without a full stop."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__).rstrip(". ")


def _database_hint() -> str:
    if settings.DATABASE_URL:
        return "Check DATABASE_URL and that PostgreSQL runs."
    return f"It is {settings.DATABASES['default']['NAME']}."


def create_first_admin(write_line: WriteLine) -> None:
    """Make the first superuser where there is none, and say its password once if it is one of ours."""
    users = get_user_model()._default_manager
    if users.filter(is_superuser=True).exists():
        return
    name = settings.SUPERUSER_USERNAME
    password = settings.SUPERUSER_PASSWORD or secrets.token_urlsafe(12)
    try:
        users.create_superuser(name, settings.SUPERUSER_EMAIL, password)
    except IntegrityError as error:
        if users.filter(is_superuser=True).exists():
            return  # another machine on the same database was first
        raise StartupError(f"There is no admin, and the user {name} is none: set DJANGO_SUPERUSER_USERNAME.") from error
    if not settings.SUPERUSER_PASSWORD:
        write_line(f"Made the first admin. Username: {name}  Password: {password}  (shown this once)")


def collect_static_files() -> None:
    """Gather the static files into the data folder, unless that is how they are there already."""
    if settings.DEBUG:
        return  # served from where they are written
    mark = settings.STATIC_ROOT / ".gathered"  # beside them: it goes when they go
    present = _static_fingerprint()
    if mark.exists() and mark.read_text(encoding="utf-8") == present:
        return
    try:
        call_command("collectstatic", interactive=False, verbosity=0)
    except (OSError, ValueError) as error:
        raise StartupError(f"The static files cannot be gathered: {first_error_line(error)}.") from error
    mark.write_text(present, encoding="utf-8")


def _static_fingerprint() -> str:
    """Return a digest of every static file's name, size and time, and of what makes the gathered ones of them."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = storage.get_modified_time(path).timestamp()
            digest.update(f"{path}\0{storage.size(path)}\0{found}\n".encode())
    return digest.hexdigest()
