"""ffmpeg's description of a file, as it prints it for its input: container, duration, codecs, size of the picture."""

import re

from downloads.files.containers import MediaInfo

MAX_SIDE_PIXELS = 65_535
# At the start of a line, or after two spaces: tags of the file, which may have any text, are indented further.
CONTAINER_PATTERN = re.compile(r"^Input #0, (\S+), from ", re.MULTILINE)
DURATION_PATTERN = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+),", re.MULTILINE)
STREAM_PATTERN = re.compile(r"^  Stream #0:\S+: (Video|Audio): ([\w-]+)(.*)$", re.MULTILINE)
FRAME_RATE_PATTERN = re.compile(r"^  Stream #0:\S+: Video: .*?, ([\d.]+) fps,", re.MULTILINE)
# Cover art and pictures of chapters are streams of video for ffmpeg.
PICTURE_PATTERN = re.compile(r"\((?:attached pic|timed thumbnails|still image)\)")
SIZE_PATTERN = re.compile(r", (\d{1,5})x(\d{1,5})(?=[ ,]|$)")
PIXEL_RATIO_PATTERN = re.compile(r"\bSAR (\d{1,5}):(\d{1,5})\b")
ROTATION_PATTERN = re.compile(r"^      (?:Display Matrix|displaymatrix): rotation of (-?\d+)", re.MULTILINE)
# Pixel formats with more than 8 bits, and those with more color than a half in each direction.
DEEP_PATTERN = re.compile(r", (?:yuvj?|gbra?)\w*?p(9|10|12|14|16)[lb]e\b|, p0(10|12|16)[lb]e\b")
CHROMA_PATTERN = re.compile(r", yuvj?(422|440|444)p")


def parse_description(text: str) -> MediaInfo | None:
    """Return the container and the streams that ffmpeg describes; None if it knows none."""
    container = CONTAINER_PATTERN.search(text)
    if not container:
        return None
    duration = DURATION_PATTERN.search(text)
    streams = [match for match in STREAM_PATTERN.finditer(text) if not PICTURE_PATTERN.search(match[3])]
    video = next((match for match in streams if match[1] == "Video"), None)
    width, height = _displayed_size(video[3], _side_data(text, video.end())) if video else (None, None)
    return MediaInfo(
        container[1],
        int(duration[1]) * 3600 + int(duration[2]) * 60 + float(duration[3]) if duration else None,
        tuple(match[2] for match in streams if match[1] == "Video"),
        tuple(match[2] for match in streams if match[1] == "Audio"),
        width,
        height,
        _pixel_depth(video[3]) if video else "",
    )


def parse_frame_rate(text: str) -> float:
    """Return the frames per second of the first video stream; 0.0 if there are none."""
    rate = FRAME_RATE_PATTERN.search(text)
    return float(rate[1]) if rate else 0.0


def _side_data(text: str, start: int) -> str:
    """Return what belongs to the stream whose line ends at `start`."""
    following = STREAM_PATTERN.search(text, start)
    return text[start : following.start() if following else None]


def _displayed_size(line: str, side_data: str) -> tuple[int | None, int | None]:
    """Return width and height as a player shows them: pixels that are no squares, and rotation, are accounted for."""
    size = SIZE_PATTERN.search(line)
    width, height = (int(size[1]), int(size[2])) if size else (0, 0)
    if not width or not height:
        return None, None
    ratio = PIXEL_RATIO_PATTERN.search(line)
    if ratio and int(ratio[1]) and int(ratio[2]):
        width = min(MAX_SIDE_PIXELS, max(1, round(width * int(ratio[1]) / int(ratio[2]))))
    rotation = ROTATION_PATTERN.search(side_data)
    is_on_its_side = rotation is not None and int(rotation[1]) % 180 in range(45, 136)
    return (height, width) if is_on_its_side else (width, height)


def _pixel_depth(line: str) -> str:
    """Return what sets a picture apart from the usual 8 bits with 4:2:0: "10-bit", "4:4:4", or ""."""
    if deep := DEEP_PATTERN.search(line):
        return f"{int(deep[1] or deep[2])}-bit"
    chroma = CHROMA_PATTERN.search(line)
    return ":".join(chroma[1]) if chroma else ""
