"""Search backend of SQLite: one FTS5 table."""

from collections.abc import Sequence
from typing import Any

# The words are tokenized already: FTS5's ascii tokenizer splits at spaces and keeps all letters beyond ASCII.
CREATE = (
    "CREATE VIRTUAL TABLE downloads_search USING fts5("
    "title, uploader, description, subtitles, tokenize='ascii', detail=column, prefix='2 3 4')",
)
DROP = ("DROP TRIGGER IF EXISTS downloads_search_gone", "DROP TABLE downloads_search")
# Run at each start, because a migration that rebuilds the table of the videos drops the trigger.
SYNC_STATEMENTS = (
    "CREATE TRIGGER IF NOT EXISTS downloads_search_gone AFTER DELETE ON downloads_video "
    "BEGIN DELETE FROM downloads_search WHERE rowid = OLD.id; END",
    "DELETE FROM downloads_search WHERE rowid NOT IN (SELECT id FROM downloads_video)",
)
KEY_COLUMN = "s.rowid"
# The docsize table is the smallest of FTS5's tables that has all keys.
INDEXED_KEYS_SQL = "SELECT id FROM downloads_search_docsize"
UPSERT_SQL = (
    "INSERT OR REPLACE INTO downloads_search (rowid, title, uploader, description, subtitles) "
    "VALUES (%s, %s, %s, %s, %s)"
)
# Up to so many candidates are scanned as fast as the index lists all matches.
SCAN_LIMIT_ROWS = 5_000
# FTS5 stores the texts here, in the columns c0, c1, … (sqlite.org, FTS5, 9.1).
CONTENT_TABLE = "downloads_search_content"
TIERS = ("title", "title uploader", "title uploader description", "title uploader description subtitles")


def column_values(parts: Sequence[list[str]]) -> list[Any]:
    """Return the columns of a video for UPSERT_SQL."""
    return [" ".join(words) for words in parts]


def tier_condition(tier_number: int, words: list[str]) -> tuple[str, list[Any]]:
    """Return the condition that a row has all words within a tier, and its parameters."""
    terms = " AND ".join(f'"{word}"*' if len(word) > 1 else f'"{word}"' for word in words)
    return "downloads_search MATCH %s", [f"{{{TIERS[tier_number]}}} : ({terms})"]


def any_tier_condition(words: list[str]) -> tuple[str, list[Any]]:
    """Return the condition that a row has all words in any tier, and its parameters."""
    return tier_condition(len(TIERS) - 1, words)


def candidates_query(words: list[str], limit: int) -> tuple[str, list[Any]]:
    """Return the query that ranks the rows of the table `few`, and its parameters; long texts are read last."""
    cases, params = [], []
    for number, columns in enumerate(TIERS):
        text = " || ' ' || ".join(("''", *(f"c{place}" for place in range(len(columns.split()))), "''"))
        cases.append(f"WHEN {' AND '.join([f'instr({text}, %s)'] * len(words))} THEN {number}")
        params += [f" {word}" if len(word) > 1 else f" {word} " for word in words]
    ranked = f"SELECT id, CASE {' '.join(cases)} END AS tier FROM few JOIN {CONTENT_TABLE} USING (id)"
    return f"SELECT * FROM ({ranked}) AS ranked WHERE tier IS NOT NULL ORDER BY tier, id DESC LIMIT {limit}", params


def tier_not_full_condition(tier_number: int, limit: int) -> str:
    """Return no condition: SQLite does not read a tier once the results are complete."""
    return ""


def tier_source(
    tier_number: int, tier_sql: str, params: list[Any]
) -> tuple[list[tuple[str, list[Any]]], tuple[str, list[Any]]]:
    """Return the tables for the WITH clause, none here, and the query of a tier."""
    return [], (tier_sql, params)


def ranked_query(rows_sql: str, limit: int) -> str:
    """Return the query of all rows with their status and tier, best first; a row repeats in each tier that matches.

    SQLite computes a row when it is fetched: a caller that stops at `limit` pays nothing for the other tiers.
    """
    return f"SELECT every.id, status, tier FROM ({rows_sql}) AS every CROSS JOIN downloads_video v ON v.id = every.id"
