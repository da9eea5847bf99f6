"""Create the search table again on PostgreSQL, which keeps the words in the row itself; 0008 fills it."""

from importlib import import_module

from django.db import migrations

letters = import_module("downloads.migrations.0006_first_letters")


def renew(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        letters.renew(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0006_first_letters"),
    ]

    operations = [
        migrations.RunPython(renew, migrations.RunPython.noop),
    ]
