"""Files of a video, and checks that all of them exist or none."""

from pathlib import Path

from django.conf import settings as current

from downloads.files import trash
from downloads.models import Video


def media_folder(video: Video) -> Path:
    return Path(current.MEDIA_ROOT / video.video_id)


def put_files(video: Video) -> None:
    media_folder(video).mkdir()
    (media_folder(video) / "film.mp4").write_text("film")
    (media_folder(video) / "film.jpg").write_text("picture")


def is_intact(video: Video) -> bool:
    return Video.objects.filter(pk=video.pk).exists() and (media_folder(video) / "film.mp4").read_text() == "film"


def is_gone(video: Video) -> bool:
    return (
        not Video.objects.filter(pk=video.pk).exists()
        and not media_folder(video).exists()
        and trash.list_trashed_ids() == []
    )
