"""Counts of things as text, with the noun in singular or plural."""


def format_count(count: int, noun: str) -> str:
    """Return a number of things, such as "1 video" or "1,204 videos"."""
    return f"{count:,} {noun}{'s' * (count != 1)}"
