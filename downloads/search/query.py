"""Full-text queries: the videos that contain all words, best first.

Both databases index exactly the words of `tokenizer`, and rank by the same rule in four tiers: all words in the
title, in title and uploader, with the description too, with the subtitles too; the newest first within a tier.
"""

import hashlib
import itertools
from typing import Any, NamedTuple

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connection, models
from django.db.models.expressions import RawSQL

from downloads.search import tokenizer
from downloads.search.backend import get_backend

MAX_RESULTS = 1000
MAX_QUERY_WORDS = 10
MAX_QUERY_LENGTH = 1000  # characters
TITLE_UPLOADER_TIER = 1  # the tier of title and uploader
PLAN_CACHE_SECONDS = 60

SqlWithParams = tuple[str, list[Any]]


class Match(NamedTuple):
    """Match of a search: the status of the video, and the first tier that has all words."""

    status: str
    tier: int


def clean_text(text: str) -> str:
    """Return the text of a query as pages show it: in one line, and no longer than is searched."""
    return " ".join(text[:MAX_QUERY_LENGTH].replace("\x00", " ").split())


def parse_query(text: str) -> list[str]:
    """Return the words of a query; other characters only separate them."""
    return tokenizer.tokenize(text[:MAX_QUERY_LENGTH])[:MAX_QUERY_WORDS]


def find_matching(words: list[str], queryset: models.QuerySet[Any] | None = None) -> dict[int, Match]:
    """Return the best MAX_RESULTS videos that contain all words, best first, by primary key.

    Words match from their beginning. Videos with a single letter as a whole word come before those where it only
    begins one.
    """
    if not words:
        return {}
    try:
        candidates, condition = _build_restriction(queryset)
    except EmptyResultSet:  # a filter that no row can match
        return {}
    prefixes = tokenizer.mark_single_letters(words)
    variants = [words] if prefixes == words else [words, prefixes]
    # Several common words cost as much in each tier. The newest by title and uploader include those by title alone:
    # where these are few, they are listed once, and ranked one by one.
    is_listed_first = candidates is None and len(words) > 1
    newest = _newest_by_title_uploader(variants, condition) if is_listed_first else [None for _ in variants]
    matches: dict[int, Match] = {}
    for variant, keys in zip(variants, newest, strict=True):
        if len(matches) < MAX_RESULTS:
            for key, match in _run_query(variant, candidates, condition, keys).items():
                matches.setdefault(key, match)
    return dict(itertools.islice(matches.items(), MAX_RESULTS))


def _run_query(
    words: list[str], candidates: SqlWithParams | None, condition: SqlWithParams, newest: list[int] | None
) -> dict[int, Match]:
    """Return the matches of one variant; `newest` are its newest by title and uploader, None where not listed."""
    backend = get_backend()
    tiers = range(0) if candidates else range(len(backend.TIERS))
    if newest is not None and len(newest) < MAX_RESULTS:
        candidates, tiers = _values_clause(newest), tiers[TITLE_UPLOADER_TIER + 1 :]
    tables, sources = _tier_sources([(tier, words) for tier in tiers], condition)
    if candidates:
        tables.insert(0, (f"few (id) AS MATERIALIZED ({candidates[0]})", candidates[1]))
        sources.insert(0, backend.candidates_query(words, MAX_RESULTS))
    rows_sql, params = _union_all(sources)
    return _fetch_first(*_with_tables(tables, backend.ranked_query(rows_sql, MAX_RESULTS), params))


def _tier_sources(
    searches: list[tuple[int, list[str]]], condition: SqlWithParams
) -> tuple[list[SqlWithParams], list[SqlWithParams]]:
    """Return the tables and the queries of the newest rows of each (tier, words), none once one before is full."""
    backend = get_backend()
    tables: list[SqlWithParams] = []
    sources: list[SqlWithParams] = []
    for number, (tier, words) in enumerate(searches):
        search_tables, source = backend.tier_source(number, *_tier_query(tier, words, condition))
        tables += search_tables
        sources.append(source)
        condition = condition[0] + backend.tier_not_full_condition(number, MAX_RESULTS), condition[1]
    return tables, sources


