"""Search backend of PostgreSQL: a tsvector for each tier, built from our own words without its parser."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

from downloads.search.tokenizer import PREFIX_MARKER

TIERS = ("title", "named", "told", "spoken")
# The short tiers also hold the prefixes of their words: two letters may begin thousands of words, all of which a
# prefix search would have to merge each time.
PREFIX_TIERS = ("title", "named")
PREFIX_LENGTHS = range(2, 5)  # letters; `tokenizer` adds the first letter
CREATE = (
    "CREATE TABLE downloads_search ("
    "video_id bigint PRIMARY KEY, " + ", ".join(f"{name} tsvector NOT NULL" for name in TIERS) + ") "
    # Candidates are scanned row by row, which takes four times as long if the values are in the TOAST table.
    "WITH (toast_tuple_target = 8160)",
    # Without the pending list, which every search would have to read.
    *(f"CREATE INDEX ON downloads_search USING gin ({name}) WITH (fastupdate = off)" for name in TIERS),
    # No foreign key: Django truncates tables one by one, and does not know this one.
    "CREATE FUNCTION downloads_search_forget() RETURNS trigger LANGUAGE plpgsql AS "
    "'BEGIN DELETE FROM downloads_search WHERE TG_OP = ''TRUNCATE'' OR video_id = OLD.id; RETURN NULL; END'",
    "CREATE TRIGGER downloads_search_gone AFTER DELETE ON downloads_video "
    "FOR EACH ROW EXECUTE FUNCTION downloads_search_forget()",
    "CREATE TRIGGER downloads_search_emptied AFTER TRUNCATE ON downloads_video "
    "EXECUTE FUNCTION downloads_search_forget()",
)
DROP = (
    "DROP TRIGGER downloads_search_emptied ON downloads_video",
    "DROP TRIGGER downloads_search_gone ON downloads_video",
    "DROP FUNCTION downloads_search_forget",
    "DROP TABLE downloads_search",
)
SYNC_STATEMENTS = ("DELETE FROM downloads_search WHERE video_id NOT IN (SELECT id FROM downloads_video)",)
# Up to so many candidates are scanned as fast as the index lists all matches.
SCAN_LIMIT_ROWS = 5_000
KEY_COLUMN = "s.video_id"
INDEXED_KEYS_SQL = "SELECT video_id FROM downloads_search"
UPSERT_SQL = (
    f"INSERT INTO downloads_search (video_id, {', '.join(TIERS)}) "
    f"VALUES (%s{', array_to_tsvector(%s::text[])' * len(TIERS)}) "
    f"ON CONFLICT (video_id) DO UPDATE SET {', '.join(f'{name} = EXCLUDED.{name}' for name in TIERS)}"
)


def column_values(parts: Sequence[list[str]]) -> list[Any]:
    """Return the columns of a video for UPSERT_SQL: each tier includes the words of the tiers before.

    The last is empty if there are no subtitles, as for most videos.
    """
    title, with_uploader, with_description, with_subtitles = accumulate(parts)
    prefixed = [[*words, *_word_prefixes(words)] for words in (title, with_uploader)]
    return [*prefixed, with_description, with_subtitles if parts[-1] else []]


def _word_prefixes(words: list[str]) -> list[str]:
    whole_words = [word for word in words if not word.endswith(PREFIX_MARKER)]
    return [word[:length] + PREFIX_MARKER for word in whole_words for length in PREFIX_LENGTHS if len(word) >= length]


def tier_condition(tier_number: int, words: list[str]) -> tuple[str, list[Any]]:
    """Return the condition that a row has all words within a tier, and its parameters."""
    terms = " & ".join(_prefix_term(word, TIERS[tier_number]) for word in words)
    return f"s.{TIERS[tier_number]} @@ %s::tsquery", [terms]


def _prefix_term(word: str, tier: str) -> str:
    if len(word) == 1 or word.endswith(PREFIX_MARKER):
        return f"'{word}'"
    return f"'{word}{PREFIX_MARKER}'" if tier in PREFIX_TIERS and len(word) in PREFIX_LENGTHS else f"'{word}':*"


def any_tier_condition(words: list[str]) -> tuple[str, list[Any]]:
    """Return the condition that a row has all words in any tier, and its parameters."""
    # The last tier is empty without subtitles, so the one before is searched too.
    conditions = [tier_condition(number, words) for number in (2, 3)]
    return f"({' OR '.join(sql for sql, _ in conditions)})", [value for _, params in conditions for value in params]


def candidates_query(words: list[str], limit: int) -> tuple[str, list[Any]]:
    """Return the query that ranks the rows of the table `few`, and its parameters; long texts are read last."""
    cases, params = [], []
    for number in range(len(TIERS)):
        where, values = tier_condition(number, words)
        cases.append(f"WHEN {where} THEN {number}")
        params += values
    ranked = (
        f"SELECT few.id, CASE {' '.join(cases)} END AS tier FROM few JOIN downloads_search s ON s.video_id = few.id"
    )
    return f"{ranked} OFFSET 0", params  # OFFSET 0 keeps the planner from evaluating each case twice


def tier_not_full_condition(tier_number: int, limit: int) -> str:
    """Return the condition for later tiers: once this tier has `limit` rows, theirs are not needed."""
    return f" AND (SELECT COUNT(*) FROM t{tier_number}) < {limit}"


def tier_source(
    tier_number: int, tier_sql: str, params: list[Any]
) -> tuple[list[tuple[str, list[Any]]], tuple[str, list[Any]]]:
    """Return the table of a tier for the WITH clause, and the query of its rows."""
    return [(f"t{tier_number} (id, tier) AS MATERIALIZED ({tier_sql})", params)], (f"SELECT * FROM t{tier_number}", [])


def ranked_query(rows_sql: str, limit: int) -> str:
    """Return the query of the best of these rows with their status and tier, best first."""
    best = (
        f"SELECT id, MIN(tier) AS tier FROM ({rows_sql}) AS every WHERE tier IS NOT NULL "
        f"GROUP BY id ORDER BY MIN(tier), id DESC LIMIT {limit}"
    )
    return f"SELECT id, status, tier FROM ({best}) AS best JOIN downloads_video USING (id) ORDER BY tier, id DESC"
