"""Pictures as sites send them: in all modes and formats, and broken or hostile ones."""

import io
import random
import struct
import zlib

from PIL import Image

WIDTH, HEIGHT = 1600, 900
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='10' height='10'><script>alert(1)</script></svg>"


def encode(picture: Image.Image, image_format: str, **options) -> bytes:
    """Return a picture as a file of a format of Pillow."""
    buffer = io.BytesIO()
    picture.save(buffer, image_format, **options)
    return buffer.getvalue()


def two_halves(mode: str = "RGB") -> Image.Image:
    """Return a picture that is red on its left and blue on its right half."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), (220, 20, 20))
    picture.paste((20, 20, 220), (WIDTH // 2, 0, WIDTH, HEIGHT))
    return picture.convert(mode)


def noise_png() -> bytes:
    """Return a PNG of noise, which takes 4 MB and is the hardest to make small."""
    width, height = 1280, 1040
    return encode(Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3)), "PNG")


def gray_16_bit(image_format: str) -> bytes:
    """Return a gradient from black to white with 16 bits per pixel."""
    rows = b"".join(struct.pack("<256H", *range(0, 65536, 256)) for _ in range(256))
    return encode(Image.frombytes("I;16", (256, 256), rows), image_format)


def bomb_png(width: int = 16_000, height: int = 16_000) -> bytes:
    """Return a PNG of some 30 kB that is black and, decoded, takes gigabytes."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    compressor = zlib.compressobj(9)
    row = bytes(width // 8 + 1)
    data = b"".join(compressor.compress(row) for _ in range(height)) + compressor.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
