"""Full text: the words of each video, and which videos have all that are asked for, best first.

Both databases hold the very words that `folding` cuts, and rank by the same rule: first the videos with all
words in the title, then those with all in title and uploader, then with the description, then with the
subtitles; among equals the newest first.
"""

import itertools
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.models.expressions import RawSQL

from downloads.search import tokenizer
from downloads.search.backend import _engine

if TYPE_CHECKING:
    from downloads.models import Video

MOST_FOUND = 1000
MOST_ASKED = 10  # words
LONGEST_ASKED = 1000  # characters
NAMED = 1  # the tier of title and uploader

Sql = tuple[str, list[Any]]  # with its parameters


def asked(text: str) -> list[str]:
    """Return the words of a query; all else in it only parts them."""
    return tokenizer.words(text[:LONGEST_ASKED])[:MOST_ASKED]


def matching(wanted: list[str], within: "models.QuerySet[Video] | None" = None) -> dict[int, str]:
    """Return the videos that have all these words, best first, the first 1,000 of them: {key: status}.

    A word begins as asked; those that have a single letter as a whole word come before those it only begins.
    """
    if not wanted:
        return {}
    found = _having(wanted, within)
    if len(found) < MOST_FOUND and (begun := tokenizer.begun(wanted)) != wanted:
        found |= {key: status for key, status in _having(begun, within).items() if key not in found}
    return dict(itertools.islice(found.items(), MOST_FOUND))


def _having(wanted: list[str], within: "models.QuerySet[Video] | None") -> dict[int, str]:
    engine = _engine()
    few, only = _limits(within)
    tiers = range(0) if few else range(len(engine.TIERS))
    if not few and len(wanted) > 1 and len(named := _newest(NAMED, wanted, only)) < MOST_FOUND:
        # Several common words cost as much in each tier, and what has them in the title is among these.
        few, tiers = _these(named), tiers[NAMED + 1 :]
    tables: list[Sql] = [(f"few (id) AS MATERIALIZED ({few[0]})", few[1])] if few else []
    rows: list[Sql] = [engine.of_few(wanted, MOST_FOUND)] if few else []
    for number in tiers:
        before, row = engine.placed(number, *_tier(number, wanted, only))
        tables, rows = [*tables, *before], [*rows, row]
        only = only[0] + engine.unless_full(number, MOST_FOUND), only[1]
    every = " UNION ALL ".join(f"SELECT * FROM ({sql}) AS part{number}" for number, (sql, _) in enumerate(rows))
    asked = f"{'WITH ' * bool(tables)}{', '.join(sql for sql, _ in tables)} {engine.best(every, MOST_FOUND)}"
    found: dict[int, str] = {}
    with connection.cursor() as cursor:
        cursor.execute(asked, [value for _, values in (*tables, *rows) for value in values])
        for key, status in cursor:
            found.setdefault(key, status)
            if len(found) == MOST_FOUND:
                break
    return found


def _tier(number: int, wanted: list[str], only: Sql) -> Sql:
    """Return the rows of a tier; read from the newest on, and no further than it has to be."""
    engine = _engine()
    where, values = engine.tier(number, wanted)
    rows = f"SELECT {engine.KEY} AS id, {number} AS tier FROM downloads_search s WHERE {where}{only[0]}"
    return f"{rows} ORDER BY {engine.KEY} DESC LIMIT {MOST_FOUND}", [*values, *only[1]]


def _newest(number: int, wanted: list[str], only: Sql) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(*_tier(number, wanted, only))
        return [key for key, _ in cursor.fetchall()]


def _these(keys: list[int]) -> Sql | None:
    return (f"VALUES {', '.join(['(%s)'] * len(keys))}", keys) if keys else None


def _limits(within: "models.QuerySet[Video] | None") -> tuple[Sql | None, Sql]:
    """Return what limits a search to some videos: their keys, or a condition.

    Few are gathered first, and each of them is looked at; among many, each match is looked up.
    """
    if within is None:
        return None, ("", [])
    keys, engine = within.order_by().values("pk"), _engine()
    if keys[: engine.FEW + 1].count() <= engine.FEW:
        sql, params = keys.query.sql_with_params()
        return (sql, [*params]), ("", [])
    sql, params = keys.filter(pk=RawSQL(engine.KEY, ())).query.sql_with_params()
    return None, (f" AND EXISTS ({sql})", [*params])


def among(keys: list[int], wanted: list[str]) -> set[int]:
    """Return which of these videos have all these words."""
    if not keys or not wanted:
        return set()
    engine = _engine()
    where, values = engine.anywhere(tokenizer.begun(wanted))
    some = ", ".join(["%s"] * len(keys))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {engine.KEY} FROM downloads_search s WHERE {where} AND {engine.KEY} IN ({some})", [*values, *keys]
        )
        return {key for (key,) in cursor.fetchall()}
