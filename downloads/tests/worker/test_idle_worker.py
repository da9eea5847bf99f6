"""A worker that has nothing to do: how much it asks the database, and how soon it notices what is new."""

import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from downloads.models import Video
from downloads.tests.support.other_connection import call_elsewhere
from downloads.worker import supervisor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]
IDLE_SECONDS = 10


class IdleWorker:
    """A worker whose clock runs without waiting."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.monotonic()
        monkeypatch.setattr(supervisor.time, "monotonic", lambda: self.now)
        self.supervisor = supervisor.Supervisor(1)
        monkeypatch.setattr(self.supervisor._launcher, "prepare", lambda: None)

    def run(self, seconds: float) -> None:
        """Run the tasks of its loop for so many seconds of its clock."""
        end = self.now + seconds
        while self.now < end:
            self.supervisor._run_due_tasks()
            self.now += max(self.supervisor._select_timeout(), 0.001)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> IdleWorker:
    worker = IdleWorker(monkeypatch)
    worker.run(IDLE_SECONDS)
    return worker


def test_it_asks_little_of_the_database(worker: IdleWorker) -> None:
    with CaptureQueriesContext(connection) as queries:
        worker.run(IDLE_SECONDS)

    limit = 100 if connection.vendor == "sqlite" else 300
    assert len(queries) < limit, [query["sql"] for query in queries]


def test_it_notices_an_addition_without_a_message(worker: IdleWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    started = []
    monkeypatch.setattr(worker.supervisor, "_start_download", lambda video: started.append(video.url))

    call_elsewhere(lambda: Video.objects.ingest("http://example.org/a", "http://example.org/a"))
    worker.run(2 * supervisor.POLL_INTERVAL_SECONDS)

    assert started == ["http://example.org/a"]
