"""Outages of the database: the errors of one that is away, locked or read-only, and a sentence for each."""

from collections.abc import Iterator

from django.db import DatabaseError, Error, InterfaceError, OperationalError

LOCKED = "The database is busy: another program keeps it locked."
READ_ONLY = "The database can only be read just now."
DISK_FULL = "The disk of the database is full."
DAMAGED = "The database is damaged."
UNREACHABLE = "The database cannot be reached."
NO_TABLES = "The database has no tables: its file was replaced or emptied."
# Parts of SQLite's messages (sqlite.org, Result and Error Codes), and the first characters of PostgreSQL's codes
# (PostgreSQL documentation, Appendix A).
SQLITE_SENTENCES = {
    "locked": LOCKED,
    "readonly": READ_ONLY,
    "disk is full": DISK_FULL,
    "malformed": DAMAGED,
    "not a database": DAMAGED,
    "no such table": NO_TABLES,
    "unable to open": "The file of the database cannot be opened.",
    "disk i/o": "The disk of the database reports errors.",
}
POSTGRES_SENTENCES = {
    "25006": READ_ONLY,
    "53100": DISK_FULL,
    "53": "The database takes no more connections.",
    "55": LOCKED,
    "57014": LOCKED,
    "57": "The database is being stopped or started.",
    "40": LOCKED,
    "58": "The disk of the database reports errors.",
    "XX": DAMAGED,
    "08": UNREACHABLE,
}


def describe_outage(error: BaseException) -> str:
    """Return a sentence about the outage that has caused an error; "" if it has another cause, such as a bug."""
    sentences = (_describe(cause) for cause in _iterate_causes(error) if isinstance(cause, Error))
    return next(filter(None, sentences), "")


def _iterate_causes(error: BaseException | None) -> Iterator[BaseException]:
    for _ in range(8):  # a chain may be a circle
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__


def _describe(error: Error) -> str:
    code = getattr(error.__cause__, "sqlstate", None)
    if code:
        sentence = next((text for prefix, text in POSTGRES_SENTENCES.items() if code.startswith(prefix)), "")
        return sentence or (UNREACHABLE if isinstance(error, OperationalError) else "")
    message = str(error).lower()
    if isinstance(error, OperationalError) or type(error) is DatabaseError:
        for part, sentence in SQLITE_SENTENCES.items():
            if part in message:
                return sentence
    is_lost = isinstance(error, InterfaceError) or (isinstance(error, OperationalError) and not _is_sqlite(error))
    return UNREACHABLE if is_lost else ""


def _is_sqlite(error: Error) -> bool:
    return type(error.__cause__).__module__ == "sqlite3"
