"""Index what the library filters and sorts by: the host in place of the extractor, uploader, date of publication."""

import django.db.models.functions.comparison
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import downloads.models.indexes


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0021_channels"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveIndex(
            model_name="video",
            name="downloads_newest",
        ),
        migrations.RemoveIndex(
            model_name="video",
            name="downloads_newest_state",
        ),
        migrations.RemoveIndex(
            model_name="video",
            name="downloads_newest_uploader",
        ),
        migrations.RemoveIndex(
            model_name="video",
            name="downloads_newest_site",
        ),
        migrations.RemoveIndex(
            model_name="video",
            name="downloads_by_title",
        ),
        migrations.RemoveIndex(
            model_name="video",
            name="downloads_by_duration",
        ),
        migrations.RemoveIndex(
            model_name="video",
            name="downloads_by_size",
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                fields=["-added_at", "-id", "status", "kind", "host", "uploader"], name="downloads_newest"
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                fields=["status", "-added_at", "-id", "kind", "host", "uploader"], name="downloads_newest_state"
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                fields=["uploader", "-added_at", "-id", "status", "kind", "host"], name="downloads_newest_uploader"
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                fields=["host", "-added_at", "-id", "status", "kind", "uploader"], name="downloads_newest_site"
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                fields=["sort_title", "-id", "status", "kind", "host", "uploader", "added_at"],
                name="downloads_by_title",
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                models.OrderBy(django.db.models.functions.comparison.Coalesce("duration", -1.0), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                models.F("duration"),
                models.F("status"),
                models.F("kind"),
                models.F("host"),
                models.F("uploader"),
                models.F("added_at"),
                name="downloads_by_duration",
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                models.OrderBy(django.db.models.functions.comparison.Coalesce("size", -1), descending=True),
                models.OrderBy(models.F("id"), descending=True),
                models.F("size"),
                models.F("status"),
                models.F("kind"),
                models.F("host"),
                models.F("uploader"),
                models.F("added_at"),
                name="downloads_by_size",
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                models.Case(
                    models.When(
                        then=downloads.models.indexes.InlineLiteral(1),
                        uploader=downloads.models.indexes.InlineLiteral(""),
                    ),
                    default=downloads.models.indexes.InlineLiteral(0),
                    output_field=models.IntegerField(),
                ),
                django.db.models.functions.text.Lower("uploader"),
                models.OrderBy(models.F("id"), descending=True),
                models.F("status"),
                models.F("kind"),
                models.F("host"),
                models.F("uploader"),
                models.F("added_at"),
                name="downloads_by_uploader",
            ),
        ),
        migrations.AddIndex(
            model_name="video",
            index=models.Index(
                models.OrderBy(
                    django.db.models.functions.comparison.Coalesce(
                        "upload_date",
                        downloads.models.indexes.InlineLiteral("0001-01-01"),
                        output_field=models.DateField(),
                    ),
                    descending=True,
                ),
                models.OrderBy(models.F("id"), descending=True),
                models.F("upload_date"),
                models.F("status"),
                models.F("kind"),
                models.F("host"),
                models.F("uploader"),
                models.F("added_at"),
                name="downloads_by_upload_date",
            ),
        ),
    ]
