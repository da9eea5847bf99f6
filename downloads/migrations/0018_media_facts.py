"""Store what is in a file, and the chapters of a video; null columns, which SQLite adds without a new table."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("downloads", "0017_watch_states")]

    operations = [
        *[
            migrations.AddField("video", name, models.PositiveIntegerField(null=True, blank=True, editable=False))
            for name in ("width", "height")
        ],
        *[
            migrations.AddField(
                "video", name, models.CharField(max_length=40, null=True, blank=True, editable=False)
            )
            for name in ("video_codec", "audio_codec")
        ],
        migrations.AddField("video", "chapters", models.JSONField(null=True, blank=True, editable=False)),
    ]
