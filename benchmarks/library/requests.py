"""What people ask the library for, measured request by request on the database of the settings."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import django
from django.conf import settings

# The names under which files are served are not what is measured.
settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
settings.ALLOWED_HOSTS = ["*"]
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.cache import caches  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from benchmarks.library import dataset  # noqa: E402
from downloads.models import Video  # noqa: E402
from ytarchive.server import tuning  # noqa: E402  # noqa: E402


def addresses() -> dict[str, list[str]]:
    """Return the requests of each kind."""
    last = Video.objects.count() // 24 + 1
    uploader = Video.objects.exclude(uploader="").first().uploader
    ids = "&".join(
        f"id={video_id}" for video_id in Video.objects.newest_first().values_list("video_id", flat=True)[:20]
    )
    deep = ["?page={}", "?sort=title&page={}", "?sort=duration&page={}", "?kind=video&page={}", "?date=year&page={}"]
    return {
        "first page": ["", "?page=2"],
        "page in the middle": [each.format(last // 2) for each in deep],
        "last page": [each.format(last) for each in deep],
        "filter": [
            *("?state=complete", "?state=failed", "?state=queued", f"?uploader={uploader}", "?site=Site0"),
            *(
                "?kind=audio",
                "?kind=list",
                "?date=today",
                "?date=week",
                "?date=year",
                "?site=Site3&kind=audio&date=year",
            ),
        ],
        "order": ["?sort=title", "?sort=duration", "?sort=size", "?sort=size&state=failed", "?sort=title&site=Site0"],
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
        "search and filter": [f"?q=the&uploader={uploader}", "?q=the&site=Site30", "?q=the&state=failed"],
        "list alone": ["videos/list?", "videos/list?q=live"],
        "20 cards": [f"videos/cards?as=card&{ids}", f"videos/cards?as=card&q=the&{ids}"],
    }


class Clock:
    """The time that a request takes, and the processor time of this process and of its database's."""

    def __init__(self) -> None:
        self.server: Path | None = None
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                parent = Path(f"/proc/{cursor.fetchone()[0]}/stat").read_text().rpartition(")")[2].split()[1]
            self.server = Path(f"/proc/{parent}/task/{parent}/children")

    def now(self) -> tuple[float, float]:
        """Return both in ms; of all the database's processes, since a pool asks one after the other."""
        there = self.server.read_text().split() if self.server else ()
        spent = sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in there)
        return time.perf_counter() * 1e3, time.process_time() * 1e3 + spent / 1e6


class Visitor:
    """Somebody who asks for everything in turn, as often as wanted."""

    def __init__(self) -> None:
        self.client, self.clock = Client(), Clock()
        self.client.force_login(get_user_model()._default_manager.create_user("bench"))
        self.asked = [(kind, path) for kind, paths in addresses().items() for path in paths]
        tuning.tune_gc()  # as a web process does
        self.round()  # templates are compiled
        self.queries = [self._queries(path) for _, path in self.asked]

    def _queries(self, path: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            self.client.get(f"/{path}")
        return len(queries)

    def round(self) -> list[dict[str, Any]]:
        """Return a line for each request.

        Each is asked for twice: with no card drawn yet, as on a page that nobody has looked at, and again.
        """
        found = []
        for kind, path in self.asked:
            caches["cards"].clear()
            line = {"kind": kind, "path": path, **_timed(self.client, self.clock, path)}
            found += [{**line, "again": _timed(self.client, self.clock, path)["cpu"]}]
        return found


def _timed(client: Client, clock: Clock, path: str) -> dict[str, Any]:
    wall, cpu = clock.now()
    answer = client.get(f"/{path}")
    connection.close()  # as after each request; the pool keeps it, and SQLite opens its file again
    ended, spent = clock.now()
    assert answer.status_code == 200, path
    return {"wall": ended - wall, "cpu": spent - cpu, "bytes": len(answer.content)}


if __name__ == "__main__":
    tuning.enable_connection_pool()  # as a web process does
    call_command("migrate", verbosity=0)
    dataset.fill(int(sys.argv[1]))
    with connection.cursor() as vacuum:
        vacuum.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "PRAGMA wal_checkpoint(TRUNCATE)")
    visitor = Visitor()
    # A line that comes in asks for a round.
    for _ in sys.stdin:
        lines = [{**line, "queries": count} for line, count in zip(visitor.round(), visitor.queries, strict=True)]
        print(json.dumps(lines), flush=True)
