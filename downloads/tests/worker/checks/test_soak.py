"""A day of 200 subscriptions in simulated time: lists that grow, sites that refuse, workers that are killed."""

import contextlib
import datetime as dt
import itertools
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import time_machine
from django.db import OperationalError, connection
from django.db.backends.signals import connection_created

from downloads import database
from downloads.models import HostPause, Subscription, SubscriptionItem, Video
from downloads.models.leases.lease import LEASE_DURATION
from downloads.subscriptions import verbs
from downloads.subscriptions.ledger import queueing
from downloads.tests.support.simulated_lists import SimulatedList, SimulatedSites, SimulatedTime, WorkerKilled
from downloads.worker.checks import check
from downloads.worker.checks.request_gate import RequestGate

pytestmark = pytest.mark.django_db(transaction=True)
STEP_SECONDS = 40
INTERVALS = (900, 1800, 3600, 7200, 21_600)


class Simulation:
    """Workers that take turns; what they have in hand when they are killed stays as it is, with its lease."""

    def __init__(self, traveller, sites, time) -> None:
        self.traveller, self.sites, self.time = traveller, sites, time
        self.checks = self.kills = self.database_failures = self.reports = 0
        self.current = None
        self.failing_writes = 0.0
        time.on_pass = self.let_time_pass

    def let_time_pass(self):
        self.traveller.move_to(self.time.now, tick=False)
        set_database_clock(self.time)
        if self.current is not None:
            self.current.renew_lease()

    def run(self, duration, publish_rate):
        end = self.time.now + duration
        lists = list(self.sites.lists.values())
        while self.time.now < end:
            self.time.sleep(STEP_SECONDS)
            for _ in range(int(self.sites.random.random() < publish_rate)):
                target, other = self.sites.random.sample(lists, 2)
                is_shared = urlsplit(target.url).hostname == urlsplit(other.url).hostname
                self.sites.publish(target, 1, *([other] if is_shared else []))
            if self.sites.random.random() < self.sites.kill_rate / 50:  # a worker is started again
                Subscription.objects.release_worker("w0")
            for number in itertools.count():
                subscription = Subscription.objects.claim_check(f"w{number % 2}")
                if subscription is None:
                    break
                self.run_check(subscription)

    def run_check(self, subscription):
        self.checks += 1
        self.current = subscription
        gate = RequestGate(subscription, self.time.clock, self.time.sleep)
        try:
            check.run_check(subscription, proxy_url="", gate=gate, on_report=self.count_report)
        except WorkerKilled:
            self.kills += 1
        finally:
            self.current = None

    def count_report(self, report):
        self.reports += 1

    def fail_sometimes(self, ingest):
        """Have the database go away, or the worker be killed, in the middle of a transaction."""

        def ingest_or_fail(*arguments):
            ingest(*arguments)
            if self.sites.random.random() < self.failing_writes:
                self.database_failures += 1
                raise OperationalError("the connection was lost")
            if self.sites.random.random() < self.sites.kill_rate:
                raise WorkerKilled

        return ingest_or_fail


# PostgreSQL's own function is found after one of the same name in a schema before it.
CLOCK_SQL = """
CREATE SCHEMA IF NOT EXISTS simulated;
CREATE OR REPLACE FUNCTION simulated.statement_timestamp() RETURNS timestamptz LANGUAGE sql STABLE
    AS $$ SELECT current_setting('simulated.now')::timestamptz $$;
"""


def set_database_clock(time) -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('simulated.now', %s, false)", [time.now.isoformat()])


