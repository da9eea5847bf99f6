"""The same video under two addresses, looked up by two processes at the same time: one is downloaded."""

import os

import pytest
from django.conf import settings
from django.db import connection

from downloads.tests.support.django_processes import django_processes
from downloads.tests.support.duplicate_race import race_for_duplicates, race_to_add

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture(scope="module")
def started_processes(django_db_setup):
    with django_processes(3, {**os.environ, "YTARCHIVE_DATA": str(settings.DATA)}) as processes:
        yield processes


@pytest.fixture
def processes(redis_server, started_processes):
    connection.close()
    return started_processes


def test_one_of_two_concurrent_duplicates_is_downloaded(processes):
    assert {tuple(sorted(pair)) for pair in race_for_duplicates(processes)} == {("cancelled", "downloading")}


def test_both_are_downloaded_when_duplicates_are_allowed(processes):
    status_pairs = list(race_for_duplicates(processes, allowed_site="two"))
    # The first is cancelled only if the second was identified before it.
    assert {second for _, second in status_pairs} == {"downloading"}
    assert {first for first, _ in status_pairs} <= {"downloading", "cancelled"}


def test_of_two_who_add_the_same_at_once_each_video_is_added_by_one(processes):
    assert sum(race_to_add(processes, ["best", "480p", "best"])) == 300
    assert race_to_add(processes, ["best", "audio"]) == [0, 300]
