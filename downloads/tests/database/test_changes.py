"""Detection of writes, on the database that the tests use."""

import pytest
from django.db import connection

from downloads.database.changes import ChangeDetector
from downloads.models import Video
from downloads.tests.support.other_connection import call_elsewhere

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_sees_the_writes_of_others_and_its_own_once() -> None:
    changes = ChangeDetector()
    assert changes.has_changed(), "nothing was seen before"
    is_counted = connection.vendor == "sqlite"  # elsewhere everything may be new at any time

    assert changes.has_changed() != is_counted
    call_elsewhere(lambda: Video.objects.ingest("http://example.org/a", "http://example.org/a"))
    assert changes.has_changed()
    assert changes.has_changed() != is_counted
    Video.objects.update(title="Own")
    assert changes.has_changed()
    assert changes.has_changed() != is_counted
    list(Video.objects.all())
    assert changes.has_changed() != is_counted, "reading changes nothing"


def test_a_new_connection_may_have_missed_something() -> None:
    changes = ChangeDetector()
    changes.has_changed()

    connection.close()

    assert changes.has_changed()
