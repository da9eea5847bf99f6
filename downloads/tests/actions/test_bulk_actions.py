"""Actions on many videos: recorded in a few statements, and performed by a worker."""

import errno
import os
import re
import threading

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import strip_tags

from downloads.actions import bulk_actions, bulk_runner
from downloads.actions.bulk_runner import BulkActionRunner, run_slices
from downloads.files import trash
from downloads.files.volumes import archive_marker, errors, probe
from downloads.models import ArchiveIdentity, AuditEntry, BulkAction, BulkItem, Status, Video, VideoEvent
from downloads.models.removal import RemovalError
from downloads.tests.support.admin import CHANGELIST_URL, run_admin_action
from downloads.tests.support.factories import complete, create_videos, reload_video, running_beyond_limits
from downloads.tests.support.responses import message_texts, post_action

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "child_environment")]


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    """Leave more than two videos to a worker, and let it do two in one transaction."""
    monkeypatch.setattr(bulk_actions, "MAX_IMMEDIATE_VIDEOS", 2)
    monkeypatch.setattr(bulk_runner, "ITEMS_PER_BATCH", 2)
    monkeypatch.setattr(bulk_runner, "MAX_SLICE_SECONDS", 0)


def post_many(client, action, videos, **data):
    ids = [video.video_id for video in videos]
    return post_action(client, "many", **{"do": action, "id": ids, **data})


def run_worker() -> int:
    """Perform all bulk actions; return in how many slices."""
    return sum(1 for _ in iter(run_slices, False))


def library_text(client) -> str:
    return " ".join(strip_tags(client.get("/").content.decode()).split())


def press_undo(client):
    """Press the "Undo" button of the message on the next page."""
    form = re.search(
        r'<form method="post"\s+action="([^"]*many)"[^>]*>(.*?)Undo', client.get("/").content.decode(), re.S
    )
    fields = dict(re.findall(r'name="(do|bulk)" value="(.*?)"', form[2]))
    return client.post(form[1], fields)


def test_it_marks_the_chosen_and_leaves_them_to_a_worker(superuser_client):
    videos = create_videos(5)
    response = post_many(superuser_client, "delete", videos, confirmed="1")
    assert message_texts(response) == "Deleting 5 videos."
    assert Video.objects.count() == 5
    page = superuser_client.get("/").content.decode()
    assert page.count("Deleting…") == 5
    assert "Delete</button>" not in page.partition('id="many"')[0]
    assert run_worker() >= 2
    assert not Video.objects.exists()
    assert VideoEvent.objects.filter(reason="Deleted by ann").count() == 5


def test_its_progress_is_on_every_page(superuser_client, client):
    videos = create_videos(5, status=Status.QUEUED, media_file="")
    assert message_texts(post_action(superuser_client, "queue-cancel-all")) == "Cancelling 5 videos."
    assert "Cancelling 0 of 5 videos: waiting for a worker." in library_text(superuser_client)
    run_slices()
    for url in ("/", reverse("list"), reverse("cards"), CHANGELIST_URL, f"{reverse('cards')}?as=admin"):
        assert "Cancelling 2 of 5 videos …" in superuser_client.get(url).content.decode()
    BulkAction.objects.update(progress_at=timezone.now() - bulk_actions.WORKER_TIMEOUT)
    assert "Cancelling 2 of 5 videos: waiting for a worker." in library_text(superuser_client)
    run_worker()
    assert "Cancelling" not in library_text(superuser_client)
    assert {video.status for video in Video.objects.all()} == {Status.CANCELLED}
    assert reload_video(videos[4]).events.get().reason == "Cancelled with all others by ann"


def test_a_page_learns_of_the_start_and_of_the_end(superuser_client):
    create_videos(3, status=Status.FAILED, media_file="")
    before = Video.objects.latest_rev()
    post_action(superuser_client, "queue-retry-failed")
    started = Video.objects.latest_rev()
    run_worker()
    reasons = [*VideoEvent.objects.filter(public_id="queue").values_list("reason", flat=True)]
    assert before < started < Video.objects.latest_rev()
    assert reasons == ["Retrying 3 videos, asked for by ann", "Retrying 3 videos: done"]


