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
# The table of lengths is the smallest that has all keys.
KEYS = "SELECT id FROM downloads_search_docsize"
WRITE = (
    "INSERT OR REPLACE INTO downloads_search (rowid, title, uploader, description, subtitles) "
    "VALUES (%s, %s, %s, %s, %s)"
)
# So few are looked up one by one as fast as any index tells of all that have the words.
FEW = 5_000
# Where FTS5 keeps the texts themselves, its columns as c0, c1, … (sqlite.org, FTS5, 9.1).
TEXTS = "downloads_search_content"
TIERS = ("title", "title uploader", "title uploader description", "title uploader description subtitles")


def values(parts: Sequence[list[str]]) -> list[Any]:
    """Return the columns of a video from the words of its parts."""
    return [" ".join(words) for words in parts]


def tier(number: int, asked: list[str]) -> tuple[str, list[Any]]:
    """Return the rows that have all words within a tier, as a condition and its parameters."""
    every = " AND ".join(f'"{word}"*' if len(word) > 1 else f'"{word}"' for word in asked)
    return "downloads_search MATCH %s", [f"{{{TIERS[number]}}} : ({every})"]


def anywhere(asked: list[str]) -> tuple[str, list[Any]]:
    """Return the rows that have all words in any tier, likewise."""
    return tier(len(TIERS) - 1, asked)


def of_few(asked: list[str], most: int) -> tuple[str, list[Any]]:
    """Return the best of the table `few`, and the parameters; the long texts are looked at last."""
    cases, params = [], []
    for number, columns in enumerate(TIERS):
        text = " || ' ' || ".join(("''", *(f"c{place}" for place in range(len(columns.split()))), "''"))
        cases.append(f"WHEN {' AND '.join([f'instr({text}, %s)'] * len(asked))} THEN {number}")
        params += [f" {word}" if len(word) > 1 else f" {word} " for word in asked]
    found = f"SELECT id, CASE {' '.join(cases)} END AS tier FROM few JOIN {TEXTS} USING (id)"
    return f"SELECT * FROM ({found}) AS found WHERE tier IS NOT NULL ORDER BY tier, id DESC LIMIT {most}", params


def unless_full(number: int, most: int) -> str:
    """Return no condition: tiers that are not wanted are not read."""
    return ""


def placed(number: int, tier: str, params: list[Any]) -> tuple[list[tuple[str, list[Any]]], tuple[str, list[Any]]]:
    """Return the tables that come before the query, none here, and the rows of a tier."""
    return [], (tier, params)


def best(every: str, most: int) -> str:
    """Return the query of all rows with their states, best first, in each tier that has them.

    SQLite looks for a row when it is read: whoever has `most` stops reading, and the other tiers cost nothing.
    """
    return f"SELECT every.id, status FROM ({every}) AS every CROSS JOIN downloads_video v ON v.id = every.id"
