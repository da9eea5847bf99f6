"""Every URL and the WebSocket, requested by everybody, in an open and in a private archive."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.cookies import SimpleCookie
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import transaction
from django.test import Client

from downloads.accounts.permissions import ROLES, Permission
from downloads.models import Queue, Subscription, SubscriptionItem, Video, VideoEvent, WatchState
from downloads.tests.support.access_rules import (
    ANYONE,
    NOBODY,
    RULES,
    SIGNED_IN,
    STAFF,
    SUPERUSER,
    VIEW,
    Rule,
    SitePattern,
    site_patterns,
)
from downloads.tests.support.factories import complete, failed, waiting
from downloads.tests.support.subscriptions import followed
from downloads.tests.support.users import make_staff, make_user, role_group
from downloads.tests.support.websockets import PatientCommunicator
from ytarchive.asgi import application

LOGIN_URL, ADMIN_LOGIN_URL = "/accounts/login/", "/admin/login/"


@dataclass(frozen=True)
class Person:
    """Somebody who makes requests, and what they may do."""

    permissions: frozenset[Permission] = frozenset()
    is_staff: bool = False
    is_superuser: bool = False
    is_signed_in: bool = True
    user: User | None = None

    def may(self, rule: Rule, *, is_admin: bool) -> bool:
        if rule.needs == VIEW and not is_admin:
            return self.is_signed_in or not settings.PRIVATE
        if rule.needs in (ANYONE, NOBODY):
            return rule.needs == ANYONE
        if is_admin and not self.is_staff:
            return False
        names = {SIGNED_IN: self.is_signed_in, STAFF: self.is_staff, SUPERUSER: self.is_superuser}
        return names.get(rule.needs, rule.needs in self.permissions)


# From those who may least to those who may most.
PEOPLE = {
    "stranger": Person(is_signed_in=False),
    "inactive superuser": Person(is_signed_in=False),
    "viewer": Person(ROLES["viewer"]),
    "editor": Person(ROLES["editor"]),
    "manager": Person(ROLES["manager"]),
    "staff with view_video": Person(ROLES["viewer"], is_staff=True),
    "staff manager": Person(ROLES["manager"], is_staff=True),
    "superuser": Person(ROLES["manager"], is_staff=True, is_superuser=True),
}


def make_person(name: str) -> Person:
    match name:
        case "stranger":
            user = None
        case "inactive superuser":
            user = make_user(name, "superuser")
        case "staff with view_video":
            user = make_staff(name, "view_video")
        case "staff manager":
            user = make_user(name, "manager", is_staff=True)
        case role:
            user = make_user(name, role)
    return replace(PEOPLE[name], user=user)


def is_first_who_may(name: str, rule: Rule, *, is_admin: bool) -> bool:
    return next((other for other, person in PEOPLE.items() if person.may(rule, is_admin=is_admin)), None) == name


class Archive:
    """Videos and accounts that requests name, and a client that forgets what each request has changed."""

    def __init__(self, person: Person) -> None:
        self.person, self.client = person, Client()
        # The waiting one last, since the others are claimed.
        self.videos = {"failed": failed("failed"), "complete": complete("complete"), "waiting": waiting("waiting")}
        self.subscription, self.item = followed()
        self.bystander, self.group = User.objects.create_user("bystander"), role_group("viewer")
        if person.user:
            self.client.force_login(person.user)
            User.objects.filter(pk=person.user.pk).update(is_active=person.is_signed_in)
        self._cookies = SimpleCookie(self.client.cookies)
        self.database = read_database()

    def url(self, pattern: SitePattern) -> str:
        video = self.videos[{"retry": "failed", "cancel": "waiting", "front": "waiting"}.get(pattern.key, "complete")]
        objects = {
            "admin/auth/user/": self.bystander,
            "admin/auth/group/": self.group,
            "admin/downloads/subscription/": self.subscription,
            "admin/downloads/subscriptionitem/": self.item,
        }
        pks = [target.pk for prefix, target in objects.items() if pattern.route.startswith(prefix)]
        values = {
            "<id:video_id>": video.video_id,
            "<id:key>": self.subscription.key,
            "<channel:key>": Video.objects.get(pk=video.pk).channel_id,
            "<slug:language>": "en",
            "<id>": self.bystander.pk,
            "<path:content_type_id>": ContentType.objects.get_for_model(Video).pk,
            "<path:object_id>": [*pks, video.pk][0],
            "(?P<app_label>auth|downloads)/$": "downloads/",
            "(?P<app_label>downloads|auth)/$": "downloads/",
            "(?P<url>.*)$": "nonsense",
        }
        url = pattern.route
        for placeholder, value in values.items():
            url = url.replace(placeholder, str(value))
        assert not re.search(r"[<>()?]", url), f"no value for a part of {url}"
        return f"/{url}"

    def request(self, url: str, rule: Rule, **headers: str) -> tuple[Any, bool]:
        """Return the response, and whether the request changed anything."""
        names = {key: video.video_id for key, video in self.videos.items()}
        names |= {f"{key}_pk": video.pk for key, video in self.videos.items()} | {"video": names["failed"]}
        names |= {"subscription": self.subscription.key, "item": self.item.pk}
        data = {key: value.format(**names) for key, value in rule.data.items()}
        self.client.cookies = SimpleCookie(self._cookies)
        if rule.method == "GET":
            return self.client.get(url, data, headers=headers), False
        savepoint = transaction.savepoint()
        response = self.client.post(url, data, headers=headers)
        has_changed = read_database() != self.database
        transaction.savepoint_rollback(savepoint)
        return response, has_changed


def read_database() -> list[Any]:
    return [
        *Video.objects.order_by("pk").values_list("pk", "status", "attempt", "priority"),
        *Queue.objects.values_list(),
        *User.objects.order_by("pk").values_list("pk", "username", "password", "is_staff", "is_superuser", "is_active"),
        *Group.objects.order_by("pk").values_list("name", "permissions"),
        *Video.objects.order_by("pk").values_list("protected"),
        *Subscription.objects.order_by("pk").values_list("pk", "active", "name", "next_check_at"),
        *SubscriptionItem.objects.order_by("pk").values_list("pk", "state"),
        VideoEvent.objects.count(),
        *WatchState.objects.values_list("user", "video", "position", "is_finished"),
        LogEntry.objects.count(),
    ]


def describe(response: Any) -> str:
    """Return "sign-in", "403" and the like for a refusal, "" for what was permitted."""
    location = response.headers.get("Location", "") or response.headers.get("HX-Redirect", "")
    if location.startswith((LOGIN_URL, ADMIN_LOGIN_URL)) and "next=" in location:
        return "sign-in"
    return str(response.status_code) if response.status_code in (401, 403, 405) or response.status_code >= 500 else ""


def expected_refusal(person: Person, rule: Rule, *, is_admin: bool) -> str:
    if is_admin and not person.is_staff:
        return "sign-in"
    if rule.needs == NOBODY:
        return str(rule.refusal_status or 403)
    return "403" if person.is_signed_in else str(rule.refusal_status or "sign-in")


def check(archive: Archive, pattern: SitePattern, rule: Rule) -> Iterator[str]:
    """Yield what is wrong with the answers to one kind of request."""
    url, person = archive.url(pattern), archive.person
    response, has_changed = archive.request(url, rule)
    answer = describe(response)
    if person.may(rule, is_admin=pattern.is_admin):
        if answer not in ("", "405"):
            yield f"answers {answer}"
        if rule.is_written and not has_changed:
            yield "changes nothing"
        return
    expected = expected_refusal(person, rule, is_admin=pattern.is_admin)
    if answer != expected:
        yield f"answers {answer or response.status_code} instead of {expected}"
    if has_changed:
        yield "is refused, and yet it changes something"
    if rule.needs not in (NOBODY, VIEW) and not pattern.is_admin and not settings.PRIVATE:
        yield from check_htmx(archive, url, rule, expected)


def check_htmx(archive: Archive, url: str, rule: Rule, expected: str) -> Iterator[str]:
    response, has_changed = archive.request(url, rule, **{"HX-Request": "true"})
    if describe(response) != expected or has_changed:
        yield f"answers {response.status_code} to htmx"
    if expected == "403" and response.headers["HX-Retarget"] != "[data-part='messages']":
        yield "shows htmx no message in place"


def matrix_parameters() -> Iterator[Any]:
    """Yield each person in an open and in a private archive: the short form, and the long one for `make soak`."""
    for name, is_private, is_long in itertools.product(PEOPLE, [False, True], [False, True]):
        # Whoever is not active may do in an open archive what a stranger may.
        is_soak = is_long or (name == "inactive superuser" and not is_private)
        yield pytest.param(
            *(name, is_private, is_long),
            id=f"{name}-{'private' if is_private else 'open'}-{'long' if is_long else 'short'}",
            marks=[pytest.mark.soak] if is_soak else [],
        )


@pytest.mark.django_db
@pytest.mark.usefixtures("static_files", "redis_server")
@pytest.mark.parametrize(("name", "is_private", "is_long"), list(matrix_parameters()))
def test_every_url_answers_everybody_by_its_rule(name, is_private, is_long, settings, tmp_path):
    """Of those who may do something, the short form has the one who may least else do it; all others are refused."""
    settings.PRIVATE = is_private
    settings.YTDLP_ROOT = tmp_path
    settings.MEDIA_ROOT = tmp_path
    archive = Archive(make_person(name))
    mistakes = [
        f"{rule.method} {pattern.key} {dict(rule.data)} {mistake}"
        for pattern in site_patterns()
        for rule in RULES[pattern.key]
        # For those who are signed in, nothing but viewing could depend on it.
        if not (is_private and archive.person.is_signed_in) or rule.needs == VIEW
        if is_long
        or not archive.person.may(rule, is_admin=pattern.is_admin)
        or is_first_who_may(name, rule, is_admin=pattern.is_admin)
        for mistake in check(archive, pattern, rule)
    ]

    assert not mistakes, "\n".join(mistakes)


def test_every_url_has_a_rule():
    keys = {pattern.key for pattern in site_patterns()}
    assert keys - RULES.keys() == set(), "say who may request these, in tests/support/access_rules.py"
    assert RULES.keys() - keys == set(), "these URLs are gone"


# The WebSocket ----------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
async def test_the_socket_answers_everybody_by_its_rule(channel_layer, settings):
    archives = [await sync_to_async(lambda name=name: sign_in(make_person(name)))() for name in PEOPLE]
    for settings.PRIVATE in (False, True):
        for name, (person, cookie) in zip(PEOPLE, archives, strict=True):
            headers = [(b"host", b"127.0.0.1"), (b"cookie", cookie.encode())]
            socket = PatientCommunicator(application, "/ws/progress", headers)
            is_accepted, _ = await socket.connect()
            assert is_accepted == (person.is_signed_in or not settings.PRIVATE), f"{name}, private: {settings.PRIVATE}"
            await socket.disconnect()


def sign_in(person: Person) -> tuple[Person, str]:
    """Return a person and the cookies of their browser."""
    client = Client()
    if person.user:
        client.force_login(person.user)
        User.objects.filter(pk=person.user.pk).update(is_active=person.is_signed_in)
    return person, client.cookies.output(header="", sep=";", attrs=[])
