"""Full text: the words of each video, and which videos have all that are asked for, best first.

Both databases hold the very words that `folding` cuts, and rank by the same rule: first the videos with all
words in the title, then those with all in title and uploader, then with the description, then with the
subtitles; among equals the newest first.
"""

import itertools
from typing import Any

from django.db import connection, models
from django.db.models.expressions import RawSQL

from downloads.search import tokenizer
from downloads.search.backend import get_backend

MAX_RESULTS = 1000
MAX_QUERY_WORDS = 10  # words
MAX_QUERY_LENGTH = 1000  # characters
TITLE_UPLOADER_TIER = 1  # the tier of title and uploader

SqlWithParams = tuple[str, list[Any]]  # with its parameters


def parse_query(text: str) -> list[str]:
    """Return the words of a query; all else in it only parts them."""
    return tokenizer.tokenize(text[:MAX_QUERY_LENGTH])[:MAX_QUERY_WORDS]


def find_matching(words: list[str], queryset: models.QuerySet[Any] | None = None) -> dict[int, str]:
    """Return the videos that have all these words, best first, the first 1,000 of them: {key: status}.

    A word begins as asked; those that have a single letter as a whole word come before those it only begins.
    """
    if not words:
        return {}
    found = _run_query(words, queryset)
    if len(found) < MAX_RESULTS and (begun := tokenizer.mark_single_letters(words)) != words:
        found |= {key: status for key, status in _run_query(begun, queryset).items() if key not in found}
    return dict(itertools.islice(found.items(), MAX_RESULTS))


def _run_query(words: list[str], queryset: models.QuerySet[Any] | None) -> dict[int, str]:
    engine = get_backend()
    few, only = _build_restriction(queryset)
    tiers = range(0) if few else range(len(engine.TIERS))
    if not few and len(words) > 1 and len(named := _newest_in_tier(TITLE_UPLOADER_TIER, words, only)) < MAX_RESULTS:
        # Several common words cost as much in each tier, and what has them in the title is among these.
        few, tiers = _values_clause(named), tiers[TITLE_UPLOADER_TIER + 1 :]
    tables: list[SqlWithParams] = [(f"few (id) AS MATERIALIZED ({few[0]})", few[1])] if few else []
    rows: list[SqlWithParams] = [engine.candidates_query(words, MAX_RESULTS)] if few else []
    for number in tiers:
        before, row = engine.tier_source(number, *_tier_query(number, words, only))
        tables, rows = [*tables, *before], [*rows, row]
        only = only[0] + engine.tier_not_full_condition(number, MAX_RESULTS), only[1]
    every = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS part{number}" for number, (sql, _) in enumerate(rows))
    asked = f"{'WITH ' * bool(tables)}{', '.join(sql for sql, _ in tables)} {engine.ranked_query(every, MAX_RESULTS)}"
    found: dict[int, str] = {}
    with connection.cursor() as cursor:
        cursor.execute(asked, [value for _, values in (*tables, *rows) for value in values])
        for key, status in cursor:
            found.setdefault(key, status)
            if len(found) == MAX_RESULTS:
                break
    return found


def _tier_query(tier_number: int, words: list[str], restriction: SqlWithParams) -> SqlWithParams:
    """Return the rows of a tier; read from the newest on, and no further than it has to be."""
    engine = get_backend()
    where, values = engine.tier_condition(tier_number, words)
    rows = (
        f"SELECT {engine.KEY_COLUMN} AS id, {tier_number} AS tier FROM downloads_search s WHERE {where}{restriction[0]}"
    )
    return f"{rows} ORDER BY {engine.KEY_COLUMN} DESC LIMIT {MAX_RESULTS}", [*values, *restriction[1]]


def _newest_in_tier(tier_number: int, words: list[str], restriction: SqlWithParams) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(*_tier_query(tier_number, words, restriction))
        return [key for key, _ in cursor.fetchall()]


def _values_clause(keys: list[int]) -> SqlWithParams | None:
    return (f"VALUES {', '.join(['(%s)'] * len(keys))}", keys) if keys else None


def _build_restriction(queryset: models.QuerySet[Any] | None) -> tuple[SqlWithParams | None, SqlWithParams]:
    """Return what limits a search to some videos: their keys, or a condition.

    Few are gathered first, and each of them is looked at; among many, each match is looked up.
    """
    if queryset is None:
        return None, ("", [])
    keys, engine = queryset.order_by().values("pk"), get_backend()
    if keys[: engine.SCAN_LIMIT_ROWS + 1].count() <= engine.SCAN_LIMIT_ROWS:
        sql, params = keys.query.sql_with_params()
        return (sql, [*params]), ("", [])
    sql, params = keys.filter(pk=RawSQL(engine.KEY_COLUMN, ())).query.sql_with_params()
    return None, (f" AND EXISTS ({sql})", [*params])


def filter_matching(keys: list[int], words: list[str]) -> set[int]:
    """Return which of these videos have all these words."""
    if not keys or not words:
        return set()
    engine = get_backend()
    where, values = engine.any_tier_condition(tokenizer.mark_single_letters(words))
    some = ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {engine.KEY_COLUMN} FROM downloads_search s WHERE {where} AND {engine.KEY_COLUMN} IN ({some})",
            [*values, *keys],
        )
        return {key for (key,) in cursor.fetchall()}
