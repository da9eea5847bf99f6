"""Channels count their videos also while these are downloaded again: other triggers, and every channel counted anew."""

from django.db import migrations

from downloads.models.channels import triggers


def replace_triggers(apps, schema_editor):
    triggers.replace_triggers()


class Migration(migrations.Migration):

    dependencies = [("downloads", "0031_alone_index")]

    operations = [migrations.RunPython(replace_triggers, migrations.RunPython.noop)]
