"""Thumbnails drawn anew: sizes, formats, and pictures that strangers made to do harm."""

import subprocess
import sys
import threading

import pytest
from PIL import Image

from downloads.files.thumbnails import process, stored
from downloads.tests.support import pictures
from downloads.tests.support.pictures import encode, two_halves

# Draws each file in a process of its own; prints its exit status and its peak memory in kB.
MEASURED_RUN = """
import os, runpy, sys
for source in sys.argv[2:]:
    pid = os.fork()
    if not pid:
        sys.argv = [sys.argv[1], source, source + ".jpg", source + ".small.jpg"]
        runpy.run_path(sys.argv[0], run_name="__main__")
        os._exit(0)
    _, status, usage = os.wait4(pid, 0)
    print(os.path.basename(source), os.waitstatus_to_exitcode(status), usage.ru_maxrss)
"""
RED, BLUE, WHITE = (220, 20, 20), (20, 20, 220), (255, 255, 255)


@pytest.fixture
def draw(tmp_path):
    """Draw a file; return the large and the small picture, or None."""

    def draw_file(content: bytes) -> tuple[Image.Image, Image.Image] | None:
        (tmp_path / "source").write_bytes(content)
        drawn = process.draw_thumbnails(tmp_path / "source", tmp_path, "film")
        assert drawn in (None, tmp_path / "film.jpg")
        return (Image.open(drawn), Image.open(tmp_path / "film.small.jpg")) if drawn else None

    return draw_file


def is_near(color: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return all(abs(value - other) < 40 for value, other in zip(color, expected, strict=True))


def test_a_4_mb_png_becomes_small(draw, tmp_path):
    content = pictures.noise_png()
    assert len(content) > 3_900_000
    large, small = draw(content)
    assert (large.format, small.format) == ("JPEG", "JPEG")
    assert small.width == 480
    assert (tmp_path / "film.small.jpg").stat().st_size <= 60_000
    assert large.width == 1280
    assert (tmp_path / "film.jpg").stat().st_size <= 400_000


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000"])
def test_it_draws_any_format(draw, image_format):
    large, small = draw(encode(two_halves(), image_format))
    assert (large.size, small.size, small.mode) == ((1280, 720), (480, 270), "RGB")
    assert is_near(small.getpixel((20, 20)), RED)
    assert is_near(small.getpixel((460, 250)), BLUE)


@pytest.mark.parametrize(
    ("mode", "image_format"),
    [("CMYK", "JPEG"), ("CMYK", "TIFF"), ("P", "PNG"), ("P", "GIF"), ("RGBA", "PNG"), ("RGBA", "WEBP")],
)
def test_it_draws_any_mode(draw, mode, image_format):
    small = draw(encode(two_halves(mode), image_format))[1]
    assert is_near(small.getpixel((20, 20)), RED)
    assert is_near(small.getpixel((460, 250)), BLUE)


@pytest.mark.parametrize("image_format", ["PNG", "TIFF"])
def test_16_bits_are_scaled_and_not_clipped(draw, image_format):
    small = draw(pictures.gray_16_bit(image_format))[1]
    assert is_near(small.getpixel((0, 100)), (0, 0, 0))
    assert is_near(small.getpixel((128, 100)), (128, 128, 128))
    assert is_near(small.getpixel((255, 100)), WHITE)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "F", "I"])
def test_it_draws_gray_and_numbers(draw, mode):
    assert draw(encode(Image.new(mode, (50, 40)), "TIFF"))[1].size == (50, 40)


def test_transparent_parts_are_white(draw):
    picture = two_halves("RGBA")
    picture.putalpha(Image.new("L", picture.size, 0))
    assert is_near(draw(encode(picture, "PNG"))[1].getpixel((20, 20)), WHITE)
    palette = Image.new("P", (50, 50), 3)
    palette.putpalette([90] * 768)
    assert is_near(draw(encode(palette, "PNG", transparency=3))[1].getpixel((20, 20)), WHITE)


