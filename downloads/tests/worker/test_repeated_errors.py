"""Errors that cannot pass end a download soon; those of sites and networks get all retries."""

import pytest

from downloads.models import MAX_RETRIES, Status, Video
from downloads.tests.support import media_server as media_server_module
from downloads.tests.support import odd_answers  # noqa: F401 (its routes)
from downloads.worker.leased_video import MAX_REFUSALS
from downloads.ytdlp import options

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("child_environment", "redis_server")]


@pytest.mark.parametrize(
    ("path", "detail"),
    [("/badmanifest.mpd", "KeyError: 'mimeType'"), ("/badplaylist.m3u8", "ValueError: could not convert string")],
)
def test_a_bug_of_an_extractor_is_named_in_the_end_and_logged_once(run_attempts, caplog, path, detail):
    videos = run_attempts(path)
    assert [video.status for video in videos] == [*[Status.QUEUED] * MAX_RETRIES, Status.FAILED]
    assert videos[-1].error.startswith("This is a bug in yt-dlp (extractor “generic”). Update yt-dlp, then retry.")
    assert detail in videos[-1].error
    assert [bool(record.exc_info) for record in caplog.records if detail in record.getMessage()] == [True, *[False] * 3]


@pytest.mark.parametrize(
    ("path", "attempts"),
    [
        ("/missing.mp4", 1),
        ("/status/410/a.mp4", 1),
        ("/status/418/a.mp4", 2),
        ("/status/409/a.mp4", 2),
        ("/status/304/a.mp4", 2),
        ("/status/101/a.mp4", 2),
        ("http://no.such.host.invalid/a.mp4", 2),
        ("/circle/a.mp4", 1),
        ("/status/500/a.mp4", MAX_RETRIES + 1),
        ("/status/503/a.mp4", MAX_RETRIES + 1),
        ("/status/429/a.mp4", MAX_REFUSALS + 1),
        ("/status/408/a.mp4", MAX_RETRIES + 1),
        ("/cut/a.mp4", MAX_RETRIES + 1),
    ],
)
def test_only_transient_errors_get_all_retries(run_attempts, path, attempts):
    videos = run_attempts(path)
    assert len(videos) == attempts
    assert videos[-1].status == Status.FAILED
    assert videos[-1].error


def test_another_error_is_no_repetition(run_attempts, monkeypatch):
    statuses = iter([418, 409, 418, 418])
    monkeypatch.setitem(
        media_server_module.ROUTES, "/odd.mp4", lambda handler: handler.send_error_status(next(statuses, 418))
    )
    monkeypatch.setattr(options, "build_options", _without_retries(options.build_options))
    videos = run_attempts("/odd.mp4")
    assert [video.retry_count for video in videos] == [1, 2, 3, 3]


def test_a_repeated_error_may_have_other_numbers(run_attempts, monkeypatch):
    tokens = iter(range(100))

    def fail(handler):
        handler.send_response(302)
        handler.send_header("Location", f"/status/418/{next(tokens):08}.mp4")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    monkeypatch.setitem(media_server_module.ROUTES, "/token.mp4", fail)
    assert len(run_attempts("/token.mp4")) == 2


def test_a_person_s_retry_begins_anew(run_attempts):
    assert len(run_attempts("/status/418/a.mp4")) == 2
    assert Video.objects.get().retry()
    Video.objects.update(not_before=None)
    assert len(run_attempts("/status/418/a.mp4")) == 2


def _without_retries(build_options):
    return lambda *args: {**build_options(*args), "retries": 0, "extractor_retries": 0}
