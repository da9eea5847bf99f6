"""`manage.py ingest` and `manage.py work`: exit status, output and processes."""

import io
import os
import re
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from downloads.intake import submit
from downloads.models import Status, Video
from downloads.progress import keys, message, publisher
from downloads.tests.support.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def private_hosts_allowed(settings):
    settings.ALLOW_PRIVATE_HOSTS = True


def run_ingest(capsys, *args):
    """Run the command in this process; return (exit status, standard output, standard error)."""
    status = 0
    try:
        call_command("ingest", *args)
    except SystemExit as end:
        status = end.code
    return status, *capsys.readouterr()


def test_it_says_what_it_took(capsys):
    status, out, err = run_ingest(capsys, "http://127.0.0.1:1/a", "http://127.0.0.1:1/b")
    videos = Video.objects.order_by("pk")
    assert out == "".join(f"{video.video_id} queued\n" for video in videos)
    assert (status, err, len(videos)) == (0, "", 2)


def test_it_says_what_it_refused_and_why(capsys):
    status, out, err = run_ingest(capsys, "nonsense", "http://127.0.0.1:1/a")
    assert status == 1
    assert out == f"{Video.objects.get().video_id} queued\n"
    assert err == "nonsense: This isn’t a link. It must start with http:// or https://.\n"


def test_it_names_the_video_that_is_already_here(capsys):
    run_ingest(capsys, "http://127.0.0.1:1/a")
    status, out, err = run_ingest(capsys, "http://127.0.0.1:1/a")
    assert (status, out) == (1, f"{Video.objects.get().video_id} queued\n")
    assert "already in the archive" in err


def test_it_suggests_what_a_line_without_a_scheme_may_stand_for(capsys):
    status, out, err = run_ingest(capsys, "youtu.be/1")
    assert (status, out, Video.objects.count()) == (1, "", 0)
    assert err.endswith("It must start with http:// or https://. Perhaps https://youtu.be/1?\n")


def test_it_takes_a_thousand_at_once(capsys):
    urls = [f"http://127.0.0.1:1/{n}" for n in range(1_000)]
    status, out, err = run_ingest(capsys, *urls)
    assert [video.url for video in Video.objects.order_by("pk")] == urls
    assert out.splitlines() == [f"{video.video_id} queued" for video in Video.objects.order_by("pk")]
    assert (status, err) == (0, "")


def test_it_reads_lines_of_standard_input_in_place_of_a_dash(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("http://127.0.0.1:1/b\r\n\n\u200b\n<http://127.0.0.1:1/c>\n"))
    status, out, err = run_ingest(capsys, "http://127.0.0.1:1/a", "-", "http://127.0.0.1:1/d\nhttp://127.0.0.1:1/e")
    assert [video.url[-1] for video in Video.objects.order_by("pk")] == list("abcde")
    assert (status, err, len(out.splitlines())) == (0, "", 5)


def test_it_says_one_reason_of_many_lines_once(capsys):
    urls = [f"http://127.0.0.1:1/{n}" for n in range(37)]
    run_ingest(capsys, *urls)
    status, out, err = run_ingest(capsys, *urls, "nonsense")
    assert (status, len(out.splitlines())) == (1, 37)
    assert err.splitlines() == [
        "37 lines: These videos are already in the archive.",
        *(f"  {url}" for url in urls),
        "nonsense: This isn’t a link. It must start with http:// or https://.",
    ]


def test_it_says_how_many_are_beyond_the_limit(capsys, monkeypatch):
    monkeypatch.setattr(submit, "MAX_SUBMITTED_LINES", 50)  # the long form is in intake/test_submit.py
    status, out, err = run_ingest(capsys, *(f"http://127.0.0.1:1/{n}" for n in range(54)))
    assert (status, len(out.splitlines()), Video.objects.count()) == (1, 50, 50)
    assert err.startswith("4 lines: 50 links at a time")