@contextlib.contextmanager
def simulated_database_clock(time) -> Iterator[None]:
    """Have the database tell the simulated time; SQLite has the clock of this machine."""
    if connection.vendor != "postgresql":
        yield
        return

    def prepare(**_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET search_path = simulated, pg_catalog, public")
        set_database_clock(time)

    with connection.cursor() as cursor:
        cursor.execute(CLOCK_SQL)
    connection_created.connect(prepare)  # a failure of the database ends in a new connection
    prepare()
    yield
    connection_created.disconnect(prepare)
    connection.close()


def follow_all(sites, site_count, list_count):
    for number in range(list_count):
        url = f"https://site{number % site_count}.example/list{number}"
        sites.lists[url] = SimulatedList(url, is_channel=number % 2 == 0)
        sites.lists[url].old_count = sites.random.choice([0, 1, 10, 45, 120])
        sites.publish(sites.lists[url], sites.lists[url].old_count)
        verbs.subscribe(url, start=["all", "new"][number // 2 % 2], check_interval=INTERVALS[number % len(INTERVALS)])


def require_manners(sites, gap):
    for site, moments in sites.requests.items():
        gaps = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(moments)]
        assert min(gaps, default=gap) >= gap, f"{site} was asked too soon"
        for began, until in sites.pauses.get(site, []):
            assert not [moment for moment in moments if began < moment < until], f"{site} was asked in its pause"


def require_ledger(sites):
    """Each video that a list holds is in its ledger once; what is queued there is a video, once in the archive."""
    for subscription in Subscription.objects.all():
        items = list(subscription.items.values_list("source_id", flat=True))
        assert len(items) == len(set(items))
        simulated = sites.lists[subscription.url]
        # Of a channel, old videos that nobody asked for are not even read.
        is_all_read = subscription.start == "all" or not simulated.is_channel
        assert set(simulated.ids[0 if is_all_read else simulated.old_count :]) <= set(items) <= set(simulated.ids)
    kept = SubscriptionItem.objects.filter(state__in=("queued", "archived"))
    assert not kept.filter(video=None).exists()
    names = list(Video.objects.values_list("url", flat=True))
    assert len(names) == len(set(names))
    assert {item.video_id for item in kept} == set(Video.objects.values_list("pk", flat=True))
    assert not SubscriptionItem.objects.filter(state="waiting").exists()


@pytest.mark.parametrize(
    ("hours", "list_count", "fault_rate"),
    [(1, 6, 0.2), pytest.param(24, 200, 0.03, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])],
)
def test_no_video_is_lost_or_doubled_and_no_site_asked_too_often(monkeypatch, settings, hours, list_count, fault_rate):
    settings.HOST_GAP = 5
    monkeypatch.setattr(database, "SQLITE_BUSY_POLL_SECONDS", 0)
    monkeypatch.setattr(database, "DATABASE_RETRY_INTERVAL_SECONDS", 0)
    time = SimulatedTime()
    sites = SimulatedSites(time, seed=list_count)
    monkeypatch.setattr(check.listing, "list_entries", sites.list_entries)
    with time_machine.travel(time.now, tick=False) as traveller, simulated_database_clock(time):
        simulation = Simulation(traveller, sites, time)
        monkeypatch.setattr(queueing, "_ingest", simulation.fail_sometimes(queueing._ingest))
        follow_all(sites, max(2, list_count // 10), list_count)
        sites.failure_rate, sites.kill_rate, simulation.failing_writes = fault_rate, fault_rate / 2, fault_rate
        simulation.run(dt.timedelta(hours=hours), publish_rate=max(0.3, list_count / 400))
        require_manners(sites, settings.HOST_GAP)
        figures = dict(vars(simulation))
        # The day is over: all that is left follows with the next checks.
        sites.failure_rate = sites.kill_rate = simulation.failing_writes = 0.0
        HostPause.objects.all().delete()
        sites.pauses.clear()
        for _ in range(3):
            time.sleep(LEASE_DURATION.total_seconds() + 1)
            Subscription.objects.update(next_check_at=time.now, scheduled_at=time.now)
            simulation.run(dt.timedelta(seconds=max(600, list_count * 15)), publish_rate=0)
        require_manners(sites, settings.HOST_GAP)
        require_ledger(sites)
    counts = [f"{figures[name]} {name}" for name in ("checks", "kills", "database_failures")]
    rows = [f"{model.objects.count()} {model.__name__}" for model in (Video, SubscriptionItem)]
    requests = f"{sum(map(len, sites.requests.values()))} requests"
    print(f"{hours} h, {list_count} lists:", ", ".join([*counts, requests, *rows]))  # noqa: T201
    assert Video.objects.count() > list_count
    assert figures["kills"] + figures["database_failures"] > 0
