"""Querysets of videos."""

import pytest
from django.db import connection

from downloads.library.listing import PAGE_SIZE
from downloads.models import Status, Video
from downloads.tests.support.factories import create_videos

pytestmark = pytest.mark.django_db


def test_it_knows_the_neighbours_of_a_video():
    oldest, failed, older, video, newer = create_videos(5)
    Video.objects.filter(pk=failed.pk).update(status=Status.FAILED)
    Video.objects.filter(pk=older.pk).update(added_at=video.added_at)
    video = Video.objects.get(pk=video.pk)
    assert video.neighbours() == (newer, older)
    assert Video.objects.get(pk=older.pk).neighbours() == (video, oldest)
    assert newer.neighbours()[0] is None
    assert oldest.neighbours()[1] is None


@pytest.mark.parametrize("order", ["newest", "duration", "size"])
def test_it_reads_each_order_from_its_index(order):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL plans by what the table holds")
    plan = Video.objects.terminal().sorted_by(order).values_list("pk")[:PAGE_SIZE].explain()
    assert "USING COVERING INDEX downloads_" in plan
    assert "TEMP B-TREE" not in plan
