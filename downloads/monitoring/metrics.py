"""Metrics in Prometheus' text format, read from shared stores, so that all web processes report the same."""

import asyncio
import logging
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Min
from django.db.models.functions import Coalesce
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from downloads.database.clock import read_clock
from downloads.library import filters
from downloads.models import Queue, Status, Video, event
from downloads.monitoring import health, heartbeats
from downloads.monitoring.subscriptions import subscription_metrics
from downloads.progress import counters, keys, redis_clients
from downloads.ytdlp_update.selection import select_version_cached

logger = logging.getLogger(__name__)

CONTENT_TYPE = CONTENT_TYPE_LATEST
METRICS_CACHE_SECONDS = 1.0
_cached_metrics: tuple[float, bytes] = (float("-inf"), b"")  # when it was rendered (monotonic), body

# The name and documentation of the metric of each counter.
COUNTER_METRICS = {
    counters.MESSAGES_TAKEN: (
        "ytarchive_messages_taken",
        "Messages from workers and other publishers that the bridge could use",
    ),
    counters.BATCHES_SENT: ("ytarchive_batches", "Batches that the bridge sent to the web processes"),
    counters.FRAMES_IGNORED: ("ytarchive_frames_ignored", "Frames of clients that were not understood"),
    counters.CLIENTS_DROPPED: ("ytarchive_clients_dropped", "Clients that were dropped because they did not read"),
}


async def render_metrics() -> bytes:
    """Return all metrics, at most METRICS_CACHE_SECONDS old, without those of an unreachable database or Redis."""
    global _cached_metrics
    rendered_at, body = _cached_metrics
    if time.monotonic() - rendered_at >= METRICS_CACHE_SECONDS:
        check_results = await health.get_health_checker().get_results()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_StaticCollector(await asyncio.to_thread(_collect_families, check_results)))
        body = generate_latest(registry)
        _cached_metrics = time.monotonic(), body
    return body


class _StaticCollector(Collector):
    def __init__(self, families: list[Metric]) -> None:
        self._families = families

    def collect(self) -> list[Metric]:
        return self._families


def _collect_families(check_results: dict[str, health.CheckResult]) -> list[Metric]:
    sources: list[Callable[[], Iterator[Metric]]] = [
        lambda: _check_metrics(check_results),
        _disk_metrics,
        _ytdlp_metrics,
    ]
    sources += [_database_metrics, subscription_metrics] if check_results["database"].ok else []
    sources += [_redis_metrics] if check_results["redis"].ok else []
    families: list[Metric] = []
    for source in sources:
        try:
            families += list(source())
        except Exception:
            # One source that fails must not hide the others, which may show the cause.
            logger.exception("Some metrics are missing")
    connection.close()
    return families


def _disk_metrics() -> Iterator[Metric]:
    yield _gauge("disk_free_bytes", "Room on the data folder's disk", shutil.disk_usage(settings.DATA).free)


def _ytdlp_metrics() -> Iterator[Metric]:
    selected = select_version_cached()
    age = GaugeMetricFamily(
        "ytarchive_ytdlp_age_seconds", "Since the release of the yt-dlp that downloads use", labels=["version"]
    )
    age.add_metric([selected.version], selected.age_days * 86400)
    yield age
    yield _gauge("ytdlp_fallback", "Whether a newer yt-dlp was installed and cannot be used", bool(selected.problem))


def _check_metrics(check_results: dict[str, health.CheckResult]) -> Iterator[Metric]:
    up = GaugeMetricFamily("ytarchive_part_up", "Whether a part of the archive works", labels=["part"])
    age = GaugeMetricFamily("ytarchive_part_age_seconds", "Since a part's last sign of life", labels=["part"])
    for name, result in check_results.items():
        up.add_metric([name], result.ok)
        if result.last_seen_at is not None:
            age.add_metric([name], max(0.0, time.time() - result.last_seen_at))
    yield from (up, age)


def _database_metrics() -> Iterator[Metric]:
    videos = GaugeMetricFamily("ytarchive_videos", "Videos in each state", labels=["status"])
    counts = filters.count_by_status({}, event.latest_event())
    for status in Status.values:
        videos.add_metric([status], counts.get(status, 0))
    yield videos
    now, queue = read_clock(), Queue.get_or_default()
    oldest = Video.objects.waiting().due().aggregate(oldest=Min(Coalesce("not_before", "queued_at")))["oldest"]
    wait_seconds = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    yield _gauge("queue_wait_seconds", "How long the video waits that has waited longest for its turn", wait_seconds)
    yield _gauge("queue_paused", "Whether a person has paused the queue", queue.paused)
    yield _gauge("queue_held", "Whether a worker holds the queue, since a folder cannot be used", queue.is_held)


def _redis_metrics() -> Iterator[Metric]:
    yield _gauge("workers", "Worker processes that claim what is queued", len(heartbeats.worker_heartbeats()))
    yield _gauge("clients", "Open WebSockets", sum(map(int, redis_clients.get_all(keys.CLIENTS_KEY_PREFIX))))
    stored: dict[Any, Any] = redis_clients.get_redis_client().hgetall(keys.COUNTS_KEY)
    counts = {name.decode(): int(count) for name, count in stored.items()}
    for counter, (name, documentation) in COUNTER_METRICS.items():
        yield CounterMetricFamily(name, documentation, value=counts.get(counter, 0))
    yield _labelled_counter("messages_dropped", "Messages that were not used", "reason", counts)
    yield _labelled_counter("requests_refused", "Requests, connections and sockets over a limit", "status", counts)


def _labelled_counter(name: str, documentation: str, label: str, counts: dict[str, int]) -> Metric:
    """Return the metric of the counters whose names begin with this name and a dot, and end with the label's value."""
    family = CounterMetricFamily(f"ytarchive_{name}", documentation, labels=[label])
    for counter in sorted(counts):
        if counter.startswith(f"{name}."):
            family.add_metric([counter.removeprefix(f"{name}.")], counts[counter])
    return family


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"ytarchive_{name}", documentation, value=value)
