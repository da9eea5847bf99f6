from django.db import migrations, models
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0032_channels_count_redownloads"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="subscriptionitem",
            index=models.Index(
                "subscription",
                "state",
                Coalesce("published", "seen_at"),
                "id",
                condition=models.Q(video__isnull=False),
                name="downloads_sub_items_kept",
            ),
        ),
    ]
