"""Tuning of a web process: garbage collection, and pooled connections to PostgreSQL."""

import gc

from django.db import connections

# Each request has a thread of its own, and would make its own connection: 12 to 17 ms of each page.
# Up to 20; who waits 10 s for one is refused. A server that is away is tried again with each request: the pool's own
# tries are farther and farther apart, and would miss its return by minutes.
POOL_OPTIONS = {"min_size": 0, "max_size": 20, "timeout": 10, "reconnect_timeout": 1}


# A page makes some ten thousand objects that hold each other, nearly all of which go without being looked for.
GC_THRESHOLDS = (10_000, 20, 20)


def enable_connection_pool() -> None:
    """Have what this process connects with go back to a pool; to be called before its first query.

    SQLite has no pool, and needs none. A connection that broke meanwhile is looked at before it is used
    (docs.djangoproject.com, Databases: connection pool, and `CONN_HEALTH_CHECKS`).
    """
    database = connections.databases["default"]
    if database["ENGINE"] == "django.db.backends.postgresql":
        database |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
        database["OPTIONS"] = {**database.get("OPTIONS", {}), "pool": dict(POOL_OPTIONS)}


def tune_gc() -> None:
    """Let what is loaded by now be looked at no more, and the rest less often (docs.python.org, `gc.freeze`)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
