"""Keep what yt-dlp needs for the videos of playlists, and why a video waits for its release."""

import django.db.models.deletion
from django.db import migrations, models

from downloads.search import backend


def restore_triggers(apps, schema_editor):
    """Create the trigger of the search table again: SQLite lost it when the table of the videos was rebuilt."""
    with schema_editor.connection.cursor() as cursor:
        for statement in backend.get_backend().SYNC_STATEMENTS:
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0011_inner_words"),
    ]

    operations = [
        migrations.AddField(
            "video", "wait_reason", models.CharField(blank=True, max_length=300, verbose_name="waits because")
        ),
        migrations.AddField(
            "video",
            "waiting_since",
            models.DateTimeField(blank=True, editable=False, null=True, verbose_name="waits for the site since"),
        ),
        migrations.AddField(
            "video",
            "release_at",
            models.DateTimeField(blank=True, editable=False, null=True, verbose_name="announced start"),
        ),
        migrations.CreateModel(
            "EntryRequest",
            [
                (
                    "video",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="entry_request",
                        serialize=False,
                        to="downloads.video",
                    ),
                ),
                ("key", models.CharField(blank=True, db_index=True, max_length=40)),
                ("playlist_url", models.CharField(max_length=2048)),
                ("position", models.PositiveIntegerField(default=0)),
                ("source_id", models.CharField(blank=True, max_length=500)),
                ("title", models.CharField(blank=True, max_length=500)),
                ("info", models.JSONField(null=True)),
                ("cookies", models.JSONField(default=list)),
            ],
        ),
        migrations.RunPython(restore_triggers, migrations.RunPython.noop),
    ]
