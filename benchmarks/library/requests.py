"""Requests to the library's pages, each measured, on the database of the settings.

`python -m benchmarks.library.requests <videos>` fills the database. For each line on stdin it makes every request once,
and prints the measurements as one JSON line.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings

# Plain file names for static files: the hashed ones are not measured.
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
settings.ALLOWED_HOSTS = ["*"]
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from benchmarks.library import dataset, followed  # noqa: E402
from downloads.models import Channel, Subscription, Video  # noqa: E402
from ytarchive.server import tuning  # noqa: E402

SUBSCRIPTION_TABS = ("queued", "before", "settings", "retention", "history")


def requests_by_kind() -> dict[str, list[str]]:
    """Return the paths to request, by kind of request."""
    page_count = Video.objects.count() // 24 + 1
    uploader = Video.objects.exclude(uploader="").first().uploader
    ids = "&".join(
        f"id={video_id}" for video_id in Video.objects.newest_first().values_list("video_id", flat=True)[:20]
    )
    channel = Channel.objects.order_by("-video_count", "pk").values_list("pk", flat=True)[0]
    keys = list(Subscription.objects.order_by("pk").values_list("key", flat=True))
    list_queries = ["", "sort=title&", "sort=duration&", "kind=video&", "date=year&"]
    return {
        "first page": ["", "?page=2"],
        "page in the middle": [f"?{query}page={page_count // 2}" for query in list_queries],
        "last page": [f"?{query}page={page_count}" for query in list_queries],
        "filter": [
            *("activity/?state=failed", "activity/?state=queued", f"?uploader={uploader}"),
            *("?site=videos0.example", "?site=Site0"),  # as now, and as in addresses of the first versions
            *("?kind=audio", "?kind=list", "?date=today", "?date=week", "?date=year"),
            "?site=videos3.example&kind=audio&date=year",
        ],
        "order": [
            "?sort=title",
            "?sort=duration",
            "?sort=size",
            "activity/?state=cancelled",
            "?sort=title&site=videos0.example",
        ],
        "search: common words": [
            "?q=the",
            "?q=music+live",
            "?q=video&page=20",
            "?q=the&sort=title",
            "?q=the+of+and+to",
        ],
        "search: ordinary, rare": ["?q=review", f"?q={uploader}", "?q=lalala", "?q=bafe+dano"],
        "search: one letter, two": ["?q=a", "?q=k", "?q=the+k", "?q=ba"],
        "search: no hit": ["?q=zzzzzz", "?q=***"],
        "search and filter": [f"?q=the&uploader={uploader}", "?q=the&site=videos30.example", "?q=the&kind=audio"],
        "channels": ["channels/", "channels/?page=20", *(f"channels/{channel}/?page={page}" for page in (1, 5))],
        "subscriptions": ["subscriptions/", f"subscriptions/?after={keys[99]}", "subscriptions/?state=failing"],
        "one subscription": [f"subscriptions/{keys[9]}/?show={show}" for show in SUBSCRIPTION_TABS],
        "… of 40,000 items": [f"subscriptions/{keys[0]}/?show={show}" for show in SUBSCRIPTION_TABS],
        "library of a subscription": [f"?subscription={key}" for key in (keys[9], keys[0])],
        "to follow": ["subscriptions/follow/"],
        "list alone": ["videos/list?", "videos/list?q=live"],
        "20 cards": [f"videos/cards?as=card&{ids}", f"videos/cards?as=card&q=the&{ids}"],
    }


class CpuClock:
    """Clock of wall time, and of the CPU time of this process and of the PostgreSQL server's processes."""

    def __init__(self) -> None:
        self.children_file: Path | None = None
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                parent = Path(f"/proc/{cursor.fetchone()[0]}/stat").read_text().rpartition(")")[2].split()[1]
            self.children_file = Path(f"/proc/{parent}/task/{parent}/children")

    def now(self) -> tuple[float, float]:
        """Return wall and CPU time in ms.

        All processes of the database count, since the connection pool uses them in turn.
        """
        pids = self.children_file.read_text().split() if self.children_file else ()
        database_ns = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in pids)
        return time.perf_counter() * 1e3, time.process_time() * 1e3 + database_ns / 1e6


class RequestRunner:
    """Runner of rounds, each of every request once, as a signed-in user."""

    def __init__(self) -> None:
        self.client, self.clock = Client(), CpuClock()
        user = get_user_model()._default_manager.create_user("bench")
        user.groups.add(Group.objects.get(name="manager"))
        self.client.force_login(user)
        self.requests = [(kind, path) for kind, paths in requests_by_kind().items() for path in paths]
        tuning.tune_gc()  # as a web process does
        self.run_round()  # compiles the templates
        self.query_counts = [self._count_queries(path) for _, path in self.requests]

    def _count_queries(self, path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            self.client.get(f"/{path}")
        return len(queries)

    def run_round(self) -> list[dict[str, Any]]:
        """Make every request, and return a line of measurements for each.

        Each is made twice: with an empty fragment cache for the cards, as for a page that nobody has opened yet, and
        again.
        """
        lines = []
        for kind, path in self.requests:
            caches["cards"].clear()
            first, second = (_timed_request(self.client, self.clock, path) for _ in range(2))
            lines.append({"kind": kind, "path": path, **first, "again": second["cpu"]})
        return lines


def _timed_request(client: Client, clock: CpuClock, path: str) -> dict[str, Any]:
    wall_before, cpu_before = clock.now()
    response = client.get(f"/{path}")
    connection.close()  # as after each request: returns it to the pool; SQLite opens its file again
    wall_after, cpu_after = clock.now()
    assert response.status_code == 200, path
    return {"wall": wall_after - wall_before, "cpu": cpu_after - cpu_before, "bytes": len(response.content)}


if __name__ == "__main__":
    tuning.enable_connection_pool()  # as a web process does
    call_command("migrate", verbosity=0)
    dataset.fill_database(int(sys.argv[1]))
    followed.fill_subscriptions()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "PRAGMA wal_checkpoint(TRUNCATE)")
    runner = RequestRunner()
    # Each line on stdin requests a round.
    for _ in sys.stdin:
        lines = [
            {**line, "queries": count} for line, count in zip(runner.run_round(), runner.query_counts, strict=True)
        ]
        print(json.dumps(lines), flush=True)
