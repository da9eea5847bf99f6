"""Metrics of subscriptions."""

import datetime as dt

import pytest
from django.utils import timezone

from downloads.models import HostPause, Subscription
from downloads.monitoring.subscriptions import subscription_metrics
from downloads.subscriptions import verbs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis_server")]


def read_metrics():
    samples = [sample for family in subscription_metrics() for sample in family.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_an_archive_without_subscriptions_has_zeros():
    metrics = read_metrics()
    assert metrics["ytarchive_subscriptions", "due"] == metrics["ytarchive_check_wait_seconds",] == 0
    assert not any(name == "ytarchive_site_pause_seconds" for name, *_ in metrics)


def test_they_count_what_is_due_overdue_failing_and_paused(django_assert_max_num_queries):
    now = timezone.now()
    rows = [verbs.subscribe(f"https://{n}.example.org/list")[0] for n in range(5)]
    rows[0].pause()
    plans = {1: dt.timedelta(hours=-2), 2: dt.timedelta(minutes=-5), 3: dt.timedelta(hours=1), 4: dt.timedelta(hours=1)}
    for number, distance in plans.items():
        Subscription.objects.filter(pk=rows[number].pk).update(
            next_check_at=now + distance, error="No." * (number == 3)
        )
    Subscription.objects.claim_check("w", [rows[4].key])
    HostPause.objects.pause("www.example.org", "429", dt.timedelta(minutes=10))
    with django_assert_max_num_queries(4):
        metrics = read_metrics()
    counts = {state: metrics["ytarchive_subscriptions", state] for state in ("active", "paused", "due", "overdue")}
    assert counts == {"active": 4, "paused": 1, "due": 2, "overdue": 1}
    assert metrics["ytarchive_subscriptions", "failing"] == metrics["ytarchive_checks_running",] == 1
    assert metrics["ytarchive_check_wait_seconds",] == pytest.approx(7200, abs=10)
    assert metrics["ytarchive_site_pause_seconds", "example.org"] == pytest.approx(600, abs=5)