def test_it_takes_languages_of_subtitles(capsys):
    run_ingest(capsys, "http://127.0.0.1:1/a", "--subtitles", "eng,pt_BR,German")
    assert Video.objects.get().subtitle_languages == "en,pt-BR,de"
    with pytest.raises(CommandError, match="'gibberish' is not a language"):
        run_ingest(capsys, "http://127.0.0.1:1/b", "--subtitles", "gibberish")


def test_it_takes_a_quality(capsys):
    run_ingest(capsys, "http://127.0.0.1:1/a", "--quality", "audio")
    assert Video.objects.get().quality == "audio"
    with pytest.raises(CommandError):
        call_command("ingest", "http://127.0.0.1:1/b", "--quality", "4k")


def test_it_does_not_wait_for_a_video_that_is_deleted(capsys, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda seconds: Video.objects.all().delete())
    assert run_ingest(capsys, "http://127.0.0.1:1/a", "--wait")[0] == 1


def test_titles_and_errors_send_nothing_to_the_terminal(capsys, monkeypatch):
    texts = {"title": "Ada\x1b[31m\u202e", "error": "Not found\x1b[31m\u202e."}
    monkeypatch.setattr("time.sleep", lambda seconds: Video.objects.update(status=Status.FAILED, **texts))
    _, _, err = run_ingest(capsys, "http://127.0.0.1:1/a", "--wait")
    assert "Ada [31m " in err
    assert err.endswith("Not found [31m .\n")
    assert all(line.isprintable() for line in err.splitlines())


@pytest.mark.processes
def test_it_waits_and_shows_bars(run_manage, redis_server, media_server):
    environment = {"YTARCHIVE_ALLOW_PRIVATE_HOSTS": "1"}
    worker = run_manage("work", env=environment)
    wait_until(lambda: "ready" in worker.log.read_text(), "the worker is ready")
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
    assert "100.0% Complete" in done.stderr
    assert "HTTP Error 403" in done.stderr
    assert done.returncode == 1


@pytest.fixture
def shown_bars(capsys, monkeypatch):
    """Wait for a video, with a step before each poll; return the texts of the progress bar."""

    def run(*steps):
        left = iter(steps)
        clock = SimpleNamespace(sleep=lambda seconds: next(left)(Video.objects.get()))
        monkeypatch.setattr("downloads.management.commands.ingest.time", clock)
        status, out, err = run_ingest(capsys, "http://127.0.0.1:1/a", "--wait")
        assert (status, out) == (1, f"{Video.objects.get().video_id} failed\n")
        return re.findall(r"\] +(\S+ \w+)", err)

    return run


def claim_next(video):
    Video.objects.claim("w")


def fail_video(video):
    video.fail("It went wrong.")


def update_row(percent):
    return lambda video: video.renew_lease(percent=percent, phase="video")


def publish_progress(redis_server, percent):
    """Publish progress as a worker does, and wait until the bridge has stored it."""

    def publish(video):
        publisher.publish_progress(
            video.video_id, message.Progress(percent=percent, phase="audio", attempt=video.attempt)
        )
        with redis_server.client() as client:
            read_snapshot = partial(client.hget, keys.SNAPSHOT_KEY, video.video_id)
            wait_until(lambda: f'"percent":{percent}'.encode() in (read_snapshot() or b""), "the bridge has it")

    return publish


@pytest.mark.processes
def test_it_shows_what_is_newer_than_the_row(shown_bars, redis_server, run_manage):
    run_manage("bridge_progress")
    wait_until(lambda: redis_server.client().exists(keys.SNAPSHOT_KEY), "the bridge has subscribed")
    publish_step = publish_progress(redis_server, 42.5)
    bars = shown_bars(claim_next, publish_step, update_row(50.0), fail_video)
    assert bars == ["? Waiting", "? Finding", "42.5% Downloading", "50.0% Downloading", "50.0% Failed"]


def test_it_shows_the_row_without_redis(shown_bars, redis_server):
    redis_server.kill()
    assert shown_bars(claim_next, update_row(10.0), fail_video) == [
        "? Waiting",
        "? Finding",
        "10.0% Downloading",
        "10.0% Failed",
    ]
