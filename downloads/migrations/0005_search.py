"""Create the search table, of each database's own kind; 0008 fills it."""

from django.db import migrations

from downloads.search import postgres, sqlite


def engine(schema_editor):
    return sqlite if schema_editor.connection.vendor == "sqlite" else postgres


def create(apps, schema_editor):
    for statement in engine(schema_editor).CREATE:
        schema_editor.execute(statement)


def drop(apps, schema_editor):
    for statement in engine(schema_editor).DROP:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0004_browsing"),
    ]

    operations = [
        migrations.RunPython(create, drop),
    ]
