"""Keep how far each person has watched each video."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0016_bulk_wait_reason"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="WatchState",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("position", models.FloatField(default=0, verbose_name="position in seconds")),
                ("duration", models.FloatField(null=True, verbose_name="duration in seconds")),
                ("is_finished", models.BooleanField(default=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("continued_at", models.DateTimeField(null=True)),
                ("previous_position", models.FloatField(default=0)),
                ("previous_finished", models.BooleanField(default=False)),
                ("change_token", models.CharField(blank=True, default="", max_length=16)),
                (
                    "user",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "video",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="watch_states",
                        to="downloads.video",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["user", "-continued_at", "-id"], name="downloads_continue_watching")
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("user", "video"), name="downloads_one_watch_state")
                ],
            },
        ),
    ]
