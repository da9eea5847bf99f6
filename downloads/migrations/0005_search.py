"""The words of the videos, in a table of each database's own kind."""

from django.db import migrations

from downloads.search import index, postgres, sqlite


def engine(schema_editor):
    return sqlite if schema_editor.connection.vendor == "sqlite" else postgres


def create(apps, schema_editor):
    for statement in engine(schema_editor).CREATE:
        schema_editor.execute(statement)


def fill(apps, schema_editor):
    index.reindex(apps.get_model("downloads", "Video").objects.all())


def drop(apps, schema_editor):
    for statement in engine(schema_editor).DROP:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0004_browsing"),
    ]

    operations = [
        migrations.RunPython(create, drop),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
