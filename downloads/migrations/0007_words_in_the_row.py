"""PostgreSQL keeps the words in the row itself: there the table of the search is made anew."""

from importlib import import_module

from django.db import migrations

before = import_module("downloads.migrations.0005_search")


def renew(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        before.drop(apps, schema_editor)
        before.create(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0006_first_letters"),
    ]

    operations = [
        migrations.RunPython(renew, migrations.RunPython.noop),
        migrations.RunPython(before.fill, migrations.RunPython.noop),
    ]
