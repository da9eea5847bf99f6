"""The search backend of the database in use."""

from types import ModuleType

from django.db import connection

from downloads.search import postgres, sqlite


def _engine() -> ModuleType:
    return sqlite if connection.vendor == "sqlite" else postgres
