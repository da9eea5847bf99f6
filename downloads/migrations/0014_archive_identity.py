"""Keep the id of the archive, which its folders carry as well; `up` and `prepare` make it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("downloads", "0013_roles")]

    operations = [
        migrations.CreateModel(
            "ArchiveIdentity",
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("archive_id", models.CharField(max_length=36)),
                ("is_marked", models.BooleanField(default=False)),
            ],
            options={"verbose_name_plural": "archive identities"},
        )
    ]
