"""Keep bulk actions, which a worker performs, and the audit log."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0014_archive_identity"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BulkAction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("action", models.CharField(max_length=16)),
                ("user_name", models.CharField(blank=True, max_length=150)),
                ("total", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("progress_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(db_index=True, null=True)),
                ("problems", models.TextField(blank=True)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "action",
                    models.CharField(
                        choices=[
                            ("added", "Added"),
                            ("cancelled", "Cancelled"),
                            ("cancel-undone", "Cancel undone"),
                            ("retried", "Retried"),
                            ("retry-undone", "Retry undone"),
                            ("redownloaded", "Downloaded again"),
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
                ("actor_name", models.CharField(blank=True, max_length=150)),
                ("public_id", models.CharField(blank=True, db_index=True, max_length=64)),
                ("title", models.CharField(blank=True, max_length=500)),
                ("url", models.CharField(blank=True, max_length=2048, verbose_name="URL")),
                ("details", models.TextField(blank=True)),
                (
                    "actor",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "audit entries",
                "ordering": ("-pk",),
                "indexes": [
                    models.Index(fields=["action", "-id"], name="downloads_audit_action"),
                    models.Index(fields=["actor_name", "-id"], name="downloads_audit_actor"),
                ],
            },
        ),
        migrations.CreateModel(
            name="BulkItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("done", "Done"),
                            ("skipped", "Skipped"),
                            ("failed", "Failed"),
                        ],
                        default="pending",
                        max_length=8,
                    ),
                ),
                ("priority", models.IntegerField(default=0)),
                ("not_before", models.DateTimeField(null=True)),
                (
                    "bulk_action",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="items", to="downloads.bulkaction"
                    ),
                ),
                (
                    "video",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="bulk_items", to="downloads.video"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["bulk_action", "state", "id"], name="downloads_bulk_items")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "pending")),
                        fields=("video",),
                        name="downloads_one_pending_bulk_action",
                    )
                ],
            },
        ),
    ]
