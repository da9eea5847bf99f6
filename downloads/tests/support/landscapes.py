"""Drawn landscapes: pictures that look like the films of an archive, each another one, and the same each time."""

import math
import random

from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT = 960, 540
# The sky above and at the horizon, the farthest and the nearest ridge, and the sun.
PALETTES = [
    ("#23395d", "#f2b880", "#6d6a8f", "#10192b", "#ffe3b0"),
    ("#0f2027", "#5b8a8f", "#3b6470", "#07161c", "#e8f4ec"),
    ("#8fb8de", "#f3f1e4", "#9db4a8", "#22402f", "#fffbe6"),
    ("#2b1b3d", "#e0718a", "#7a4a76", "#160d24", "#ffd9c7"),
    ("#dfe7ea", "#f7efe0", "#b3b9b1", "#4a5350", "#ffffff"),
    ("#05070f", "#2d4a73", "#1c2f4a", "#04060c", "#dce9ff"),
    ("#e8a33d", "#f9e2a2", "#b9793a", "#4b2813", "#fff4cf"),
    ("#3f6b4e", "#dfe8a8", "#6f9463", "#1b3322", "#fcffd8"),
]
Color = tuple[int, int, int]


def _parse(color: str) -> Color:
    red, green, blue = (int(color[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue


def _mix(first: Color, second: Color, share: float) -> Color:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def draw_landscape(number: int) -> Image.Image:
    """Return a picture of hills, or of the sea, under a sky with the sun or the moon."""
    chance = random.Random(number)
    sky, horizon, far, near, sun = map(_parse, PALETTES[number % len(PALETTES)])
    column = Image.new("RGB", (1, HEIGHT))
    column.putdata([_mix(sky, horizon, min(1.0, y / (HEIGHT * 0.62))) for y in range(HEIGHT)])
    picture = column.resize((WIDTH, HEIGHT))
    _draw_sun(picture, chance, sun)
    draw = ImageDraw.Draw(picture)
    is_sea = chance.random() < 0.35
    ridges = chance.choice((3, 4, 5))
    for ridge in range(ridges):
        depth = ridge / (ridges - 1)
        color = _mix(far, near, depth)
        base = HEIGHT * (0.5 + 0.42 * depth if not is_sea else 0.56 + 0.05 * depth)
        draw.polygon([*_ridge(chance, base, 90 - 40 * depth), (WIDTH, HEIGHT), (0, HEIGHT)], fill=color)
    if is_sea:
        _draw_sea(draw, chance, _mix(horizon, far, 0.4), near)
    return picture


def _draw_sun(picture: Image.Image, chance: random.Random, color: Color) -> None:
    x, y, radius = chance.uniform(0.15, 0.85) * WIDTH, chance.uniform(0.16, 0.42) * HEIGHT, chance.uniform(22, 58)
    for size, share, blur, scale in ((radius * 3, 0.35, 60, 8), (radius, 1.0, 1, 1)):
        # A wide blur of a small mask takes a fraction of the time.
        mask = Image.new("L", (WIDTH // scale, HEIGHT // scale))
        box = tuple(edge / scale for edge in (x - size, y - size, x + size, y + size))
        ImageDraw.Draw(mask).ellipse(box, fill=round(255 * share))  # type: ignore[arg-type]
        blurred = mask.filter(ImageFilter.GaussianBlur(blur / scale))
        picture.paste(color, mask=blurred.resize(picture.size, Image.Resampling.BICUBIC))


def _ridge(chance: random.Random, base: float, height: float) -> list[tuple[float, float]]:
    waves = [
        (height / (octave * 1.6), octave * chance.uniform(0.7, 1.4), chance.uniform(0, 6.3)) for octave in range(1, 9)
    ]
    return [
        (x, base - sum(size * math.sin(rate * 6.28 * x / WIDTH + phase) for size, rate, phase in waves) * 0.6)
        for x in range(0, WIDTH + 4, 4)
    ]


def _draw_sea(draw: ImageDraw.ImageDraw, chance: random.Random, far: Color, near: Color) -> None:
    top = round(HEIGHT * 0.62)
    for y in range(top, HEIGHT):
        draw.line(((0, y), (WIDTH, y)), fill=_mix(far, near, (y - top) / (HEIGHT - top) * 0.8))
    for _ in range(140):
        y = top + (HEIGHT - top) * chance.random() ** 1.4
        length = 10 + (y - top) * chance.uniform(0.2, 0.9)
        x = chance.uniform(-40, WIDTH)
        draw.line(
            ((x, y), (x + length, y)), fill=_mix(far, near, chance.uniform(0, 0.5)), width=1 + round((y - top) / 90)
        )
