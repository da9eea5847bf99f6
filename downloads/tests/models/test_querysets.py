"""Querysets of videos."""

import pytest
from django.db import connection

from downloads.library.listing import PAGE_SIZE
from downloads.models import Video

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("order", ["newest", "duration", "size"])
def test_it_reads_each_order_from_its_index(order):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by what the table holds")
    plan = Video.objects.terminal().sorted_by(order).values_list("pk")[:PAGE_SIZE].explain()
    assert "USING COVERING INDEX downloads_" in plan
    assert "TEMP B-TREE" not in plan
