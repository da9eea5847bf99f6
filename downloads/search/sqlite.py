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
SYNC_STATEMENTS = (
    "CREATE TRIGGER IF NOT EXISTS downloads_search_gone AFTER DELETE ON downloads_video "
    "BEGIN DELETE FROM downloads_search WHERE rowid = OLD.id; END",
    "DELETE FROM downloads_search WHERE rowid NOT IN (SELECT id FROM downloads_video)",
)
KEY_COLUMN = "s.rowid"
# The table of lengths is the smallest that has all keys.
INDEXED_KEYS_SQL = "SELECT id FROM downloads_search_docsize"
UPSERT_SQL = (
    "INSERT OR REPLACE INTO downloads_search (rowid, title, uploader, description, subtitles) "
    "VALUES (%s, %s, %s, %s, %s)"
)
# So few are looked up one by one as fast as any index tells of all that have the words.
SCAN_LIMIT_ROWS = 5_000
# Where FTS5 keeps the texts themselves, its columns as c0, c1, … (sqlite.org, FTS5, 9.1).
CONTENT_TABLE = "downloads_search_content"
TIERS = ("title", "title uploader", "title uploader description", "title uploader description subtitles")


def column_values(parts: Sequence[list[str]]) -> list[Any]:
    """Return the columns of a video from the words of its parts."""
    return [" ".join(words) for words in parts]


def tier_condition(tier_number: int, words: list[str]) -> tuple[str, list[Any]]:
    """Return the rows that have all words within a tier, as a condition and its parameters."""
    every = " AND ".join(f'"{word}"*' if len(word) > 1 else f'"{word}"' for word in words)
    return "downloads_search MATCH %s", [f"{{{TIERS[tier_number]}}} : ({every})"]


def any_tier_condition(words: list[str]) -> tuple[str, list[Any]]:
    """Return the rows that have all words in any tier, likewise."""
    return tier_condition(len(TIERS) - 1, words)


def candidates_query(words: list[str], limit: int) -> tuple[str, list[Any]]:
    """Return the best of the table `few`, and the parameters; the long texts are looked at last."""
    cases, params = [], []
    for number, columns in enumerate(TIERS):
        text = " || ' ' || ".join(("''", *(f"c{place}" for place in range(len(columns.split()))), "''"))
        cases.append(f"WHEN {' AND '.join([f'instr({text}, %s)'] * len(words))} THEN {number}")
        params += [f" {word}" if len(word) > 1 else f" {word} " for word in words]
    found = f"SELECT id, CASE {' '.join(cases)} END AS tier FROM few JOIN {CONTENT_TABLE} USING (id)"
    return f"SELECT * FROM ({found}) AS found WHERE tier IS NOT NULL ORDER BY tier, id DESC LIMIT {limit}", params


def tier_not_full_condition(tier_number: int, limit: int) -> str:
    """Return no condition: tiers that are not wanted are not read."""
    return ""


def tier_source(
    tier_number: int, tier_sql: str, params: list[Any]
) -> tuple[list[tuple[str, list[Any]]], tuple[str, list[Any]]]:
    """Return the tables that come before the query, none here, and the rows of a tier."""
    return [], (tier_sql, params)


def ranked_query(rows_sql: str, limit: int) -> str:
    """Return the query of all rows with their states, best first, in each tier that has them.

    SQLite looks for a row when it is read: whoever has `most` stops reading, and the other tiers cost nothing.
    """
    return f"SELECT every.id, status FROM ({rows_sql}) AS every CROSS JOIN downloads_video v ON v.id = every.id"
