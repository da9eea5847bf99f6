"""Fixtures that are made once in a test run, and copied by each process of pytest."""

import os
import shutil
from pathlib import Path

import pytest
import pytest_django.fixtures
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.management import call_command
from django.db import connection

from downloads.tests.support.prepared_data import locked, prepare_data_folder, save_database

__all__ = [
    "django_db_keepdb",
    "django_db_modify_db_settings_xdist_suffix",
    "django_db_setup",
    "empty_database",
    "migrate_database",
    "migrated_database",
    "prepared_data",
    "shared_folder",
    "static_files",
]


def is_xdist_worker(config: pytest.Config) -> bool:
    """Return True in a worker process of pytest-xdist; its environment is inherited, and so cannot tell."""
    return hasattr(config, "workerinput")


@pytest.fixture(scope="session")
def shared_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of pytest have, and no other run."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if is_xdist_worker(request.config) else folder


@pytest.fixture(scope="session")
def migrated_database(shared_folder: Path) -> Path:
    """Where the first process of pytest leaves a copy of its database after the migrations, for the others."""
    return shared_folder / "migrated.sqlite3"


@pytest.fixture(scope="session")
def prepared_data(shared_folder: Path, migrated_database: Path) -> Path:
    """The data folder of an archive after its first start, shared by all processes of pytest: to be copied."""
    return prepare_data_folder(shared_folder / "prepared", migrated_database)


@pytest.fixture(scope="session")
def django_db_keepdb(django_db_keepdb: bool, migrated_database: Path) -> bool:
    """Begin with the copy of a migrated database, if there is one; the data folder is deleted in any case."""
    if connection.vendor != "sqlite":
        return django_db_keepdb
    if migrated_database.exists():
        shutil.copyfile(migrated_database, settings.DATABASES["default"]["NAME"])
    return True


@pytest.fixture(scope="session")
def django_db_setup(request: pytest.FixtureRequest, migrated_database: Path, django_db_blocker) -> None:
    """Let one process of pytest migrate its database while the others wait for a copy of it."""
    with locked(migrated_database):
        request.getfixturevalue("migrate_database")
        if connection.vendor == "sqlite" and not migrated_database.exists():
            with django_db_blocker.unblock():
                connection.ensure_connection()
                save_database(connection.connection, migrated_database)
                connection.close()


migrate_database = pytest_django.fixtures.django_db_setup


@pytest.fixture(scope="session")
def empty_database(django_db_setup: None, migrated_database: Path) -> Path:
    """A database of SQLite after the migrations, to be copied."""
    return migrated_database


@pytest.fixture(scope="session")
def django_db_modify_db_settings_xdist_suffix() -> None:
    """Keep the database's name: each pytest-xdist worker has a data folder of its own (environment.py)."""


@pytest.fixture(scope="session")
def static_files(request: pytest.FixtureRequest) -> None:
    """The static files under their hashed names, as served in production; collected once for several processes."""
    if is_xdist_worker(request.config):
        collected = request.getfixturevalue("prepared_data") / "static"
        shutil.copytree(collected, settings.STATIC_ROOT, copy_function=os.link, dirs_exist_ok=True)
        # A storage that a test has used before has read that there are none.
        staticfiles_storage.hashed_files, staticfiles_storage.manifest_hash = staticfiles_storage.load_manifest()
    else:
        call_command("collectstatic", interactive=False, verbosity=0)
