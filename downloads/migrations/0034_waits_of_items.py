from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0033_retention_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="subscriptionitem",
            name="announced_since",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="subscriptionitem",
            name="live_since",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
