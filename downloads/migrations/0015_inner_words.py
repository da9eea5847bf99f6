"""Index videos again whose words are found differently now: Hangul, more scripts without spaces, joined words."""

import re

from django.db import migrations

from downloads.search import index, tokenizer

# Hangul in all its forms, the scripts without spaces, and the characters that are ignored now. Archives without them
# keep their index as it is.
AFFECTED_PATTERN = re.compile(
    rf"[{tokenizer.HANGUL_RANGES}\u3131-\u318e\u3200-\u321e\u3260-\u327e\uac00-\ud7ff\uff61-\uffdc"
    rf"{tokenizer.UNSPACED_SCRIPT_RANGES}{''.join(sorted(tokenizer.IGNORED_CHARACTERS))}]"
)
CHUNK_SIZE = 2_000


def index_affected(apps, schema_editor):
    videos = apps.get_model("downloads", "Video").objects.all()
    index.synchronize()
    columns = ("pk", "title", "url", "uploader", "description", "subtitle_files")
    pending = []
    for pk, *texts, subtitle_files in videos.values_list(*columns).order_by("pk").iterator(CHUNK_SIZE):
        # The words of subtitles are in files, which cost as much to read as to index.
        if subtitle_files or AFFECTED_PATTERN.search("\n".join(texts)):
            pending.append(pk)
    index.index_keys(videos, pending)


class Migration(migrations.Migration):
    # A transaction for each chunk: an upgrade that is interrupted begins again, and holds no lock for long.
    atomic = False

    dependencies = [
        ("downloads", "0012_url_and_medium"),
    ]

    operations = [
        migrations.RunPython(index_affected, migrations.RunPython.noop),
    ]
