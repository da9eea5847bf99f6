"""The words of the videos on SQLite: one FTS5 table."""

from collections.abc import Sequence
from typing import Any

# Our words are cut already: this tokenizer parts them at spaces only, and keeps all letters beyond ASCII.
CREATE = (
    "CREATE VIRTUAL TABLE downloads_search USING fts5("
    "title, uploader, description, subtitles, tokenize='ascii', detail=column, prefix='2 3 4')",
)
DROP = ("DROP TRIGGER IF EXISTS downloads_search_gone", "DROP TABLE downloads_search")
# Made again at each start, for a migration that rebuilds the table of the videos drops it.
KEEP = (
    "CREATE TRIGGER IF NOT EXISTS downloads_search_gone AFTER DELETE ON downloads_video "
    "BEGIN DELETE FROM downloads_search WHERE rowid = OLD.id; END",
    "DELETE FROM downloads_search WHERE rowid NOT IN (SELECT id FROM downloads_video)",
)
KEY = "s.rowid"
PLAIN_KEY = "+s.rowid"  # compared row by row, instead of searching anew for each
# The table of lengths is the smallest that has all keys.
KEYS = "SELECT id FROM downloads_search_docsize"
WRITE = (
    "INSERT OR REPLACE INTO downloads_search (rowid, title, uploader, description, subtitles) "
    "VALUES (%s, %s, %s, %s, %s)"
)
FEW, LOOKS_EACH_UP = 10_000, False
TIERS = ("title", "title uploader", "title uploader description", "title uploader description subtitles")


def values(parts: Sequence[list[str]]) -> list[Any]:
    """Return the columns of a video from the words of its parts."""
    return [" ".join(words) for words in parts]


def tier(number: int, asked: list[str]) -> tuple[str, list[Any]]:
    """Return the rows that have all words within a tier, as a condition and its parameters."""
    every = " AND ".join(f'"{word}"*' if len(word) > 1 else f'"{word}"' for word in asked)
    return "downloads_search MATCH %s", [f"{{{TIERS[number]}}} : ({every})"]


def unless_full(number: int, most: int) -> str:
    """Return no condition: all tiers are read, for it would be looked at for each row."""
    return ""


def together(tiers: list[str]) -> tuple[list[str], str]:
    """Return the tables that come before a query, none here, and the rows of all tiers."""
    return [], " UNION ALL ".join(f"SELECT * FROM ({tier}) AS t{n}" for n, tier in enumerate(tiers))
