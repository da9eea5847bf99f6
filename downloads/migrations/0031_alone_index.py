"""The index of what did not come with a playlist, which the library may show alone."""

from django.db import migrations, models

import downloads.models.indexes


class Migration(migrations.Migration):

    dependencies = [("downloads", "0030_items_by_age")]

    operations = [
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                condition=models.Q(downloads.models.indexes.IsAlone()),
                fields=["-added_at", "-id", "status", "kind", "host", "uploader", "parent"],
                name="downloads_newest_alone",
            ),
        ),
    ]