@pytest.mark.parametrize(
    ("action", "before", "after", "undone"),
    [
        ("cancel", Status.QUEUED, Status.CANCELLED, Status.QUEUED),
        ("retry", Status.FAILED, Status.QUEUED, Status.FAILED),
        ("again", Status.COMPLETE, Status.QUEUED, Status.COMPLETE),
    ],
)
def test_it_is_undone_as_a_whole(superuser_client, action, before, after, undone):
    videos = create_videos(4, status=before, media_file="" if before != Status.COMPLETE else "v/v.mp4")
    for video in videos:
        video.record_event("As it was")
    post_many(superuser_client, action, videos)
    run_worker()
    assert {video.status for video in Video.objects.all()} == {after}
    response = press_undo(superuser_client)
    run_worker()
    assert {video.status for video in Video.objects.all()} == {undone}
    assert "4 videos" in message_texts(response)


def test_an_undo_stops_what_is_left_of_it(superuser_client):
    create_videos(5, status=Status.QUEUED, media_file="")
    post_action(superuser_client, "queue-cancel-all")
    run_slices()
    assert message_texts(press_undo(superuser_client)) == "Putting 2 videos back into the queue."
    run_worker()
    assert Video.objects.waiting().count() == 5
    assert not BulkItem.objects.pending().exists()


def test_an_undo_before_a_worker_began_only_stops(superuser_client):
    create_videos(3, status=Status.QUEUED, media_file="")
    post_action(superuser_client, "queue-cancel-all")
    assert message_texts(press_undo(superuser_client)) == "Stopped before anything was done."
    run_worker()
    assert Video.objects.waiting().count() == 3


@pytest.mark.parametrize("bulk", ["", "0", "999", "x", "9" * 30, "²", "-1"])
def test_it_undoes_nothing_for_nonsense(superuser_client, bulk):
    response = post_action(superuser_client, "many", do="restore", bulk=bulk)
    assert message_texts(response) == "This can no longer be undone."


def test_one_cannot_ask_for_another_undo_than_its_own(superuser_client):
    post_many(superuser_client, "cancel", create_videos(3, status=Status.QUEUED, media_file=""))
    response = post_action(superuser_client, "many", do="delete", bulk=BulkAction.objects.get().pk)
    assert "This can no longer be undone." in message_texts(response)


def test_it_keeps_the_order_in_front_and_restores_the_positions(superuser_client, waiting_videos):
    chosen = [waiting_videos[3], waiting_videos[1], waiting_videos[2]]
    assert "Moving 3 videos to the front" in message_texts(post_many(superuser_client, "front", chosen))
    assert Video.objects.claim("w") == waiting_videos[0], "the others are about to be moved"
    run_worker()
    assert list(Video.objects.waiting()) == waiting_videos[1:]
    press_undo(superuser_client)
    run_worker()
    assert {video.priority for video in Video.objects.waiting()} == {0}


def test_nothing_else_is_done_with_a_marked_video(superuser_client):
    videos = create_videos(3, status=Status.QUEUED, media_file="")
    post_many(superuser_client, "delete", videos, confirmed="1")
    assert Video.objects.claim("w") is None
    for name in ("cancel", "front"):
        response = post_action(superuser_client, name, videos[0].video_id)
        assert "Another action on Film 0 is still running." in message_texts(response)
    response = post_action(superuser_client, "queue-cancel-all")
    assert "Another action on these videos is still running." in message_texts(response)
    assert BulkAction.objects.count() == 1
    assert Video.objects.waiting().count() == 3


def test_running_downloads_among_them_stop_at_once(superuser_client):
    videos = running_beyond_limits(3)
    Video.objects.update(lease_token="t", lease_until=timezone.now() + bulk_actions.WORKER_TIMEOUT)
    post_action(superuser_client, "queue-cancel-all")
    assert not Video.objects.active().exists()
    Video.objects.update(status=Status.DOWNLOADING)
    post_many(superuser_client, "delete", videos, confirmed="1")
    assert not Video.objects.active().exists()
    run_worker()
    assert not Video.objects.exists()


def test_the_number_of_statements_does_not_grow(superuser_client):
    counts = []
    for count in (3, 60):
        create_videos(count, status=Status.FAILED, media_file="")
        with CaptureQueriesContext(connection) as queries:
            post_action(superuser_client, "queue-retry-failed")
        counts.append(len(queries))
        run_worker()
        assert not Video.objects.filter(status=Status.FAILED).exists()
    assert counts[1] <= counts[0] < 40


def test_it_goes_on_where_a_killed_worker_ended(superuser_client, settings, monkeypatch):
    videos = [complete(name) for name in "abc"]
    for video in videos:
        (settings.MEDIA_ROOT / video.video_id).mkdir()
    post_many(superuser_client, "delete", videos, confirmed="1")

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(trash, "move_to_trash", die)
        with pytest.raises(KeyboardInterrupt):
            run_slices()
    assert Video.objects.count() == 3
    run_worker()
    assert not Video.objects.exists()
    assert [path.name for path in settings.MEDIA_ROOT.iterdir()] in ([], [trash.TRASH_FOLDER])


