"""Complete videos with files that browsers cannot play, and jobs that copy them."""

from pathlib import Path

from django.conf import settings

from downloads.files import ffmpeg
from downloads.models import Metadata, PlayableCopy, StoredFiles, Video
from downloads.tests.support.clips import AAC, AUDIO_SOURCE, H264, MPEG4, VIDEO_SOURCE, run_ffmpeg
from downloads.tests.support.factories import running

MP2, AC3 = ["-c:a", "mp2"], ["-c:a", "ac3"]
# By the extension of the file: arguments of ffmpeg.
KINDS = {
    "mkv": [*H264, *AAC],
    "avi": [*MPEG4, *MP2],
    "ac3.mkv": [*H264, *AC3],
    "ac3.mp4": [*H264, *AC3],
}


def stored_video(kind: str = "avi", seconds: float = 1.0, name: str = "film") -> Video:
    """Return a complete video with a real file in the media folder."""
    video = running(name)
    extension = kind.rpartition(".")[2]
    path = Path(settings.MEDIA_ROOT) / video.video_id / f"{name}.{extension}"
    path.parent.mkdir(parents=True)
    run_ffmpeg(*VIDEO_SOURCE, *AUDIO_SOURCE, "-t", str(seconds), *KINDS[kind], path)
    media_info = ffmpeg.inspect_media(path)
    assert media_info is not None
    columns = {"video_codec": media_info.video_codec, "audio_codec": media_info.audio_codec, "has_video": True}
    return complete_with_file(video, path, **columns)


def long_video(name: str = "long", seconds: int = 1800) -> Video:
    """Return a complete video of half an hour, whose copy takes a while."""
    video = stored_video("avi", name=name)
    path = Path(settings.MEDIA_ROOT) / video.media_file
    once = path.with_name("once.avi")
    path.rename(once)
    run_ffmpeg("-stream_loop", str(seconds), "-i", once, "-c", "copy", path)
    once.unlink()
    return video


def complete_with_file(video: Video, path: Path, **columns: object) -> Video:
    """Complete a running video with a file that lies in the media folder."""
    assert video.save_metadata(Metadata(title="Film", uploader="Ada", duration=1.0))
    media_file = f"{video.video_id}/{path.name}"
    assert video.finish(StoredFiles(media_file, path.stat().st_size, **columns), lambda: None)  # type: ignore[arg-type]
    return Video.objects.get(pk=video.pk)


def claimed_copy(video: Video) -> PlayableCopy:
    """Return the copy of a video, asked for and claimed by a worker."""
    assert PlayableCopy.request(video)
    copy = PlayableCopy.claim_next("w")
    assert copy is not None
    return copy
