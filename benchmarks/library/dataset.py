"""Generated videos of a large archive: many uploaders and sites, with word frequencies as in real text."""

import datetime as dt
import itertools
import random
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from downloads.models import Quality, Status, Video
from downloads.models.event import VideoEvent
from downloads.search import index

SYLLABLES = [a + b for a in "bdfklmnprstvw" for b in "aeio"]
COMMON_WORDS = ["the", "of", "and", "to", "in", "a", "is", "you", "that", "it", "with", "for", "on", "how", "this"]
COMMON_WORDS += ["my", "official", "video", "music", "live", "full", "new", "best", "review", "part"]
STATUS_WEIGHTS = [Status.COMPLETE] * 95 + [Status.FAILED] * 3 + [Status.CANCELLED] * 2
UPLOADERS, SITES, VOCABULARY = 3_000, 40, 30_000
SUBTITLES_EVERY = 50  # videos
WEBVTT_CUE = "{0:02}:{1:02}.000 --> {0:02}:{1:02}.900\n{2}\n\n"


class VideoGenerator:
    """Generator of videos; the same seed generates the same videos."""

    def __init__(self, seed: int = 1) -> None:
        self.rng = random.Random(seed)
        invented_words = {"".join(self.rng.choices(SYLLABLES, k=self.rng.randint(2, 4))) for _ in range(2 * VOCABULARY)}
        self.vocabulary = [*COMMON_WORDS, *sorted(invented_words)[:VOCABULARY]]
        # Zipf's law: the frequency of the nth word is proportional to 1/n.
        self.word_weights = list(itertools.accumulate(1 / (n + 3) for n in range(len(self.vocabulary))))
        self.uploaders = [self.random_words(2).title() for _ in range(UPLOADERS)]
        self.uploader_weights = list(itertools.accumulate(1 / (n + 10) for n in range(UPLOADERS)))
        self.site_weights = list(itertools.accumulate(1 / (n + 1) for n in range(SITES)))

    def random_words(self, count: int) -> str:
        """Return `count` random words, separated by spaces."""
        return " ".join(self.rng.choices(self.vocabulary, cum_weights=self.word_weights, k=count))

    def make_video(self, number: int, status: str, added_at: dt.datetime) -> Video:
        """Return an unsaved video."""
        rng = self.rng
        has_ended = status not in (Status.QUEUED, Status.DOWNLOADING)
        site = rng.choices(range(SITES), cum_weights=self.site_weights)[0]
        host = f"videos{site}.example"
        url = f"https://{host}/watch/{number}"
        kind = rng.choices(["mp4", "mp3", ""], [90, 8, 2])[0] if status == Status.COMPLETE else ""
        return Video(
            url=url,
            canonical_url=url,
            host=host,
            title=self.random_words(rng.randint(3, 12)).capitalize() if has_ended else "",
            uploader=rng.choices(self.uploaders, cum_weights=self.uploader_weights)[0] if has_ended else "",
            description=self.random_words(rng.randint(20, 200)) if has_ended else "",
            extractor=f"Site{site}" if has_ended else "",
            duration=rng.lognormvariate(6, 1) if kind else None,
            size=int(rng.lognormvariate(18, 1.5)) if kind else None,
            media_file=f"v{number}/v.{kind}" if kind else "",
            is_list=status == Status.COMPLETE and not kind,
            quality=Quality.AUDIO if kind == "mp3" else Quality.BEST,
            status=status,
            error="" if status != Status.FAILED else "The site says that this video is private.",
            added_at=added_at,
            queued_at=added_at,
            ended_at=added_at if has_ended else None,
            subtitle_files=self.write_subtitles(number) if kind and number % SUBTITLES_EVERY == 0 else [],
        )

    def write_subtitles(self, number: int) -> list[dict[str, str]]:
        """Write a subtitle file into the media folder, and return the value of the video's field for it."""
        file = Path(settings.MEDIA_ROOT, f"v{number}", "v.en.vtt")
        file.parent.mkdir(parents=True, exist_ok=True)
        cues = (WEBVTT_CUE.format(n // 60, n % 60, self.random_words(8)) for n in range(200))
        file.write_text("WEBVTT\n\n" + "".join(cues))
        return [{"language": "en", "file": f"v{number}/v.en.vtt"}]


def fill_database(count: int, *, waiting: int = 100, seed: int = 1) -> None:
    """Fill the database with `count` videos of three years, and add `waiting` videos to the queue."""
    generator, now = VideoGenerator(seed), timezone.now()
    interval = dt.timedelta(days=3 * 365) / count
    videos: list[dict[str, Any]] = [
        {"number": n, "status": generator.rng.choice(STATUS_WEIGHTS), "added_at": now - interval * (count - n)}
        for n in range(count)
    ]
    videos += [{"number": count + n, "status": Status.QUEUED, "added_at": now} for n in range(waiting)]
    for start in range(0, len(videos), 2_000):
        Video.objects.bulk_create(generator.make_video(**fields) for fields in videos[start : start + 2_000])
    # Pages read the latest event.
    VideoEvent.objects.create(public_id="queue", status=Status.QUEUED, reason="Filled")
    index.reindex(Video.objects.all())
