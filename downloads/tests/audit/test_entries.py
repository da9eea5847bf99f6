"""Entries of the audit log: who did what to which video, also when it is gone."""

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.urls import reverse

from downloads.models import AuditEntry, Metadata, Queue, Video
from downloads.models.audit.actor import SHELL, acting_as, current_actor
from downloads.models.audit.entry import AuditAction
from downloads.tests.support.factories import complete, failed, waiting
from downloads.tests.support.responses import post_action

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("static_files", "child_environment")]


def read_log() -> list[tuple[str, str]]:
    """Return all entries as (who, what), oldest first."""
    return list(AuditEntry.objects.order_by("pk").values_list("actor_name", "action"))


def test_a_deletion_keeps_title_address_and_who(superuser_client):
    video = complete()
    post_action(superuser_client, "delete", video.video_id)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor_name, entry.actor.username) == (AuditAction.DELETED, "ann", "ann")
    assert (entry.title, entry.url, entry.public_id) == ("Film a", "http://a.example.org/", video.video_id)
    assert entry.details == "It was complete."
    User.objects.all().delete()
    entry.refresh_from_db()
    assert (entry.actor, entry.actor_name) == (None, "ann")


@pytest.mark.parametrize(("make", "words"), [(waiting, "It was waiting."), (failed, "It had failed.")])
def test_a_deletion_says_what_the_video_was(superuser_client, make, words):
    post_action(superuser_client, "delete", make().video_id)
    assert AuditEntry.objects.get(action=AuditAction.DELETED).details == words


def test_a_deletion_that_fails_is_not_in_the_log(superuser_client, settings):
    video = complete()
    (settings.MEDIA_ROOT / video.video_id).mkdir()
    (settings.MEDIA_ROOT / ".trash").touch()
    post_action(superuser_client, "delete", video.video_id)
    assert read_log() == []


def test_it_names_the_person_of_each_action_on_the_pages(superuser_client):
    video = waiting()
    for name in ("front", "cancel", "retry"):
        post_action(superuser_client, name, video.video_id)
    post_action(superuser_client, "many", do="take-back", id=[video.video_id])
    post_action(superuser_client, "many", do="restore", id=[video.video_id])
    post_action(superuser_client, "queue-pause")
    post_action(superuser_client, "queue-pause")
    post_action(superuser_client, "queue-resume")
    assert read_log() == [
        ("ann", action)
        for action in (
            "moved",
            "cancelled",
            "retried",
            "retry-undone",
            "cancel-undone",
            "queue-paused",
            "queue-resumed",
        )
    ]


def test_it_names_who_added_a_video(superuser_client):
    superuser_client.post(reverse("add"), {"urls": "http://93.184.215.14/a.mp4", "quality": "best"})
    call_command("ingest", "http://93.184.215.14/b.mp4")
    assert read_log() == [("ann", "added"), ("shell", "added")]


def test_what_the_program_does_by_itself_has_no_name():
    assert current_actor().name == ""
    video, other = complete(), failed("b")
    assert read_log() == []
    video.remove("Older than 30 days")
    with acting_as(SHELL):
        other.remove()
    assert read_log() == [("", "deleted"), ("shell", "deleted")]
    assert AuditEntry.objects.last().details == "Older than 30 days. It was complete."


def test_the_next_request_has_its_own_actor(superuser_client, client):
    post_action(superuser_client, "queue-pause")
    assert current_actor().name == ""
    Queue.resume()
    assert read_log() == [("ann", "queue-paused"), ("", "queue-resumed")]


def test_deletions_in_the_admin_are_in_the_log(superuser_client):
    videos = [complete("a"), complete("b")]
    url = reverse("admin:downloads_video_delete_chosen")
    superuser_client.post(url, {"chosen": " ".join(str(video.pk) for video in videos)})
    titles = AuditEntry.objects.filter(action="deleted", actor_name="ann").values_list("title", flat=True)
    assert {*titles} == {"Film a", "Film b"}


def test_odd_titles_are_kept(superuser_client):
    Video.objects.ingest("http://a.example.org/", "http://a.example.org/")
    video = Video.objects.claim("w")
    video.save_metadata(Metadata(title="<b>\x00☃" * 200))
    video.remove()
    assert AuditEntry.objects.get().title == video.title


def test_changes_of_accounts_are_in_the_log(superuser_client):
    user, group = User.objects.create_user("bob"), Group.objects.create(name="Reviewers")
    data = {"username": "bob", "groups": [group.pk], "is_active": "on", "is_staff": "on"}
    response = superuser_client.post(reverse("admin:auth_user_change", args=[user.pk]), data)
    assert response.status_code == 302
    superuser_client.post(reverse("admin:auth_group_delete", args=[group.pk]), {"post": "yes"})
    superuser_client.post(
        reverse("admin:auth_user_add"),
        {"username": "cy", "usable_password": "false", "password1": "", "password2": ""},
    )
    details = list(AuditEntry.objects.filter(action="account-changed").order_by("pk").values_list("details", flat=True))
    assert details[0].startswith("User bob: Changed")
    assert details[0].endswith("Now: Reviewers, staff.")
    assert details[1:] == ["Role Reviewers was deleted.", "User cy was added."]


# Sign-ins ----------------------------------------------------------------------------------------------


def sign_in(client, username, password):
    return client.post(reverse("login"), {"username": username, "password": password})


def test_sign_ins_are_in_the_log(client, redis_server):
    User.objects.create_user("ada", password="correct horse")
    sign_in(client, "ada", "wrong")
    sign_in(client, "my secret password", "x")
    sign_in(client, "ada\x00", "x")
    sign_in(client, "ada", "correct horse")
    assert list(AuditEntry.objects.order_by("pk").values_list("actor_name", "details")) == [
        ("", "As ada from 127.0.0.1"),
        ("", "With a name that no account has from 127.0.0.1"),
        ("ada", "from 127.0.0.1"),
    ]


def test_a_stranger_cannot_fill_the_log(client, redis_server, monkeypatch):
    monkeypatch.setattr("downloads.audit.sign_ins.MAX_FAILURES_PER_HOUR", 3)
    for number in range(6):
        sign_in(client, f"name {number}", "x")
    assert AuditEntry.objects.count() == 3
