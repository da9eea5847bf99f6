"""Create the search table again, for the first letters of words; 0008 fills it."""

from importlib import import_module

from django.db import migrations

before = import_module("downloads.migrations.0005_search")


def renew(apps, schema_editor):
    before.drop(apps, schema_editor)
    before.create(apps, schema_editor)


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0005_search"),
    ]

    operations = [
        migrations.RunPython(renew, migrations.RunPython.noop),
    ]
