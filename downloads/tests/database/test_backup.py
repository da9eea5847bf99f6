"""The backup of the database before an upgrade."""

import sqlite3
from pathlib import Path

import pytest
from django.db import connection

from downloads.database import backup
from ytarchive.supervisor import upgrade

FIRST, SECOND = ("downloads", "0001_a"), ("downloads", "0002_b")


@pytest.fixture
def database(tmp_path, monkeypatch) -> Path:
    """A small database that has FIRST, and that the program takes for its own."""
    path = tmp_path / "db.sqlite3"
    with sqlite3.connect(path) as writer:
        writer.execute("PRAGMA journal_mode=WAL")
        writer.execute("CREATE TABLE django_migrations (app TEXT, name TEXT)")
        writer.execute("CREATE TABLE films (title TEXT)")
        writer.execute("INSERT INTO films VALUES ('A film')")
        writer.execute("INSERT INTO django_migrations VALUES (?, ?)", FIRST)
    writer.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", path)
    return path


def titles(path: Path) -> list[str]:
    with sqlite3.connect(path) as reader:
        return [title for (title,) in reader.execute("SELECT title FROM films")]


def add(path: Path, title: str, *migrations: tuple[str, str]) -> None:
    with sqlite3.connect(path) as writer:
        writer.execute("INSERT INTO films VALUES (?)", [title])
        writer.executemany("INSERT INTO django_migrations VALUES (?, ?)", migrations)


def test_the_backup_has_everything_and_is_for_its_owner_only(database):
    path = backup.back_up_before_upgrade([SECOND], {FIRST})
    assert path.name == "db.before-0002_b.sqlite3"
    assert path.stat().st_mode & 0o777 == 0o600
    assert titles(path) == ["A film"]


def test_putting_it_back_restores_the_database_as_it_was(database):
    path = backup.back_up_before_upgrade([SECOND], {FIRST})
    add(database, "Added by the newer version", SECOND)
    # As docs/operating.md says.
    for name in (database, f"{database}-wal", f"{database}-shm"):
        Path(name).unlink(missing_ok=True)
    database.write_bytes(path.read_bytes())
    assert titles(database) == ["A film"]


def test_only_the_newest_backup_is_kept(database):
    first = backup.back_up_before_upgrade([SECOND], {FIRST})
    add(database, "Another", SECOND)
    second = backup.back_up_before_upgrade([("downloads", "0003_c")], {FIRST, SECOND})
    assert backup.find_backups(database) == [second]
    assert not first.exists()
    assert titles(second) == ["A film", "Another"]


def test_after_an_upgrade_that_failed_half_way_the_backup_from_before_it_stays(database):
    plan = [SECOND, ("downloads", "0003_c")]
    path = backup.back_up_before_upgrade(plan, {FIRST})
    add(database, "Half", SECOND)
    assert backup.back_up_before_upgrade(plan[1:], {FIRST, SECOND}) == path
    assert titles(path) == ["A film"]


def test_the_same_upgrade_after_a_restore_takes_a_new_backup(database):
    backup.back_up_before_upgrade([SECOND], {FIRST})
    add(database, "Added since")
    assert titles(backup.back_up_before_upgrade([SECOND], {FIRST})) == ["A film", "Added since"]


def test_without_room_nothing_is_changed_and_the_earlier_backup_stays(database, monkeypatch):
    first = backup.back_up_before_upgrade([SECOND], {FIRST})
    monkeypatch.setattr(backup.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    add(database, "Another", SECOND)
    with pytest.raises(backup.BackupError, match="Make room") as error:
        backup.back_up_before_upgrade([("downloads", "0003_c")], {FIRST, SECOND})
    assert "MB are free" in str(error.value)
    assert backup.find_backups(database) == [first]


def test_what_a_killed_start_left_is_removed(database):
    part = database.with_name(".db.before-abc.part")
    part.touch()
    backup.back_up_before_upgrade([SECOND], {FIRST})
    assert not part.exists()
    assert [path.name for path in database.parent.iterdir() if path.name.endswith(".part")] == []


@pytest.mark.django_db
def test_a_migration_that_fails_is_reported_with_the_backup(monkeypatch):
    monkeypatch.setattr(upgrade.schema, "find_pending", lambda applied: ["downloads.0099_x"])
    monkeypatch.setattr(upgrade, "_pending_migrations", lambda: [("downloads", "0099_x")])
    monkeypatch.setattr(upgrade.backup, "back_up_before_upgrade", lambda *_: Path("/data/db.before-0099_x.sqlite3"))

    def fail(*args, **options):
        raise ValueError("a bug.\nmore")

    monkeypatch.setattr(upgrade, "call_command", fail)
    lines: list[str] = []
    with pytest.raises(upgrade.UpgradeError) as error:
        upgrade.upgrade_database(lines.append)
    assert str(error.value).startswith("The upgrade of the database failed (a bug). The copy from before is /data/")
    assert lines == ["Upgrading the database (1 migration). A copy from before is kept: /data/db.before-0099_x.sqlite3"]