def test_it_turns_a_photo_upright_and_drops_what_it_says_of_its_maker(draw, tmp_path):
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "made at home"
    large, small = draw(encode(two_halves(), "JPEG", exif=exif, comment="made at home"))
    assert (large.size, small.size) == ((720, 1280), (480, 853))
    assert is_near(small.getpixel((240, 20)), RED)
    for name in ("film.jpg", "film.small.jpg"):
        assert b"home" not in (tmp_path / name).read_bytes()
    assert not large.getexif()


def test_nothing_of_a_polyglot_is_left(draw, tmp_path):
    assert draw(encode(two_halves(), "JPEG") + b"PK\x03\x04<script>alert(1)</script>")
    assert b"<script>" not in (tmp_path / "film.jpg").read_bytes() + (tmp_path / "film.small.jpg").read_bytes()


@pytest.mark.parametrize("image_format", ["GIF", "WEBP", "PNG"])
def test_it_draws_the_first_picture_of_an_animation(draw, image_format):
    frames = [Image.new("RGB", (300, 200), color) for color in (RED, BLUE)]
    small = draw(encode(frames[0], image_format, save_all=True, append_images=frames[1:]))[1]
    assert is_near(small.getpixel((20, 20)), RED)


@pytest.mark.parametrize(
    ("size", "large", "small"),
    [
        ((1, 1), (1, 1), (1, 1)),
        ((10, 20_000), (1, 1280), (1, 854)),
        ((20_000, 3), (1280, 1), (480, 1)),
        ((1080, 1920), (720, 1280), (480, 853)),
        ((300, 200), (300, 200), (300, 200)),
    ],
)
def test_it_draws_any_shape(draw, size, large, small):
    assert [picture.size for picture in draw(encode(Image.new("RGB", size), "PNG"))] == [large, small]


@pytest.mark.parametrize("profile", [b"junk" * 50, b""])
def test_a_broken_profile_does_no_harm(draw, profile):
    small = draw(encode(two_halves(), "JPEG", icc_profile=profile))[1]
    assert is_near(small.getpixel((20, 20)), RED)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>404</html>",
        pictures.SVG,
        b"\xff\xd8\xffpicture",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n",
        b"\0\0\0\x18ftypheic" + bytes(100),
        encode(two_halves("RGBA"), "PNG")[:900],
        encode(two_halves(), "JPEG")[:3000],
    ],
)
def test_it_draws_nothing_that_is_broken_or_no_picture(draw, content, tmp_path, caplog):
    caplog.set_level("INFO")
    assert draw(content) is None
    assert "No thumbnail of source: " in caplog.text
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def measure(folder, files: dict[str, bytes]) -> dict[str, tuple[int, int]]:
    """Return the exit status and the peak memory (kB) of drawing each file."""
    for name, content in files.items():
        (folder / name).write_bytes(content)
    command = [sys.executable, "-I", "-c", MEASURED_RUN, process.DRAWING_PROGRAM, *(folder / name for name in files)]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {name: (int(status), int(peak)) for name, status, peak in map(str.split, lines)}


def test_bombs_are_refused_by_their_head(tmp_path):
    bombs = pictures.bombs()
    assert max(map(len, bombs.values())) < 150_000
    measured = measure(tmp_path, bombs)
    assert measured.keys() == bombs.keys()
    assert {name: status for name, (status, _) in measured.items() if status != 3} == {}
    assert {name: peak for name, (_, peak) in measured.items() if peak > 150_000} == {}


def test_formats_that_no_site_sends_are_refused(tmp_path):
    assert {status for status, _ in measure(tmp_path, pictures.refused_formats()).values()} == {3}


def test_a_program_that_does_not_run_says_nothing_of_the_picture(tmp_path, monkeypatch):
    (tmp_path / "program.py").write_text("import missing_package")
    monkeypatch.setattr(process, "DRAWING_PROGRAM", tmp_path / "program.py")
    with pytest.raises(OSError, match="No module named 'missing_package'"):
        process.draw_thumbnails(tmp_path / "x", tmp_path, "film")


