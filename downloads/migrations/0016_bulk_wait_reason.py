"""Keep why a bulk action waits."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("downloads", "0015_bulk_actions_and_audit_log")]

    operations = [
        migrations.AddField(
            model_name="bulkaction", name="wait_reason", field=models.TextField(blank=True, default="")
        ),
    ]
