"""The search backend of the database in use."""

from types import ModuleType

from django.db import connection

from downloads.search import postgres, sqlite


def get_backend() -> ModuleType:
    """Return the module for the database: both have the same functions and constants."""
    return sqlite if connection.vendor == "sqlite" else postgres
