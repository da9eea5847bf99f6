"""Tuning of a web process: garbage collection, PostgreSQL connection pooling, and descriptions that nobody reads."""

import gc

from django.db import connections

# Without a pool each request would open a connection, since it runs in a thread of its own: 12 to 17 ms per page.
# A request that waits 4 s (`timeout`) for a connection fails. With a short `reconnect_timeout` each request tries to
# reconnect to an unreachable server; the pool's own retries back off, and would notice its return minutes late.
POOL_OPTIONS = {"min_size": 0, "max_size": 20, "timeout": 4, "reconnect_timeout": 1}

MAX_DATABASE_WAIT_SECONDS = 4  # of one request; then it is answered 503

# A page creates some ten thousand objects that refer to each other, nearly all freed by reference counting alone.
GC_THRESHOLDS = (10_000, 20, 20)


def enable_connection_pool() -> None:
    """Pool this process's PostgreSQL connections; call it before the first query. SQLite is left as it is.

    A pooled connection is checked before use, since it may have broken (docs.djangoproject.com, Databases:
    connection pool, and `CONN_HEALTH_CHECKS`).
    """
    database = connections.databases["default"]
    if database["ENGINE"] == "django.db.backends.postgresql":
        database |= {"CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
        database["OPTIONS"] = {**database.get("OPTIONS", {}), "pool": dict(POOL_OPTIONS)}


def limit_database_waits() -> None:
    """Have requests of this process give up on a locked or unreachable database; call it before the first query."""
    options = connections.databases["default"].setdefault("OPTIONS", {})
    if connections.databases["default"]["ENGINE"] == "django.db.backends.sqlite3":
        options["timeout"] = MAX_DATABASE_WAIT_SECONDS
        return
    options.setdefault("connect_timeout", MAX_DATABASE_WAIT_SECONDS)
    lock_timeout = f"-c lock_timeout={MAX_DATABASE_WAIT_SECONDS * 1000}"
    options["options"] = f"{lock_timeout} {options.get('options', '')}".rstrip()


def tune_gc() -> None:
    """Exclude the objects loaded so far from garbage collection, and collect the rest less often.

    See docs.python.org, `gc.freeze`.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def skip_autobahn_descriptions() -> None:
    """Have autobahn describe nothing for its debug log, which is off.

    It describes each connection in colours and pretty-prints all its options before it asks whether that is logged:
    45 % of the CPU time of a handshake, when 2,000 clients connect again at once.
    """
    # Not above: they choose Twisted's reactor.
    from autobahn.twisted import websocket as twisted_websocket  # noqa: PLC0415
    from autobahn.websocket import protocol  # noqa: PLC0415

    for module in (protocol, twisted_websocket):
        for name in ("pformat", "hltype", "hlval"):
            if hasattr(module, name):
                setattr(module, name, _describe_nothing)


def _describe_nothing(*_: object, **__: object) -> str:
    return ""
