"""Keep what an ignored item was before, for its undo; name what people do with subscriptions in the audit log."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0024_playable_copies"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscriptionitem",
            name="previous_state",
            field=models.CharField(blank=True, editable=False, max_length=8),
        ),
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
                    ("protected", "Protected"),
                    ("unprotected", "No longer protected"),
                    ("subscribed", "Subscribed"),
                    ("unsubscribed", "Unsubscribed"),
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
    ]
