"""PostgreSQL keeps the words in the row itself: there the table of the search is made anew."""

from importlib import import_module

from django.db import migrations

search = import_module("downloads.migrations.0005_search")
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
        migrations.RunPython(search.fill, migrations.RunPython.noop),
    ]
