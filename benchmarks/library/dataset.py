"""An archive as it might be after years: of many uploaders and sites, in words as frequent as real ones."""

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
COMMON = ["the", "of", "and", "to", "in", "a", "is", "you", "that", "it", "with", "for", "on", "how", "this", "my"]
COMMON += ["official", "video", "music", "live", "full", "new", "best", "review", "part"]
STATES = [Status.COMPLETE] * 95 + [Status.FAILED] * 3 + [Status.CANCELLED] * 2
UPLOADERS, SITES, VOCABULARY = 3_000, 40, 30_000
WITH_SUBTITLES = 50  # one video in so many
CUE = "{0:02}:{1:02}.000 --> {0:02}:{1:02}.900\n{2}\n\n"


class Shelf:
    """What videos are made of; the same for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self.random = random.Random(seed)
        invented = {"".join(self.random.choices(SYLLABLES, k=self.random.randint(2, 4))) for _ in range(2 * VOCABULARY)}
        self.vocabulary = [*COMMON, *sorted(invented)[:VOCABULARY]]
        # As in any language: the nth word is as frequent as 1/n.
        self.weights = list(itertools.accumulate(1 / (n + 3) for n in range(len(self.vocabulary))))
        self.uploaders = [self.text(2).title() for _ in range(UPLOADERS)]
        self.often = list(itertools.accumulate(1 / (n + 10) for n in range(UPLOADERS)))
        self.sites = [f"Site{n}" for n in range(SITES)]
        self.shares = list(itertools.accumulate(1 / (n + 1) for n in range(SITES)))

    def text(self, count: int) -> str:
        """Return so many words."""
        return " ".join(self.random.choices(self.vocabulary, cum_weights=self.weights, k=count))

    def video(self, number: int, status: str, moment: dt.datetime) -> Video:
        """Return a video that is not saved yet."""
        draw = self.random
        ended = status not in (Status.QUEUED, Status.DOWNLOADING)
        url = f"https://videos{number % SITES}.example/watch/{number}"
        kind = draw.choices(["mp4", "mp3", ""], [90, 8, 2])[0] if status == Status.COMPLETE else ""
        return Video(
            url=url,
            canonical_url=url,
            title=self.text(draw.randint(3, 12)).capitalize() if ended else "",
            uploader=draw.choices(self.uploaders, cum_weights=self.often)[0] if ended else "",
            description=self.text(draw.randint(20, 200)) if ended else "",
            extractor=draw.choices(self.sites, cum_weights=self.shares)[0] if ended else "",
            duration=draw.lognormvariate(6, 1) if kind else None,
            size=int(draw.lognormvariate(18, 1.5)) if kind else None,
            media_file=f"v{number}/v.{kind}" if kind else "",
            is_list=status == Status.COMPLETE and not kind,
            quality=Quality.AUDIO if kind == "mp3" else Quality.BEST,
            status=status,
            error="" if status != Status.FAILED else "The site says that this video is private.",
            added_at=moment,
            queued_at=moment,
            ended_at=moment if ended else None,
            tracks=self.tracks(number) if kind and number % WITH_SUBTITLES == 0 else [],
        )

    def tracks(self, number: int) -> list[dict[str, str]]:
        """Write subtitles into the media folder, and return what a video says of them."""
        file = Path(settings.MEDIA_ROOT, f"v{number}", "v.en.vtt")
        file.parent.mkdir(parents=True, exist_ok=True)
        cues = (CUE.format(n // 60, n % 60, self.text(8)) for n in range(200))
        file.write_text("WEBVTT\n\n" + "".join(cues))
        return [{"language": "en", "file": f"v{number}/v.en.vtt"}]


def fill(count: int, *, waiting: int = 100, seed: int = 1) -> None:
    """Fill the database with `count` videos of three years, and put some more into the queue."""
    shelf, now = Shelf(seed), timezone.now()
    step = dt.timedelta(days=3 * 365) / count
    whole: list[dict[str, Any]] = [
        {"number": n, "status": shelf.random.choice(STATES), "moment": now - step * (count - n)} for n in range(count)
    ]
    whole += [{"number": count + n, "status": Status.QUEUED, "moment": now} for n in range(waiting)]
    for start in range(0, len(whole), 2_000):
        Video.objects.bulk_create(shelf.video(**each) for each in whole[start : start + 2_000])
    # The pages ask for the newest of the events.
    VideoEvent.objects.create(public_id="queue", status=Status.QUEUED, reason="Filled")
    index.reindex(Video.objects.all())
