"""The program that draws a picture anew in two sizes: `drawing.py SOURCE LARGE SMALL`.

Without arguments it waits for them on standard input, each ended by a NUL.

Pictures come from strangers, so they are decoded here, in a process with little memory, time and environment that
imports nothing of ours. What it writes holds pixels alone: no metadata, no profile, no bytes of the source.
Exit status 3: the picture cannot be drawn, with the reason on standard error. Status 1, of an error before that: no
picture can be drawn, for example because Pillow is not installed.
"""

import io
import resource
import sys
import warnings
from pathlib import Path
from typing import NamedTuple, cast

from PIL import Image, ImageCms, ImageOps

REFUSED_EXIT_STATUS = 3
MAX_MEMORY_BYTES = 2**30
MAX_CPU_SECONDS = 15
MAX_PIXELS = 36_000_000  # by the head of the file, before anything is decoded; 8K video has 33 million
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000")
BACKGROUND = (255, 255, 255)  # below transparent parts
QUALITIES = (82, 72, 60, 48, 36, 24)
SHRINK_FACTOR = 0.75  # of the width and height, where the lowest quality is still too large


class Size(NamedTuple):
    """A size of thumbnails: the box it fits into, in pixels, and the most bytes of its file."""

    width: int
    height: int
    max_bytes: int


LARGE = Size(1280, 1280, 400_000)  # posters
SMALL = Size(480, 854, 56_000)  # cards, which crop an upright picture to their own shape


def main() -> None:
    """Draw the picture that the arguments name."""
    _limit_resources()
    names = sys.argv[1:] or sys.stdin.buffer.read().decode("utf-8", "surrogateescape").split("\0")[:-1]
    if not names:
        return
    source, large_path, small_path = map(Path, names)
    try:
        large = _shrink(_read_picture(source), LARGE)
        small_path.write_bytes(_encode(_shrink(large, SMALL), SMALL.max_bytes))
        large_path.write_bytes(_encode(large, LARGE.max_bytes))
    except Exception as error:  # decoders raise anything for broken files
        sys.stderr.write(f"{type(error).__name__}: {error}")
        sys.exit(REFUSED_EXIT_STATUS)


def _limit_resources() -> None:
    for limit, value in (
        (resource.RLIMIT_AS, MAX_MEMORY_BYTES),
        (resource.RLIMIT_CPU, MAX_CPU_SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)


def _read_picture(source: Path) -> Image.Image:
    """Decode a picture, the first of an animation, upright and in 8-bit RGB colors of sRGB."""
    with Image.open(source, formats=FORMATS) as file:
        file.draft("RGB", (LARGE.width, LARGE.height))  # a large JPEG is decoded at a fraction of its size
        file.load()
        profile = file.info.get("icc_profile")
        picture = _shrink(_to_8_bit(file), LARGE)
        return _to_srgb(_transpose(picture, file), profile)


def _to_8_bit(picture: Image.Image) -> Image.Image:
    """Return the picture in a mode that can be scaled: no palette, and no more than 8 bits per channel."""
    if picture.mode.startswith("I") or picture.mode == "F":
        # 16 bits per pixel, or any range of numbers: Pillow's own conversion would clip at 255.
        numbers = picture.convert("F")
        extrema = (0.0, 65535.0) if picture.mode.startswith("I;16") else cast(tuple[float, float], numbers.getextrema())
        factor = 255 / ((extrema[1] - extrema[0]) or 1)
        return numbers.point(lambda number: number * factor - extrema[0] * factor).convert("L")
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture if picture.mode in ("RGB", "L", "CMYK") else picture.convert("RGB")


def _shrink(picture: Image.Image, size: Size) -> Image.Image:
    """Return the picture scaled down into the box of a size; a smaller one as it is."""
    factor = min(1.0, size.width / picture.width, size.height / picture.height)
    if factor == 1.0:
        return picture
    width, height = (max(1, round(side * factor)) for side in picture.size)
    return picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _transpose(picture: Image.Image, file: Image.Image) -> Image.Image:
    """Turn a picture as the EXIF data of its file say; broken data are ignored."""
    try:
        orientation = file.getexif().get(0x0112, 1)
    except Exception:  # the parser raises anything
        return picture
    picture.getexif()[0x0112] = orientation
    return ImageOps.exif_transpose(picture) or picture


def _to_srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """Return an RGB picture without transparency; colors of a broken profile are taken as they are."""
    if profile and picture.mode in ("RGB", "CMYK", "L"):
        try:
            source_profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            picture = ImageCms.profileToProfile(picture, source_profile, srgb, outputMode="RGB") or picture
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    if picture.mode == "RGBA":
        background = Image.new("RGB", picture.size, BACKGROUND)
        background.paste(picture, mask=picture.getchannel("A"))
        return background
    return picture.convert("RGB")


def _encode(picture: Image.Image, max_bytes: int) -> bytes:
    """Return the picture as a JPEG of up to `max_bytes`, in the best quality that fits, else smaller."""
    # A new picture has no metadata that the encoder might copy.
    pixels = Image.new("RGB", picture.size)
    pixels.paste(picture)
    while True:
        for quality in QUALITIES:
            buffer = io.BytesIO()
            pixels.save(buffer, "JPEG", quality=quality, optimize=True, progressive=True)
            if buffer.tell() <= max_bytes:
                return buffer.getvalue()
        width, height = (max(1, int(side * SHRINK_FACTOR)) for side in pixels.size)
        pixels = pixels.resize((width, height), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    main()
