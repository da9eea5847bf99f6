"""Add subscriptions, their ledger and the pauses of sites; protect videos, and limit single additions."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import downloads.models.video


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0022_library_filters"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HostPause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("host", models.CharField(max_length=255, unique=True, verbose_name="site")),
                ("until", models.DateTimeField()),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("count", models.PositiveIntegerField(default=0, verbose_name="pauses in a row")),
                ("paused_at", models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddField(
            model_name="video",
            name="list_limit",
            field=models.PositiveIntegerField(blank=True, editable=False, null=True, verbose_name="videos to add"),
        ),
        migrations.AddField(
            model_name="video",
            name="protected",
            field=models.BooleanField(editable=False, null=True, verbose_name="kept by retention"),
        ),
        migrations.CreateModel(
            name="Subscription",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("next_check_at", models.DateTimeField(blank=True, db_index=True, null=True)),
                ("scheduled_at", models.DateTimeField(editable=False, null=True)),
                ("checked_at", models.DateTimeField(editable=False, null=True, verbose_name="last check")),
                ("succeeded_at", models.DateTimeField(editable=False, null=True, verbose_name="last successful check")),
                ("found_at", models.DateTimeField(editable=False, null=True, verbose_name="last find")),
                ("error", models.CharField(blank=True, editable=False, max_length=500)),
                (
                    "failure_count",
                    models.PositiveIntegerField(default=0, editable=False, verbose_name="failures in a row"),
                ),
                (
                    "not_found_count",
                    models.PositiveIntegerField(default=0, editable=False, verbose_name="answers “not found” in a row"),
                ),
                ("failing_since", models.DateTimeField(editable=False, null=True)),
                ("positions", models.JSONField(blank=True, default=dict, editable=False)),
                ("worker", models.CharField(blank=True, editable=False, max_length=255)),
                ("lease_token", models.CharField(blank=True, editable=False, max_length=32)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                (
                    "key",
                    models.CharField(
                        default=downloads.models.video.new_video_id, editable=False, max_length=64, unique=True
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=500)),
                ("url", models.CharField(max_length=2048, verbose_name="submitted URL")),
                (
                    "canonical_url",
                    models.CharField(
                        error_messages={"unique": "There is a subscription to this list already."},
                        max_length=2048,
                        unique=True,
                        verbose_name="URL",
                    ),
                ),
                ("extractor", models.CharField(blank=True, max_length=100, verbose_name="site")),
                ("source_id", models.CharField(blank=True, max_length=255, verbose_name="id of the list at the site")),
                (
                    "host",
                    models.CharField(blank=True, db_index=True, max_length=255, verbose_name="site by its host names"),
                ),
                (
                    "kind",
                    models.CharField(
                        blank=True,
                        choices=[("", "Not checked yet"), ("channel", "Channel"), ("playlist", "Playlist")],
                        max_length=8,
                    ),
                ),
                ("tabs", models.CharField(blank=True, default="videos", max_length=60)),
                (
                    "quality",
                    models.CharField(
                        choices=[
                            ("best", "Best"),
                            ("1080p", "1080p"),
                            ("720p", "720p"),
                            ("480p", "480p"),
                            ("audio", "Audio only"),
                        ],
                        default="best",
                        max_length=8,
                    ),
                ),
                (
                    "subtitle_languages",
                    models.CharField(blank=True, max_length=200, verbose_name="languages of subtitles"),
                ),
                ("check_interval", models.PositiveIntegerField(default=21600, verbose_name="seconds between checks")),
                ("cron", models.CharField(blank=True, max_length=100, verbose_name="times of checks (cron)")),
                ("time_zone", models.CharField(blank=True, max_length=64)),
                ("title_includes", models.CharField(blank=True, max_length=200, verbose_name="title contains")),
                ("title_excludes", models.CharField(blank=True, max_length=200, verbose_name="title does not contain")),
                (
                    "min_duration",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="shortest, in seconds"),
                ),
                (
                    "max_duration",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="longest, in seconds"),
                ),
                ("published_since", models.DateField(blank=True, null=True)),
                ("max_new", models.PositiveIntegerField(default=50, verbose_name="new videos per check, at most")),
                (
                    "start",
                    models.CharField(
                        choices=[
                            ("new", "Only new videos"),
                            ("newest", "The newest"),
                            ("since", "Since a date"),
                            ("all", "Everything"),
                        ],
                        default="new",
                        max_length=8,
                    ),
                ),
                ("start_count", models.PositiveIntegerField(blank=True, null=True, verbose_name="the newest …")),
                ("start_date", models.DateField(blank=True, null=True, verbose_name="published since")),
                ("keep_days", models.PositiveIntegerField(blank=True, null=True, verbose_name="days that videos stay")),
                (
                    "keep_newest",
                    models.PositiveIntegerField(blank=True, null=True, verbose_name="newest videos that stay"),
                ),
                ("active", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "added_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="SubscriptionItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("identity", models.CharField(editable=False, max_length=40)),
                ("extractor", models.CharField(blank=True, max_length=100, verbose_name="site")),
                ("source_id", models.CharField(blank=True, max_length=255, verbose_name="id at the site")),
                ("url", models.CharField(max_length=2048, verbose_name="URL")),
                ("title", models.CharField(blank=True, max_length=500)),
                ("duration", models.FloatField(blank=True, null=True, verbose_name="duration in seconds")),
                ("published", models.DateTimeField(blank=True, null=True)),
                ("is_date_rough", models.BooleanField(default=False)),
                ("tab", models.CharField(blank=True, max_length=16)),
                ("position", models.PositiveIntegerField(default=0)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Added"),
                            ("archived", "Already archived"),
                            ("filtered", "Filtered out"),
                            ("waiting", "Not yet available"),
                            ("members", "Members only"),
                            ("gone", "Gone from the site"),
                            ("ignored", "Ignored"),
                            ("before", "Before the start"),
                            ("removed", "Removed"),
                        ],
                        max_length=8,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("retry_at", models.DateTimeField(blank=True, null=True, verbose_name="judged anew at")),
                ("is_picked", models.BooleanField(default=False, verbose_name="asked for by a person")),
                ("seen_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="first seen")),
                (
                    "changed_at",
                    models.DateTimeField(default=django.utils.timezone.now, verbose_name="in this state since"),
                ),
                (
                    "subscription",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="items",
                        to="downloads.subscription",
                    ),
                ),
                (
                    "video",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="subscription_items",
                        to="downloads.video",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="subscription",
            index=models.Index(
                condition=models.Q(("lease_token", ""), _negated=True),
                fields=["lease_token"],
                name="downloads_check_leases",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscription",
            constraint=models.UniqueConstraint(
                condition=models.Q(("source_id", ""), _negated=True),
                fields=("extractor", "source_id"),
                name="downloads_subscription_list",
                violation_error_message="There is a subscription to this list already.",
            ),
        ),
        migrations.AddIndex(
            model_name="subscriptionitem",
            index=models.Index(fields=["subscription", "state", "-id"], name="downloads_sub_items_state"),
        ),
        migrations.AddIndex(
            model_name="subscriptionitem",
            index=models.Index(
                condition=models.Q(("retry_at__isnull", False)),
                fields=["subscription", "retry_at"],
                name="downloads_sub_items_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="subscriptionitem",
            constraint=models.UniqueConstraint(fields=("subscription", "identity"), name="downloads_sub_item_unique"),
        ),
    ]
