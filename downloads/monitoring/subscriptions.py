"""Metrics of subscriptions: what is due and overdue, what fails, which sites have asked for a pause."""

import datetime as dt
from collections.abc import Iterator

from django.db.models import Count, Min, Q
from prometheus_client.core import GaugeMetricFamily, Metric

from downloads.database.clock import read_clock
from downloads.models import HostPause, Subscription

OVERDUE = dt.timedelta(hours=1)  # after it was due: a check waits for a free place, the gap of its site, or a pause


def subscription_metrics() -> Iterator[Metric]:
    """Return the metrics; one query each of small tables."""
    now = read_clock()
    due_condition = Q(active=True, next_check_at__lte=now)
    counts = Subscription.objects.aggregate(
        active_count=Count("pk", filter=Q(active=True)),
        paused_count=Count("pk", filter=Q(active=False)),
        due_count=Count("pk", filter=due_condition),
        overdue_count=Count("pk", filter=Q(due_condition, next_check_at__lte=now - OVERDUE)),
        failing_count=Count("pk", filter=Q(active=True) & ~Q(error="")),
        oldest=Min("next_check_at", filter=due_condition),
    )
    states = GaugeMetricFamily(
        "ytarchive_subscriptions",
        "Followed channels and playlists: active, paused by a person, due, due for an hour or more, failing",
        labels=["state"],
    )
    for state in ("active", "paused", "due", "overdue", "failing"):
        states.add_metric([state], counts[f"{state}_count"])
    yield states
    wait = (now - counts["oldest"]).total_seconds() if counts["oldest"] else 0.0
    yield GaugeMetricFamily(
        "ytarchive_check_wait_seconds", "How long the check waits that has waited longest", value=max(0.0, wait)
    )
    running = Subscription.objects.running().count()
    yield GaugeMetricFamily("ytarchive_checks_running", "Checks of subscriptions that run", value=running)
    pauses = GaugeMetricFamily(
        "ytarchive_site_pause_seconds", "Until a site that asked for a pause is asked again", labels=["site"]
    )
    for host, until in HostPause.objects.in_force().values_list("host", "until").order_by("-until")[:50]:
        pauses.add_metric([host], max(0.0, (until - now).total_seconds()))
    yield pauses
