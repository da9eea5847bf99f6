"""A cue: a text of subtitles with its times."""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Cue:
    """A text that is shown from `start` to `end`, in seconds; `settings` are those of WebVTT."""

    start: float
    end: float
    text: str
    settings: str = ""


class UnknownFormat(ValueError):
    """The text is no subtitles; the message says what it is."""


def parse_time(text: str) -> float:
    """Return seconds for "1:02:03,400", "02:03.4", "3.4" and what is near them."""
    main, _, fraction = text.replace(",", ".").partition(".")
    # Nonsense of any length must not become a number of any size.
    numbers = [int(number[-6:] or 0) for number in main.lstrip("-").split(":")[-4:]]
    if len(numbers) > 3:  # 00:00:01:500, with a colon for the point
        fraction = fraction or f"{numbers.pop():03}"
    seconds = 0.0
    for number in numbers:
        seconds = seconds * 60 + number
    digits = re.sub(r"\D", "", fraction)[:6]
    return seconds + (float(f"0.{digits}") if digits else 0.0)
