"""Store if a file has video, and compute the kind from it where it is known."""

import django.db.models.functions.comparison
from django.db import migrations, models

from downloads.search import sqlite

AUDIO_EXTENSIONS = (
    "aac ac3 aif aiff amr ape au caf dsf dts eac3 flac m4a m4b mka mp2 mp3 mpc oga ogg opus ra spx tta wav weba wma wv"
).split()
INDEXES = [
    models.Index(fields=["-added_at", "-id", "status", "kind", "extractor", "uploader"], name="downloads_newest"),
    models.Index(fields=["status", "-added_at", "-id", "kind", "extractor", "uploader"], name="downloads_newest_state"),
    models.Index(
        fields=["uploader", "-added_at", "-id", "status", "kind", "extractor"], name="downloads_newest_uploader"
    ),
    models.Index(fields=["extractor", "-added_at", "-id", "status", "kind", "uploader"], name="downloads_newest_site"),
    models.Index(
        fields=["sort_title", "-id", "status", "kind", "extractor", "uploader", "added_at"], name="downloads_by_title"
    ),
    *[
        models.Index(
            models.OrderBy(django.db.models.functions.comparison.Coalesce(column, nothing), descending=True),
            models.OrderBy(models.F("id"), descending=True),
            *map(models.F, (column, "status", "kind", "extractor", "uploader", "added_at")),
            name=f"downloads_by_{column}",
        )
        for column, nothing in (("duration", -1.0), ("size", -1))
    ],
]


def is_audio():
    condition = models.Q(media_file__endswith=f".{AUDIO_EXTENSIONS[0]}")
    for extension in AUDIO_EXTENSIONS[1:]:
        condition |= models.Q(media_file__endswith=f".{extension}")
    return condition


def restore_trigger(apps, schema_editor):
    """Create the trigger of the search again: SQLite alters a table by making it anew, without its triggers."""
    if schema_editor.connection.vendor == "sqlite":
        for statement in sqlite.SYNC_STATEMENTS:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0008_field_names"),
    ]

    # A generated column cannot be altered on PostgreSQL: it is made again, with the indexes that it is in.
    operations = [
        *[migrations.RemoveIndex("video", index.name) for index in INDEXES],
        migrations.RemoveField("video", "kind"),
        migrations.AddField("video", "has_video", models.BooleanField(null=True, editable=False)),
        migrations.AddField(
            "video",
            "kind",
            models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(is_list=True, then=models.Value("list")),
                    models.When(models.Q(media_file__gt="", has_video=True), then=models.Value("video")),
                    models.When(models.Q(media_file__gt="", has_video=False), then=models.Value("audio")),
                    models.When(is_audio(), then=models.Value("audio")),
                    models.When(media_file="", quality="audio", then=models.Value("audio")),
                    default=models.Value("video"),
                ),
                output_field=models.CharField(max_length=5),
            ),
        ),
        *[migrations.AddIndex("video", index) for index in INDEXES],
        migrations.RunPython(restore_trigger, restore_trigger),
    ]