def _union_all(sources: list[SqlWithParams]) -> SqlWithParams:
    parts = [f"SELECT * FROM ({sql}) AS part{number}" for number, (sql, _) in enumerate(sources)]
    return " UNION ALL ".join(parts), [value for _, values in sources for value in values]


def _with_tables(tables: list[SqlWithParams], sql: str, params: list[Any]) -> SqlWithParams:
    with_clause = f"{'WITH ' * bool(tables)}{', '.join(table_sql for table_sql, _ in tables)}"
    return f"{with_clause} {sql}", [*(value for _, values in tables for value in values), *params]


def _fetch_first(sql: str, params: list[Any]) -> dict[int, Match]:
    """Return the first MAX_RESULTS different keys of the rows (key, status, tier), and read no further."""
    matches: dict[int, Match] = {}
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        for key, status, tier in cursor:
            matches.setdefault(key, Match(status, tier))
            if len(matches) == MAX_RESULTS:
                break
    return matches


def _tier_query(tier_number: int, words: list[str], restriction: SqlWithParams) -> SqlWithParams:
    """Return the query of a tier's newest rows."""
    backend = get_backend()
    where, values = backend.tier_condition(tier_number, words)
    rows = f"SELECT {backend.KEY_COLUMN} AS id, {tier_number} AS tier FROM downloads_search s WHERE {where}"
    return f"{rows}{restriction[0]} ORDER BY {backend.KEY_COLUMN} DESC LIMIT {MAX_RESULTS}", [*values, *restriction[1]]


def _newest_by_title_uploader(variants: list[list[str]], condition: SqlWithParams) -> list[list[int]]:
    """Return the newest matches of each variant, by one query; of later variants none once one has MAX_RESULTS."""
    tables, sources = _tier_sources([(TITLE_UPLOADER_TIER, words) for words in variants], condition)
    numbered = [
        (f"SELECT {number} AS variant, id FROM ({sql}) AS newest", params)
        for number, (sql, params) in enumerate(sources)
    ]
    keys: list[list[int]] = [[] for _ in variants]
    with connection.cursor() as cursor:
        cursor.execute(*_with_tables(tables, *_union_all(numbered)))
        for number, key in cursor:
            keys[number].append(key)
            if len(keys[number]) == MAX_RESULTS:
                break
    return keys


def _values_clause(keys: list[int]) -> SqlWithParams | None:
    return (f"VALUES {', '.join(['(%s)'] * len(keys))}", keys) if keys else None


def _build_restriction(queryset: models.QuerySet[Any] | None) -> tuple[SqlWithParams | None, SqlWithParams]:
    """Return the restriction of a search to a queryset: (query of the candidates, condition on matches).

    Up to SCAN_LIMIT_ROWS candidates are listed first and each is scanned; above that, each match is checked.
    """
    if queryset is None:
        return None, ("", [])
    keys, backend = queryset.order_by().values("pk"), get_backend()
    if _has_at_most(keys, backend.SCAN_LIMIT_ROWS):
        sql, params = keys.query.sql_with_params()
        return (sql, [*params]), ("", [])
    sql, params = keys.filter(pk=RawSQL(backend.KEY_COLUMN, ())).query.sql_with_params()
    return None, (f" AND EXISTS ({sql})", [*params])


def _has_at_most(keys: models.QuerySet[Any, Any], limit: int) -> bool:
    """Return whether there are at most `limit` rows; cached, since either answer leads to the same matches."""
    digest = hashlib.sha256(repr((keys.query.sql_with_params(), limit)).encode()).hexdigest()
    return bool(cache.get_or_set(f"few-{digest}", lambda: keys[: limit + 1].count() <= limit, PLAN_CACHE_SECONDS))


def filter_matching(keys: list[int], words: list[str]) -> set[int]:
    """Return those of the videos that contain all words."""
    if not keys or not words:
        return set()
    backend = get_backend()
    where, values = backend.any_tier_condition(tokenizer.mark_single_letters(words))
    placeholders = ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        where_all = f"{where} AND {backend.KEY_COLUMN} IN ({placeholders})"
        cursor.execute(f"SELECT {backend.KEY_COLUMN} FROM downloads_search s WHERE {where_all}", [*values, *keys])
        return {key for (key,) in cursor.fetchall()}
