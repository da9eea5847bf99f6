"""Index videos again whose words are found differently now: Hangul, more scripts without spaces, joined words."""

import re

from django.db import migrations

from downloads.search import index

# Hangul in all its forms, the scripts that are split into characters now, and the characters that are ignored now.
# The words of all other texts are as they were.
AFFECTED_PATTERN = re.compile(
    "[\u1100-\u11ff\u3131-\u318e\u3200-\u321e\u3260-\u327e\ua960-\ua97f\uac00-\ud7ff\uffa0-\uffdc"
    "\u1950-\u19df\u1a00-\u1aaf\u1b00-\u1b7f\u1bc0-\u1bff\u2e80-\u2fdf\u3005-\u3007\u3021-\u303c\u3105-\u312f"
    "\u31a0-\u31bf\ua000-\ua48f\ua930-\ua95f\ua980-\uaadf\U00011700-\U00011eff\U00013000-\U0001b2ff"
    "\u00ad\u061c\u200d-\u200f\u202a-\u202e\u2060\ufeff]"
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
        ("downloads", "0010_url_and_medium"),
    ]

    operations = [
        migrations.RunPython(index_affected, migrations.RunPython.noop),
    ]
