"""Videos in a given state, and what happens to them."""

import datetime as dt

from django.core.management import call_command
from django.utils import timezone

from downloads.models import Metadata, Status, StoredFiles, Video
from downloads.progress import publisher
from downloads.progress.message import Progress

# Literal public addresses: no name is looked up, and without a worker nothing is fetched.
FIRST_URL, SECOND_URL = "http://93.184.215.14/one.mp4", "http://93.184.215.14/two.mp4"


def running_with_metadata(name: str) -> Video:
    """Return a video that a worker has begun to download."""
    # A site of its own each: how many of one site run at once is limited.
    url = f"http://{name}.example.org/"
    Video.objects.ingest(url, url)
    video = Video.objects.claim("w")
    assert video
    assert video.save_metadata(Metadata(title=name, uploader="Ada", duration=60))
    return video


def finish_video(video: Video, media_file: str = "", size: int = 603_000_000) -> None:
    assert video.finish(StoredFiles(media_file or f"{video.video_id}.mp4", size), lambda: None)


def publish_percent(video: Video, percent: float | None, **fields) -> None:
    assert publisher.publish_progress(video.video_id, Progress(percent=percent, attempt=video.attempt, **fields))


def running_beyond_limits(count: int) -> list[Video]:
    """Return videos that run, as many as no limit of this machine would let start."""
    addresses = [f"http://{number}.example.org/" for number in range(count)]
    videos = [Video.objects.ingest(address, address)[0] for address in addresses]
    Video.objects.update(status=Status.DOWNLOADING)
    return videos


def waiting(name: str = "a") -> Video:
    # A site of its own each: how many of one site run at once is limited.
    url = f"http://{name}.example.org/"
    return Video.objects.ingest(url, url)[0]


def running(name: str = "a", **state) -> Video:
    waiting(name)
    video = Video.objects.claim("w")
    assert video
    assert video.renew_lease(**state)
    return video


def complete(name: str = "a") -> Video:
    video = running(name)
    assert video.save_metadata(Metadata(title=f"Film {name}", uploader="Ada", duration=724))
    assert video.finish(StoredFiles(f"{name}.mp4", 603_000_000), lambda: None)
    return video


def failed(name: str = "a", error: str = "No.") -> Video:
    video = running(name)
    assert video.fail(error)
    return video


def reload_video(video):
    return Video.objects.get(pk=video.pk)


def create_videos(count: int = 1, **fields) -> list[Video]:
    """Write rows as they are, the last of them the newest."""
    first, now = Video.objects.count(), timezone.now()
    defaults = {"status": Status.COMPLETE, "title": "Film {n}", "media_file": "v/v.mp4"}
    videos = []
    for n in range(first, first + count):
        # So little that what is added next is newer.
        row_fields = {"added_at": now + dt.timedelta(microseconds=n)} | defaults | fields
        row_fields = {name: value.format(n=n) if name == "title" else value for name, value in row_fields.items()}
        videos.append(Video(url=f"http://{n}.example/", canonical_url=f"http://{n}.example/", **row_fields))
    Video.objects.bulk_create(videos)
    call_command("index", verbosity=0)
    return videos