def test_it_names_what_could_not_be_deleted(superuser_client, settings):
    videos = [complete(name) for name in "abcd"]
    for video in videos[:1]:
        (settings.MEDIA_ROOT / video.video_id).mkdir()
    (settings.MEDIA_ROOT / trash.TRASH_FOLDER).touch()
    post_many(superuser_client, "delete", videos, confirmed="1")
    run_worker()
    assert Video.objects.get() == videos[0]
    text = (
        "Deleting 4 videos: this failed for Film a (its files cannot be moved (File exists)). They stay as they were."
    )
    assert text in library_text(superuser_client)
    (settings.MEDIA_ROOT / trash.TRASH_FOLDER).unlink()
    assert "Deleted Film a." in message_texts(post_action(superuser_client, "delete", videos[0].video_id))


def test_a_database_that_is_locked_fails_nothing(superuser_client, monkeypatch):
    post_many(superuser_client, "delete", create_videos(3), confirmed="1")

    def remove(*_):
        raise RemovalError("the database did not take it") from OperationalError("database is locked")

    with monkeypatch.context() as locked:
        locked.setattr(Video, "remove", remove)
        with pytest.raises(OperationalError):
            run_slices()
    run_worker()
    assert not Video.objects.exists()


@pytest.fixture
def marked_for_deletion(superuser_client, settings):
    """Three videos with files in the archive's media folder, which a worker is to delete."""
    ArchiveIdentity.objects.create(pk=1, archive_id="one", is_marked=True)
    archive_marker.write_marker(settings.MEDIA_ROOT, "one")
    videos = [complete(name) for name in "abc"]
    for video in videos:
        (settings.MEDIA_ROOT / video.video_id).mkdir()
    post_many(superuser_client, "delete", videos, confirmed="1")
    return videos


MEDIA_FAULTS = {
    "gone": (lambda root: root.rename(root.with_name("away")), "is missing"),
    "another archive's": (lambda root: archive_marker.write_marker(root, "two"), "belongs to another archive"),
    "not mounted": (lambda root: (root / archive_marker.MARKER_FILE).unlink(), "Is its disk mounted?"),
}


@pytest.mark.parametrize("fault", MEDIA_FAULTS)
def test_a_deletion_waits_for_the_right_media_folder(superuser_client, marked_for_deletion, settings, fault):
    break_folder, words = MEDIA_FAULTS[fault]
    break_folder(settings.MEDIA_ROOT)
    before = Video.objects.latest_rev()
    for _ in range(3):
        assert not run_slices()
    assert BulkItem.objects.pending().count() == 3
    text = library_text(superuser_client)
    assert "Deleting 0 of 3 videos: waiting. The media folder (data/media)" in text
    assert words in text
    assert Video.objects.latest_rev() == before + 1, "it is said once"
    away = settings.MEDIA_ROOT.with_name("away")
    if away.exists():
        away.rename(settings.MEDIA_ROOT)
    archive_marker.write_marker(settings.MEDIA_ROOT, "one")
    run_worker()
    assert not Video.objects.exists()
    assert not list(settings.MEDIA_ROOT.glob("[!.]*"))
    assert not BulkAction.objects.get().problems


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOSPC], ids=errno.errorcode.get)
def test_a_deletion_waits_while_the_disk_has_a_fault(marked_for_deletion, settings, monkeypatch, number):
    def fail(*_):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as faulty:
        faulty.setattr(trash, "move_to_trash", fail)
        faulty.setattr(probe, "write_probe", fail)
        for _ in range(10):
            assert not run_slices()
        faulty.setattr(trash, "move_to_trash", pytest.fail)
        assert not run_slices(with_waiting=False), "it is not tried in between"
    assert BulkItem.objects.pending().count() == Video.objects.count() == 3
    assert errors.FAULT_WORDS[number] in BulkAction.objects.get().wait_reason
    run_worker()
    assert not Video.objects.exists()


def test_a_fault_of_one_video_does_not_keep_the_others(superuser_client, marked_for_deletion, monkeypatch):
    first, *_ = marked_for_deletion
    move_to_trash = trash.move_to_trash

    def fail(video_id):
        if video_id == first.video_id:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        move_to_trash(video_id)

    monkeypatch.setattr(trash, "move_to_trash", fail)
    while BulkAction.objects.filter(finished_at=None).exists():
        run_slices()
    assert Video.objects.get() == first
    assert "this failed for Film a (its files cannot be moved (Input/output error))" in library_text(superuser_client)


