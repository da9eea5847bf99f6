"""Rename four columns, and index what an upgrade from before 0005 has left."""

from django.db import migrations

from downloads.search import index


def fill(apps, schema_editor):
    index.reindex(apps.get_model("downloads", "Video").objects.all())


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0007_words_in_the_row"),
    ]

    operations = [
        migrations.RenameField("video", "insists", "allow_duplicate"),
        migrations.RenameField("video", "tries", "retry_count"),
        migrations.RenameField("video", "tracks", "subtitle_files"),
        migrations.RenameField("video", "subtitles", "subtitle_languages"),
        # The index reads the columns by their new names, so 0005 to 0007 cannot fill it.
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
