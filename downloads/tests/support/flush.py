"""Emptying of all tables after a test that commits, without what Django makes for every database."""

from django.core.management.color import no_style
from django.db import connections
from django.test import TransactionTestCase

# `flush` empties these too, and then makes them again, with other ids, which takes longer than all the rest.
KEPT_TABLES = {"django_content_type", "auth_permission"}


def empty_tables(test_case: TransactionTestCase) -> None:
    """Empty the tables of a test's databases: `TransactionTestCase._fixture_teardown`, without `post_migrate`."""
    for name in test_case._databases_names(include_mirrors=False):
        connection = connections[name]
        tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False))
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), sorted(tables - KEPT_TABLES)))
