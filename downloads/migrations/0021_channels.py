"""Add channels with their counters, and the places of playlists; assign and count what is here already.

Only adds columns that may be NULL, so that SQLite does not rebuild the table of the videos, which would drop triggers.
"""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Lower

from downloads.models.channels import triggers

PLACES_SQL = (
    "INSERT INTO downloads_playlistitem (playlist_id, video_id, position, title, absence) "
    "SELECT parent_id, id, row_number() OVER (PARTITION BY parent_id ORDER BY id), title, '' "
    "FROM downloads_video WHERE parent_id IS NOT NULL"
)


def count(apps, schema_editor):
    # The last step: PostgreSQL alters no table that has pending triggers.
    schema_editor.execute(PLACES_SQL)
    triggers.install_triggers()


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0019_title_look_ups"),
    ]

    operations = [
        migrations.CreateModel(
            "Channel",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("site", models.CharField(blank=True, max_length=255)),
                ("name", models.CharField(blank=True, max_length=255)),
                ("url", models.CharField(blank=True, max_length=500)),
                ("video_count", models.BigIntegerField(default=0)),
                ("total_ms", models.BigIntegerField(default=0)),
                ("total_bytes", models.BigIntegerField(default=0)),
                ("newest_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["site", "name"], name="downloads_channel_site"),
                    models.Index(fields=["-video_count", "id"], name="downloads_channel_count"),
                    models.Index(fields=["-newest_at", "id", "video_count"], name="downloads_channel_newest"),
                    models.Index(Lower("name"), "id", "video_count", name="downloads_channel_by_name"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("url", ""), _negated=True), fields=("url",), name="downloads_channel_url"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("url", "")), fields=("site", "name"), name="downloads_channel_name"
                    ),
                ],
            },
        ),
        migrations.AddField("video", "uploader_url", models.CharField(editable=False, max_length=500, null=True)),
        migrations.AddField(
            "video",
            "channel",
            models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="videos",
                to="downloads.channel",
            ),
        ),
        migrations.AddIndex(
            "video",
            models.Index(
                fields=["channel", "-added_at", "-id", "status", "kind", "is_list"], name="downloads_newest_channel"
            ),
        ),
        migrations.CreateModel(
            "PlaylistItem",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "playlist",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="downloads.video",
                    ),
                ),
                (
                    "video",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="places",
                        to="downloads.video",
                    ),
                ),
                ("position", models.PositiveIntegerField()),
                ("title", models.CharField(blank=True, max_length=500)),
                (
                    "absence",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", ""),
                            ("members", "For members of the channel only"),
                            ("subscribers", "For subscribers of the site only"),
                            ("private", "Private"),
                            ("rejected", "Its link can’t be added"),
                            ("gone", "No longer in the playlist on the site"),
                        ],
                        max_length=16,
                    ),
                ),
            ],
            options={
                "ordering": ("position", "pk"),
                "indexes": [models.Index(fields=["playlist", "position"], name="downloads_playlist_places")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("video__isnull", False)),
                        fields=("playlist", "video"),
                        name="downloads_playlist_video",
                    )
                ],
            },
        ),
        migrations.RunPython(count, migrations.RunPython.noop),
    ]
