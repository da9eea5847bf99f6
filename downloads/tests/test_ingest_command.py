"""`manage.py ingest` and `manage.py work`, as the shell sees them."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from downloads.models import Status, Video
from downloads.tests.conftest import wait_until

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def private_hosts(settings):
    settings.ALLOW_PRIVATE_HOSTS = True


def ingest(capsys, *args):
    """Run the command here; (exit status, standard output, standard error)."""
    status = 0
    try:
        call_command("ingest", *args)
    except SystemExit as end:
        status = end.code
    return status, *capsys.readouterr()


def test_it_says_what_it_took(capsys):
    status, out, err = ingest(capsys, "http://127.0.0.1:1/a", "http://127.0.0.1:1/b")
    videos = Video.objects.order_by("pk")
    assert out == "".join(f"{video.video_id} queued\n" for video in videos)
    assert (status, err, len(videos)) == (0, "", 2)


def test_it_says_what_it_refused_and_why(capsys):
    status, out, err = ingest(capsys, "nonsense", "http://127.0.0.1:1/a")
    assert status == 1
    assert out == f"{Video.objects.get().video_id} queued\n"
    assert err == "nonsense: This is no address of a page: it must begin with http:// or https://.\n"


def test_it_names_the_video_that_is_already_here(capsys):
    ingest(capsys, "http://127.0.0.1:1/a")
    status, out, err = ingest(capsys, "http://127.0.0.1:1/a")
    assert (status, out) == (1, f"{Video.objects.get().video_id} queued\n")
    assert "already in the archive" in err


def test_it_takes_a_quality(capsys):
    ingest(capsys, "http://127.0.0.1:1/a", "--quality", "audio")
    assert Video.objects.get().quality == "audio"
    with pytest.raises(CommandError):
        call_command("ingest", "http://127.0.0.1:1/b", "--quality", "4k")


def test_it_does_not_wait_for_a_video_that_is_deleted(capsys, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: Video.objects.all().delete())
    assert ingest(capsys, "http://127.0.0.1:1/a", "--wait")[0] == 1


@pytest.mark.processes
def test_it_waits_and_shows_bars(manage, redis_server, media_server):
    environment = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"}
    worker = manage("work", env=environment)
    wait_until(lambda: "ready" in worker.log.read_text(), 15, "the worker is ready")
    urls = [media_server.url(path) for path in ("/clip.mp4", "/private.mp4")]
    done = subprocess.run(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), "ingest", *urls, "--wait"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **environment},
    )
    first, second = Video.objects.order_by("pk")
    assert (first.status, second.status) == (Status.COMPLETE, Status.FAILED)
    assert done.stdout == f"{first.video_id} complete\n{second.video_id} failed\n"
    assert "100.0% complete" in done.stderr
    assert "HTTP Error 403" in done.stderr
    assert done.returncode == 1


@pytest.mark.parametrize("workers", ["0", "-1", "65", "two", "1.5"])
def test_it_takes_a_sensible_number_of_workers(workers):
    with pytest.raises(CommandError, match="no whole number from 1 to 64"):
        call_command("work", "--workers", workers)
