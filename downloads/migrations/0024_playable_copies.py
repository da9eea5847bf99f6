"""Add playable copies, and their entries of the audit log."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("downloads", "0023_subscriptions")]

    operations = [
        migrations.AlterField(
            model_name="auditentry",
            name="action",
            field=models.CharField(
                choices=[
                    ("added", "Added"),
                    ("cancelled", "Cancelled"),
                    ("cancel-undone", "Cancel undone"),
                    ("retried", "Retried"),
                    ("retry-undone", "Retry undone"),
                    ("redownloaded", "Downloaded again"),
                    ("copy-requested", "Playable copy requested"),
                    ("copy-cancelled", "Playable copy cancelled"),
                    ("copy-removed", "Playable copy removed"),
                    ("moved", "Moved in the queue"),
                    ("deleted", "Deleted"),
                    ("bulk-started", "Bulk action"),
                    ("queue-paused", "Queue paused"),
                    ("queue-resumed", "Queue resumed"),
                    ("ytdlp-updated", "yt-dlp update requested"),
                    ("signed-in", "Signed in"),
                    ("sign-in-failed", "Sign-in failed"),
                    ("account-changed", "Account changed"),
                ],
                max_length=20,
            ),
        ),
        migrations.CreateModel(
            name="PlayableCopy",
            fields=[
                (
                    "video",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="playable_copy",
                        serialize=False,
                        to="downloads.video",
                    ),
                ),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("downloading", "Downloading"),
                            ("processing", "Processing"),
                            ("complete", "Complete"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("attempt", models.PositiveIntegerField(default=1)),
                ("runs", models.PositiveIntegerField(default=0)),
                ("requested_at", models.DateTimeField()),
                ("phase", models.CharField(blank=True, max_length=64)),
                ("percent", models.FloatField(null=True)),
                ("error", models.TextField(blank=True)),
                ("worker", models.CharField(blank=True, max_length=255)),
                ("lease_token", models.CharField(blank=True, max_length=32)),
                ("lease_until", models.DateTimeField(null=True)),
                ("file", models.CharField(blank=True, max_length=500)),
                ("size", models.BigIntegerField(null=True)),
            ],
            options={
                "verbose_name_plural": "playable copies",
                "indexes": [models.Index(fields=["status", "requested_at"], name="downloads_copies_status")],
            },
        ),
    ]
