"""A small sample archive: two dozen films and more, in every state."""

import datetime as dt
import os
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from downloads.models import Metadata, StoredFiles, Video
from downloads.tests.support import clips
from downloads.tests.support.factories import publish_percent
from downloads.tests.support.landscapes import draw_landscape

TITLES = """How maps lie; Ice on the canal; Grafting apple trees; The orchestra tunes; Stone walls without mortar
A quiet morning in Lisbon; Cloud chambers at home; Glassblowing: the first gather; Cycling the Loire in nine days
The mathematics of knots; Signal boxes of the Harz; Restoring a Dutch windmill; Northern lights, real time
Sourdough questions answered; Salt: a short history; Kite photography for beginners; The last ferry to Skye
Making a violin scroll; Swallows over the estuary; Deep sea vents: a lecture; Letterpress from A to Z
Repairing a 1962 tape recorder; Clouds over Fife; Why bridges sing; A walk through Kyoto in the rain
The tide mill at Eling; Baking rye bread the slow way; How a lighthouse works; Night trains across the Alps"""
UPLOADERS = ["Harbour Films", "Slow Crafts", "Field Notes", "Rail and Sail", "Kitchen Garden"]
FOUND_TITLES = {"heath": "A year on the heath", "dunes": "How dunes wander", "salt-marsh": "Salt marsh at spring tide"}
PICTURE_COUNT = 16
LAST_PICTURE = 28 % PICTURE_COUNT  # that of the last film, which the clip shows
DESCRIPTION = """A film about {}.

0:00 Beginning
0:20 The tools
0:40 What can go wrong

Filmed over two winters with one camera and no lamp. Thanks to everybody who let us in."""
SUBTITLES = "WEBVTT\n\n00:00.000 --> 00:10.000\nThe light turns once every ten seconds.\n"


class SampleLibrary:
    """The sample archive; its pictures and its one clip are made once, and each film links to them."""

    def __init__(self, folder: Path) -> None:
        self.pictures = [folder / f"{number}.jpg" for number in range(PICTURE_COUNT)]
        for number, path in enumerate(self.pictures):
            draw_landscape(number).save(path, quality=88)
        self.clip = folder / "clip.mp4"
        codec = clips.H264 if clips.has_h264() else clips.MPEG4
        still = ["-loop", "1", "-framerate", "5", "-i", self.pictures[LAST_PICTURE]]
        clips.run_ffmpeg(*still, "-t", "70", *codec, "-b:v", "100k", "-movflags", "+faststart", self.clip)

    def fill(self) -> dict[str, Video]:
        """Put the films into the archive; return them by title, the newest last."""
        titles = TITLES.replace("\n", "; ").split("; ")
        videos = {title: self._add_film(title, number) for number, title in enumerate(titles)}
        videos["Mills"] = self._claimed("Mills", 500)
        videos["Mills"].complete_as_playlist("Mills", "Playlist: 2 videos added.")
        mills = [videos[title].pk for title in ("Restoring a Dutch windmill", "The tide mill at Eling")]
        Video.objects.filter(pk__in=mills).update(parent=videos["Mills"])
        videos["Wintering bees"] = self._claimed("Wintering bees", 600)
        videos["Wintering bees"].fail("The site says this video is private. Delete it or try again later.")
        for number, (title, percent) in enumerate((("Sailing the Hebrides, day 4", 41), ("Clay: pit to pot", 93))):
            videos[title] = self._claimed(title, 700 + number)
            state = {"downloaded_bytes": percent * 6_030_000, "total_bytes": 603_000_000, "phase": "video"}
            assert videos[title].renew_lease(percent=percent, **state)
            self._show_picture(videos[title], number + 3)
            publish_percent(videos[title], percent, speed=(percent % 7) * 1e6, eta=(100 - percent) * 2, **state)
        for name in ("heath", "dunes", "salt-marsh", "river", "fens"):
            url = f"https://films.example.net/{name}"
            videos[name], _ = Video.objects.ingest(url, url)
        # What a look-up ahead of the queue has found; the other two show their addresses.
        for number, (name, title) in enumerate(FOUND_TITLES.items()):
            Video.objects.filter(pk=videos[name].pk).update(
                title=title, uploader="Field Notes", duration=431 + 97 * number
            )
            self._show_picture(videos[name], number + 9)
        return videos

    def _show_picture(self, video: Video, number: int) -> None:
        """Give a video that is not downloaded yet the picture that was found with its title."""
        folder = settings.MEDIA_ROOT / video.video_id
        folder.mkdir(parents=True, exist_ok=True)
        os.link(self.pictures[number % PICTURE_COUNT], folder / "film.jpg")
        Video.objects.filter(pk=video.pk).update(thumbnail=f"{video.video_id}/film.jpg")

    def _claimed(self, title: str, number: int) -> Video:
        url = f"https://films-{number}.example.org/{number}"
        Video.objects.ingest(url, url)
        video = Video.objects.claim("w")
        assert video
        video.save_metadata(
            Metadata(
                title=title,
                uploader=UPLOADERS[number % 5],
                uploader_url=f"https://films.example.net/@{UPLOADERS[number % 5].lower().replace(' ', '-')}",
                description=DESCRIPTION.format(title.lower()),
                duration=70 + 131 * (number % 7),
                upload_date=dt.date(2026, 3, 1 + number % 28),
                extractor="Films",
            )
        )
        return video

    def _add_film(self, title: str, number: int) -> Video:
        video = self._claimed(title, number)
        folder = settings.MEDIA_ROOT / video.video_id
        folder.mkdir(parents=True)
        os.link(self.clip, folder / "film.mp4")
        os.link(self.pictures[number % PICTURE_COUNT], folder / "film.jpg")
        (folder / "film.en.vtt").write_text(SUBTITLES if number % 7 == 0 else SUBTITLES.replace("light", "lamp"))
        names = [f"{video.video_id}/film.{ending}" for ending in ("mp4", "jpg", "en.vtt")]
        tracks = [{"language": "en", "file": names[2]}]
        assert video.finish(StoredFiles(names[0], 37_000_000 * (1 + number % 11), names[1], tracks), lambda: None)
        age = dt.timedelta(hours=7 * (28 - number))
        width, height = (3840, 2160) if number % 6 == 1 else (1920, 1080)
        facts = {"width": width, "height": height, "video_codec": "h264", "audio_codec": "aac", "has_video": True}
        Video.objects.filter(pk=video.pk).update(added_at=timezone.now() - age, **facts)
        return video
