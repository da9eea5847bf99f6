"""The search backend of the database in use."""

from types import ModuleType

from django.db import connection

from downloads.search import postgres, sqlite


def get_backend() -> ModuleType:
    return sqlite if connection.vendor == "sqlite" else postgres