@pytest.mark.parametrize("values", ["action = 'weird'", "action = ''", "total = 'text'", "total = x'ff00'"])
def test_an_odd_row_breaks_no_page_and_keeps_no_video(superuser_client, values):
    create_videos(3, status=Status.QUEUED, media_file="")
    post_action(superuser_client, "queue-cancel-all")
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        cursor.execute("UPDATE downloads_bulkaction SET " + values)  # noqa: S608
        cursor.execute("PRAGMA ignore_check_constraints = OFF")
    for path in ("/", CHANGELIST_URL):
        assert superuser_client.get(path).status_code == 200
    run_worker()
    assert not BulkItem.objects.pending().exists()
    assert superuser_client.get("/").status_code == 200


def test_other_bulk_actions_go_on_meanwhile(superuser_client, marked_for_deletion, settings):
    archive_marker.write_marker(settings.MEDIA_ROOT, "two")
    create_videos(3, status=Status.QUEUED, media_file="")
    post_action(superuser_client, "queue-cancel-all")
    run_worker()
    assert Video.objects.filter(status=Status.CANCELLED).count() == 3
    assert BulkItem.objects.pending().count() == 3


def test_a_bug_with_one_video_leaves_the_others(superuser_client, monkeypatch, caplog):
    videos = create_videos(3, status=Status.QUEUED, media_file="")
    cancel = Video.cancel
    monkeypatch.setattr(
        Video, "cancel", lambda video, reason: (video.pk == videos[1].pk and 1 / 0) or cancel(video, reason)
    )
    post_action(superuser_client, "queue-cancel-all")
    run_worker()
    assert Video.objects.filter(status=Status.CANCELLED).count() == 2
    assert "this failed for Film 1 (division by zero)" in library_text(superuser_client)
    assert "ZeroDivisionError" in caplog.text


def test_the_admin_leaves_many_to_a_worker_too(superuser_client):
    videos = create_videos(4)
    page = run_admin_action(superuser_client, "delete_selected", *videos)
    chosen = re.search(r'name="chosen" value="(.*?)"', page)[1]
    page = superuser_client.post(f"{CHANGELIST_URL}delete/", {"chosen": chosen}, follow=True).content.decode()
    assert "Deleting 4 videos." in page
    assert page.count("Deleting…") == 4
    run_worker()
    assert not Video.objects.exists()
    videos = create_videos(3, status=Status.FAILED, media_file="")
    assert "Retrying 3 videos." in run_admin_action(superuser_client, "retry", *videos)


def test_it_outlives_the_account_of_who_asked(superuser_client):
    create_videos(3, status=Status.QUEUED, media_file="")
    post_action(superuser_client, "queue-cancel-all")
    User.objects.all().delete()
    run_worker()
    assert VideoEvent.objects.filter(reason="Cancelled with all others by ann").count() == 3
    assert set(AuditEntry.objects.filter(action="cancelled").values_list("actor", "actor_name")) == {(None, "ann")}


def test_what_ended_in_the_meantime_is_left_as_it_is(superuser_client):
    videos = create_videos(3, status=Status.QUEUED, media_file="")
    post_action(superuser_client, "queue-cancel-all")
    Video.objects.filter(pk=videos[0].pk).update(status=Status.COMPLETE)
    run_worker()
    assert reload_video(videos[0]).status == Status.COMPLETE
    assert [*BulkItem.objects.order_by("pk").values_list("state", flat=True)] == ["skipped", "done", "done"]


@pytest.mark.django_db(transaction=True)
def test_the_thread_of_a_worker_performs_them(superuser_client):
    create_videos(3, status=Status.QUEUED, media_file="")
    post_action(superuser_client, "queue-cancel-all")
    finished = threading.Event()
    finish = bulk_runner._finish

    def finish_and_tell(bulk):
        finish(bulk)
        finished.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk_runner, "_finish", finish_and_tell)
        with BulkActionRunner():
            assert finished.wait(20)
    assert Video.objects.filter(status=Status.CANCELLED).count() == 3


def test_finished_ones_are_forgotten_after_a_day(superuser_client):
    create_videos(3, status=Status.QUEUED, media_file="")
    post_action(superuser_client, "queue-cancel-all")
    run_worker()
    BulkAction.objects.update(finished_at=timezone.now() - bulk_actions.RETENTION_PERIOD * 2)
    Video.objects.update(status=Status.FAILED)
    post_action(superuser_client, "queue-retry-failed")
    assert [bulk.action for bulk in BulkAction.objects.all()] == ["retry-all"]
    assert BulkItem.objects.count() == 3
