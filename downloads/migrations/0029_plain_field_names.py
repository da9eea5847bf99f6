"""Plain names of fields, which only the admin and messages show: no SQL."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0028_items_by_identity"),
    ]

    operations = [
        migrations.AlterField(
            model_name="subscription",
            name="extractor",
            field=models.CharField(blank=True, max_length=100, verbose_name="extractor of yt-dlp"),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="host",
            field=models.CharField(blank=True, db_index=True, max_length=255, verbose_name="site"),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="source_id",
            field=models.CharField(blank=True, max_length=255, verbose_name="ID of the list on the site"),
        ),
        migrations.AlterField(
            model_name="subscription",
            name="subtitle_languages",
            field=models.CharField(blank=True, max_length=200, verbose_name="subtitle languages"),
        ),
        migrations.AlterField(
            model_name="subscriptionitem",
            name="extractor",
            field=models.CharField(blank=True, max_length=100, verbose_name="extractor of yt-dlp"),
        ),
        migrations.AlterField(
            model_name="subscriptionitem",
            name="retry_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="checked against the filters again at"),
        ),
        migrations.AlterField(
            model_name="subscriptionitem",
            name="source_id",
            field=models.CharField(blank=True, max_length=255, verbose_name="ID on the site"),
        ),
        migrations.AlterField(
            model_name="video",
            name="allow_duplicate",
            field=models.BooleanField(default=False, verbose_name="even if already in the archive"),
        ),
        migrations.AlterField(
            model_name="video",
            name="extractor",
            field=models.CharField(blank=True, max_length=100, verbose_name="extractor of yt-dlp"),
        ),
        migrations.AlterField(
            model_name="video",
            name="is_list",
            field=models.BooleanField(default=False, verbose_name="is a playlist"),
        ),
        migrations.AlterField(
            model_name="video",
            name="not_before",
            field=models.DateTimeField(blank=True, null=True, verbose_name="retry at"),
        ),
        migrations.AlterField(
            model_name="video",
            name="source_id",
            field=models.CharField(blank=True, max_length=255, verbose_name="ID on the site"),
        ),
        migrations.AlterField(
            model_name="video",
            name="subtitle_languages",
            field=models.CharField(blank=True, max_length=200, verbose_name="subtitle languages"),
        ),
        migrations.AlterField(
            model_name="video",
            name="wait_reason",
            field=models.CharField(blank=True, max_length=300, verbose_name="reason for waiting"),
        ),
        migrations.AlterField(
            model_name="video",
            name="waiting_since",
            field=models.DateTimeField(
                blank=True, editable=False, null=True, verbose_name="waiting for the site since"
            ),
        ),
    ]
