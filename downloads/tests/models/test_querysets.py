"""Querysets of videos."""

import pytest
from django.db import connection

from downloads.library.listing import PAGE_SIZE
from downloads.models import SubscriptionItem, Video

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("order", ["newest", "duration", "size"])
def test_it_reads_each_order_from_its_index(order):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by what the table holds")
    plan = Video.objects.terminal().sorted_by(order).values_list("pk")[:PAGE_SIZE].explain()
    assert "USING COVERING INDEX downloads_" in plan
    assert "TEMP B-TREE" not in plan


def test_it_finds_what_other_lists_have_by_its_index():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by what the table holds")
    here = SubscriptionItem.objects.identified(["a", "b"]).filter(video__isnull=False)
    plan = here.filter(video__in=Video.objects.of_medium("best")).values_list("identity", "video_id").explain()
    assert "USING INDEX downloads_sub_items_here (identity=?)" in plan