def test_it_knows_nothing_of_our_secrets(tmp_path, monkeypatch):
    program = "import os, sys; open(sys.stdin.read().split('\\0')[1], 'w').write(str(dict(os.environ)))"
    (tmp_path / "program.py").write_text(program)
    monkeypatch.setattr(process, "DRAWING_PROGRAM", tmp_path / "program.py")
    monkeypatch.setenv("DJANGO_SECRET_KEY", "secret")
    text = process.draw_thumbnails(tmp_path / "x", tmp_path, "film").read_text()
    assert text.startswith("{")
    assert "secret" not in text


def test_a_process_with_nothing_to_draw_ends(tmp_path):
    with process.ThumbnailProcess() as thumbnail_process:
        started = thumbnail_process._process
        assert started.poll() is None
    assert started.poll() is not None


def test_a_process_that_cannot_be_started_is_told_where_it_is_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(process.sys, "executable", str(tmp_path / "nowhere"))
    with process.ThumbnailProcess() as thumbnail_process, pytest.raises(FileNotFoundError):
        thumbnail_process.draw(tmp_path / "x", tmp_path, "film")


class TestStored:
    """Thumbnails of videos that were filed before there were two sizes."""

    @pytest.fixture(autouse=True)
    def folders(self, settings, tmp_path):
        settings.MEDIA_ROOT, settings.CACHE_ROOT = tmp_path / "media", tmp_path / "cache"
        (settings.MEDIA_ROOT / "abc").mkdir(parents=True)
        self.original = settings.MEDIA_ROOT / "abc" / "film.png"
        self.original.write_bytes(encode(two_halves(), "PNG"))

    def find(self, is_small: bool = True):
        return stored.find_thumbnail("abc", "abc/film.png", is_small=is_small)

    def draw(self):
        stored.draw_stored_thumbnail("abc", "abc/film.png")

    def test_it_is_drawn_once(self, monkeypatch):
        assert self.find() is None
        self.draw()
        small, large = self.find(), self.find(is_small=False)
        assert Image.open(small).size == (480, 270)
        assert Image.open(large).size == (1280, 720)
        assert self.original.is_file()
        monkeypatch.setattr(stored, "draw_thumbnails", None)
        self.draw()

    def test_it_is_drawn_again_when_the_picture_changes(self):
        self.draw()
        before = self.find()
        self.original.write_bytes(encode(two_halves().rotate(180), "PNG") + b" ")
        assert self.find() is None
        self.draw()
        assert self.find() != before

    def test_two_processes_may_draw_at_once(self):
        threads = [threading.Thread(target=self.draw) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(path.suffix for path in self.find().parent.iterdir()) == [".jpg", ".jpg"]

    def test_what_cannot_be_drawn_is_tried_once(self, monkeypatch):
        self.original.write_bytes(pictures.bomb_png())
        assert self.find() is None
        self.draw()
        monkeypatch.setattr(stored, "draw_thumbnails", None)
        self.draw()
        for is_small in (True, False):
            with pytest.raises(FileNotFoundError):
                self.find(is_small)

    @pytest.mark.parametrize("content", [pictures.SVG, b"GIF89a" + bytes(50), b"\x89PNG\r\n\x1a\n" + bytes(10**7)])
    def test_what_is_not_drawn_is_not_shown(self, content):
        self.original.write_bytes(content)
        for is_small in (True, False):
            with pytest.raises(FileNotFoundError):
                self.find(is_small)

    def test_it_is_drawn_later_when_nothing_can_be_drawn_now(self, monkeypatch, tmp_path):
        (tmp_path / "program.py").write_text("import missing_package")
        with monkeypatch.context() as patch:
            patch.setattr(process, "DRAWING_PROGRAM", tmp_path / "program.py")
            with pytest.raises(OSError, match="missing_package"):
                self.draw()
        assert self.find() is None
        self.draw()
        assert self.find()

    def test_what_was_drawn_at_filing_is_found(self):
        small = self.original.with_name("film.small.jpg")
        small.touch()
        assert self.find() == small
        assert self.find(is_small=False) == self.original

    def test_it_goes_with_the_video(self, settings):
        self.draw()
        stored.remove_cached_thumbnails("abc")
        stored.remove_cached_thumbnails("abc")
        assert not list((settings.CACHE_ROOT / "thumbnails").iterdir())
