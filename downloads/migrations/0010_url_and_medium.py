"""Make URLs unique per medium, and write them as they are written now: with fragments that name another page."""

from django.db import migrations, models

from downloads.intake import urls
from downloads.search import index

CHUNK_SIZE = 2_000


def rewrite_urls(apps, schema_editor):
    """Write the canonical URLs anew where the rules have changed; a URL that another row has already stays."""
    videos = apps.get_model("downloads", "Video").objects
    taken = dict.fromkeys(videos.values_list("canonical_url", flat=True))
    changed = []
    for video in videos.only("url", "canonical_url").order_by("pk").iterator(CHUNK_SIZE):
        canonical_url = canonicalize(video.url)
        if canonical_url and canonical_url not in taken:
            taken[canonical_url] = None
            video.canonical_url = canonical_url
            changed.append(video)
    videos.bulk_update(changed, ["canonical_url"], batch_size=100)


def canonicalize(url):
    """Return the canonical form of a URL; "" for one that would not be taken any more."""
    try:
        return urls.parse_url(url).canonical_url
    except urls.InvalidUrl:
        return ""


def restore_triggers(apps, schema_editor):
    # SQLite rebuilds the table for a constraint, without its triggers.
    index.synchronize()


class Migration(migrations.Migration):
    dependencies = [
        ("downloads", "0009_has_video"),
    ]

    operations = [
        migrations.RunPython(rewrite_urls, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="video",
            name="canonical_url",
            field=models.CharField(max_length=2048, verbose_name="URL"),
        ),
        migrations.AddConstraint(
            model_name="video",
            constraint=models.UniqueConstraint(
                models.F("canonical_url"),
                models.Case(
                    models.When(quality="audio", then=models.Value("audio")), default=models.Value("video")
                ),
                name="downloads_unique_url",
                violation_error_message="This video is already in the archive.",
            ),
        ),
        migrations.RunPython(restore_triggers, restore_triggers),
    ]
