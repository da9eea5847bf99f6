"""Clips made by ffmpeg, which the media server of the tests serves."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

VIDEO_SOURCE = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25"]
AUDIO_SOURCE = ["-f", "lavfi", "-i", "sine=frequency=440"]
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-b:v", "900k"]
MPEG4 = ["-c:v", "mpeg4", "-g", "25", "-b:v", "900k"]
AAC = ["-c:a", "aac", "-b:a", "96k"]
HLS = ["-f", "hls", "-hls_time", "1", "-hls_playlist_type", "vod"]

HLS_MASTER_PLAYLIST = """#EXTM3U
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="sound",NAME="Sound",DEFAULT=YES,URI="audio.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=320x240,CODECS="avc1.42c01e,mp4a.40.2",AUDIO="sound"
video.m3u8
"""


def run_ffmpeg(*args: str | Path) -> None:
    """Run ffmpeg, which writes its errors to stderr; raise if it fails."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, args)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def has_h264() -> bool:
    result = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-encoders"],
        check=False,
        capture_output=True,
        text=True,
    )
    return " libx264 " in result.stdout


def make_clips(folder: Path, seconds: int = 6) -> Path:
    """Make the clip, its HLS form, an HLS form with separate sound, and a thumbnail."""
    for name in ("hls", "separate"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    length = ["-t", str(seconds)]
    video = H264 if has_h264() else MPEG4
    clip = folder / "clip.mp4"
    run_ffmpeg(*VIDEO_SOURCE, *AUDIO_SOURCE, *length, *video, *AAC, "-movflags", "+faststart", clip)
    run_ffmpeg("-i", clip, "-c", "copy", *HLS, folder / "hls" / "index.m3u8")
    run_ffmpeg("-i", clip, "-an", "-c", "copy", *HLS, folder / "separate" / "video.m3u8")
    run_ffmpeg("-i", clip, "-vn", "-c", "copy", *HLS, folder / "separate" / "audio.m3u8")
    run_ffmpeg("-ss", "1", "-i", clip, "-frames:v", "1", folder / "thumb.jpg")
    (folder / "separate" / "index.m3u8").write_text(HLS_MASTER_PLAYLIST)
    return folder


def unique_clip(clip, number):
    """Return the clip with a numbered box appended, which players skip."""
    return clip + (8 + 16).to_bytes(4, "big") + b"free" + number.to_bytes(16, "big")
