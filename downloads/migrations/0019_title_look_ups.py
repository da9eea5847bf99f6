"""Keep which waiting videos were looked up ahead of their download."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("downloads", "0018_media_facts")]

    operations = [
        migrations.CreateModel(
            name="TitleLookUp",
            fields=[
                (
                    "video",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="title_look_up",
                        serialize=False,
                        to="downloads.video",
                    ),
                ),
                ("host", models.CharField(blank=True, max_length=255)),
                ("lease_token", models.CharField(blank=True, max_length=32)),
                ("lease_until", models.DateTimeField(null=True)),
                ("started_at", models.DateTimeField()),
                ("attempts", models.PositiveIntegerField(default=1)),
                ("next_at", models.DateTimeField(null=True)),
                ("note", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["started_at"], name="downloads_look_ups_started"),
                    models.Index(
                        fields=["lease_token"],
                        condition=models.Q(("lease_token", ""), _negated=True),
                        name="downloads_look_up_leases",
                    ),
                ]
            },
        ),
    ]
