"""The search knows by which letters words begin: its table is made anew."""

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
        migrations.RunPython(before.fill, migrations.RunPython.noop),
    ]
