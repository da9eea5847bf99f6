"""Short media files in many containers, made by ffmpeg."""

from pathlib import Path

from downloads.tests.support.clips import run_ffmpeg

PICTURES = ["-f", "lavfi", "-i", "testsrc2=size=176x144:rate=25"]
TONE = ["-f", "lavfi", "-i", "sine=frequency=440"]
# Muxer of ffmpeg, codecs, and the extension under which such a file is stored.
VIDEO_CONTAINERS = {
    "mp4": ("mpeg4", "aac", "mp4"),
    "mov": ("mpeg4", "pcm_s16le", "mov"),
    "ipod": ("mpeg4", "aac", "mp4"),
    "ismv": ("mpeg4", "aac", "mp4"),
    "3gp": ("h263", "aac", "3gp"),
    "3g2": ("h263", "aac", "3g2"),
    "f4v": ("libx264", "aac", "mp4"),
    "matroska": ("mpeg4", "aac", "mkv"),
    "webm": ("libvpx", "libvorbis", "webm"),
    "mpegts": ("mpeg2video", "mp2", "ts"),
    "mpeg": ("mpeg1video", "mp2", "mpg"),
    "vob": ("mpeg2video", "mp2", "mpg"),
    "dvd": ("mpeg2video", "mp2", "mpg"),
    "svcd": ("mpeg2video", "mp2", "mpg"),
    "ogg": ("libtheora", "libvorbis", "ogv"),
    "flv": ("flv", "libmp3lame", "flv"),
    "avi": ("mpeg4", "libmp3lame", "avi"),
    "asf": ("wmv2", "wmav2", "wmv"),
    "mxf": ("mpeg2video", "pcm_s16le", "mxf"),
    "nut": ("mpeg4", "aac", "nut"),
    "rm": ("rv10", "ac3_fixed", "rm"),
    "ivf": ("libvpx", "", "ivf"),
    "yuv4mpegpipe": ("rawvideo", "", "y4m"),
    "gxf": ("mpeg2video", "pcm_s16le", "gxf"),
    "mpeg2video": ("mpeg2video", "", "m2v"),
    "h264": ("libx264", "", "h264"),
    "hevc": ("libx265", "", "hevc"),
    "h263": ("h263", "", "h263"),
    "m4v": ("mpeg4", "", "m4e"),
    "obu": ("libaom-av1", "", "obu"),
}
AUDIO_CONTAINERS = {
    "mp3": ("libmp3lame", "mp3"),
    "mp2": ("mp2", "mp2"),
    "adts": ("aac", "aac"),
    "latm": ("aac", "latm"),
    "flac": ("flac", "flac"),
    "wav": ("pcm_s16le", "wav"),
    "w64": ("pcm_s16le", "w64"),
    "aiff": ("pcm_s16be", "aiff"),
    "au": ("pcm_s16be", "au"),
    "caf": ("alac", "caf"),
    "ac3": ("ac3", "ac3"),
    "eac3": ("eac3", "eac3"),
    "truehd": ("truehd", "thd"),
    "dts": ("dca", "dts"),
    "amr": ("libopencore_amrnb", "amr"),
    "wv": ("wavpack", "wv"),
    "tta": ("tta", "tta"),
    "voc": ("pcm_u8", "voc"),
    "sox": ("pcm_s32le", "sox"),
    "opus": ("libopus", "opus"),
    "ogg": ("libvorbis", "ogg"),
    "oga": ("flac", "ogg"),
    "ipod": ("aac", "m4a"),
    "mp4": ("aac", "m4a"),
    "mov": ("pcm_s16le", "m4a"),
    "3gp": ("aac", "m4a"),
    "matroska": ("flac", "mka"),
    "webm": ("libopus", "weba"),
    "asf": ("wmav2", "wma"),
    "rm": ("ac3_fixed", "ra"),
    "mpegts": ("aac", "ts"),
    "flv": ("libmp3lame", "flv"),
    "nut": ("pcm_s16le", "nut"),
}
EXTRA_OPTIONS = {
    "h263": ["-s", "176x144"],
    "dca": ["-strict", "-2"],
    "truehd": ["-strict", "-2"],
    "libopencore_amrnb": ["-ar", "8000", "-ac", "1", "-b:a", "12.2k"],
    "mxf": ["-ar", "48000"],
    "gxf": ["-s", "720x576", "-aspect", "4:3", "-ar", "48000", "-ac", "1"],
    "svcd": ["-ar", "44100"],
    "libaom-av1": ["-cpu-used", "8"],
    "flv": ["-ar", "44100"],
}


def make_video(path: Path, muxer: str) -> Path:
    """Write a second of pictures, with sound where the container takes it."""
    video_codec, audio_codec, _ = VIDEO_CONTAINERS[muxer]
    sound = ["-c:a", audio_codec] if audio_codec else ["-an"]
    options = [*EXTRA_OPTIONS.get(video_codec, []), *EXTRA_OPTIONS.get(audio_codec, []), *EXTRA_OPTIONS.get(muxer, [])]
    run_ffmpeg(*PICTURES, *TONE, "-t", "1", "-c:v", video_codec, *sound, *options, "-f", muxer, path)
    return path


def make_audio(path: Path, muxer: str) -> Path:
    """Write a second of sound."""
    codec, _ = AUDIO_CONTAINERS[muxer]
    run_ffmpeg(*TONE, "-t", "1", "-vn", "-c:a", codec, *EXTRA_OPTIONS.get(codec, []), "-f", muxer, path)
    return path
