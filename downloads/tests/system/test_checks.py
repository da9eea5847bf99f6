"""Checks of subscriptions by real workers and the command, with yt-dlp on a real feed."""

import pytest
from django.utils import timezone

from downloads.models import HostPause, Queue, Status, Subscription, SubscriptionItem, Video
from downloads.subscriptions import verbs
from downloads.tests.support.media_server import Answer
from downloads.tests.support.processes import process_parents
from downloads.tests.support.waiting import wait_until
from downloads.worker.checks.runner import TOO_LONG_MESSAGE, CheckRunner
from downloads.worker.processes.launcher import Launcher

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.processes,
    pytest.mark.usefixtures("empty_data_folders", "private_hosts_allowed"),
]
# Long enough that a busy machine does not let a lease run out.
ENVIRONMENT = {"YTARCHIVE_LEASE_SECONDS": "10", "YTARCHIVE_HOST_GAP": "0", "YTARCHIVE_TITLES_AHEAD": "0"}
FEED = '<?xml version="1.0"?><rss version="2.0"><channel><title>Films</title>{0}</channel></rss>'


@pytest.fixture
def feed(media_server):
    """Answer with a feed of so many films, whose files do not exist; return its URL."""

    def publish(count, path="/films.rss"):
        items = "".join(
            f"<item><title>Film {n}</title><link>{media_server.url(f'/missing/{n}.mp4')}</link></item>"
            for n in range(count)
        )
        media_server.answers[path] = Answer(FEED.format(items).encode(), "application/rss+xml")
        return media_server.url(path)

    return publish


def children_of(process):
    return [pid for pid, parent in process_parents().items() if parent == process.pid]


def test_two_workers_do_one_check_of_a_site_and_kills_in_mid_check_double_nothing(start_worker, feed, media_server):
    Queue.pause("Paused.")  # which stops downloads, not checks
    paths = ("/mute/a.rss", "/mute/b.rss")
    subscriptions = [verbs.subscribe(media_server.url(path), start="all")[0] for path in paths]
    workers = [start_worker(env=ENVIRONMENT) for _ in range(2)]
    media_server.wait_for_requests("/mute/")
    looked_at = timezone.now()
    wait_until(lambda: (timezone.now() - looked_at).total_seconds() > 3, "both workers have looked again")
    assert media_server.count_requests("/mute/") == 1
    wait_until(lambda: Subscription.objects.running().count() == 1, "its worker renews the lease")
    for worker in workers:
        worker.kill()
        worker.wait(10)
    wait_until(lambda: not any(map(children_of, workers)), "the check ended with its worker")
    assert not SubscriptionItem.objects.exists()
    for path in paths:
        feed(3, path)
    start_worker(env=ENVIRONMENT)
    wait_until(lambda: Subscription.objects.exclude(succeeded_at=None).count() == 2, "both were checked")
    assert SubscriptionItem.objects.count() == 6
    assert Video.objects.filter(status=Status.QUEUED).count() == 3
    for subscription in subscriptions:
        subscription.refresh_from_db()
        assert (subscription.failure_count, subscription.lease_token) == (0, "")


def test_the_command_checks_and_tells(run_manage, feed, media_server):
    good, _ = verbs.subscribe(feed(2), start="all")
    planned = good.next_check_at
    dry = run_manage("check", good.key, "--dry-run", env={**ENVIRONMENT, "YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"})
    assert dry.wait(60) == 0, dry.log.read_text()
    assert "2 of 2 listed would be added." in dry.log.read_text()
    assert not Video.objects.exists()
    good.refresh_from_db()
    assert (good.next_check_at, good.lease_token) == (planned, "")
    media_server.answers["/busy.rss"] = Answer(b"", status=429, headers={"Retry-After": "600"})
    bad, _ = verbs.subscribe(media_server.url("/busy.rss").replace("127.0.0.1", "localhost"))
    command = run_manage("check", env={**ENVIRONMENT, "YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"})
    assert command.wait(60) == 1
    output = command.log.read_text()
    assert f"{good.key} checked" in output
    assert f"{bad.key} failed" in output
    assert "Too many requests (429)" in output
    assert Video.objects.count() == 2
    assert HostPause.objects.get().host == "localhost"


@pytest.mark.parametrize(
    ("stall_seconds", "max_seconds", "words"),
    [("2", 600.0, "for 2 s."), ("60", 2.0, TOO_LONG_MESSAGE)],
    ids=["stalls", "takes too long"],
)
def test_a_check_whose_site_falls_silent_fails_with_a_sentence(
    media_server, monkeypatch, redis_server, stall_seconds, max_seconds, words
):
    for name, value in {**ENVIRONMENT, "YTARCHIVE_STALL_SECONDS": stall_seconds}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("YTARCHIVE_ALLOW_PRIVATE_HOSTS", "1")
    subscription, _ = verbs.subscribe(media_server.url("/mute/list.rss"))
    launcher = Launcher()
    runner = CheckRunner(launcher, "w")
    for slot in runner._slots:
        slot.max_seconds = max_seconds
    try:
        assert runner.start_next() == subscription
        wait_until(lambda: runner.poll(may_start=False) or not runner.is_running, "the check has ended")
    finally:
        runner.stop()
        launcher.stop()
    subscription.refresh_from_db()
    assert words in subscription.error
    assert (subscription.failure_count, subscription.lease_token) == (1, "")
    assert subscription.next_check_at > timezone.now()
    assert not HostPause.objects.exists()
