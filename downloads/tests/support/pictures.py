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
    compressor = zlib.compressobj(9)
    row = bytes(width // 8 + 1)
    data = b"".join(compressor.compress(row) for _ in range(height)) + compressor.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", header) + _png_chunk(b"IDAT", data) + _png_chunk(b"IEND", b"")


def _png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bombs() -> dict[str, bytes]:
    """Return small files of all formats that unfold to much, by the way they do it."""
    red, blue = (Image.new("RGB", (300, 200), color) for color in ("red", "blue"))
    small = encode(red, "PNG")
    zeros = zlib.compress(bytes(100_000_000), 9)
    jpeg, webp = bytearray(encode(red, "JPEG")), bytearray(encode(red, "WEBP", save_all=True, append_images=[blue]))
    start_of_frame, canvas = jpeg.index(b"\xff\xc0") + 5, webp.index(b"VP8X") + 12
    jpeg[start_of_frame : start_of_frame + 4] = struct.pack(">HH", 65500, 65500)
    webp[canvas : canvas + 6] = b"\xff\x3f\0\xff\x3f\0"
    return {
        "png": bomb_png(),
        "gif_canvas": _gif((65535, 65535), (1, 1)),
        "gif_frame": _gif((1, 1), (65535, 65535)),
        "webp_canvas": bytes(webp),
        "jpeg_head": bytes(jpeg),
        "tiff": encode(Image.new("1", (16_000, 16_000)), "TIFF", compression="group4"),
        "jpeg2000": encode(Image.new("L", (6100, 6100)), "JPEG2000"),
        "png_profile": small[:33] + _png_chunk(b"iCCP", b"x\0\0" + zeros) + small[33:],
        "png_text": small[:33] + _png_chunk(b"zTXt", b"x\0\0" + zeros) + small[33:],
        "png_unicode": small[:33] + _png_chunk(b"iTXt", b"x\0\1\0\0\0" + zeros) + small[33:],
        "png_many_texts": small[:33] + _png_chunk(b"zTXt", b"x\0\0" + zlib.compress(bytes(900_000))) * 80 + small[33:],
    }


def _gif(canvas: tuple[int, int], frame: tuple[int, int]) -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", *canvas, 0x80, 0, 0) + bytes(6)
    return head + b"," + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x02D\x01\x00;"


def refused_formats() -> dict[str, bytes]:
    """Return pictures of formats that no site sends, some of which Pillow passes to other programs (Ghostscript)."""
    picture = Image.new("RGBA", (64, 64))
    names = ("ICO", "ICNS", "DDS", "TGA", "SGI", "PCX", "PPM", "EPS", "PDF")
    files = {name: encode(picture.convert("RGB"), name) for name in names}
    return {**files, "PSD": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 64, 64, 8, 3) + bytes(12)}
