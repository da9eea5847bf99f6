"""Deletion of accounts and groups in the admin: its consequences in plain words, and who is never deleted."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.contrib import admin
from django.contrib.admin import actions as admin_actions
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import get_text_list

from downloads.accounts.administration.permission_choices import describe_group
from downloads.accounts.permissions import is_last_administrator
from downloads.models import Subscription, Video, WatchState
from downloads.pluralization import format_count

MAX_NAMES = 5
MAX_NAMES_IN_TITLE = 3


class Consequences(NamedTuple):
    """Consequences of a deletion: phrases for the removed and for the kept, and an advice."""

    removed: list[str]
    kept: list[str]
    advice: str = ""


def refusal_reason(actor: Any, account: User) -> str:
    """Return why `actor` may not delete this account, whatever their permissions are; "" if nothing is against it."""
    if actor.pk == account.pk:
        if is_last_administrator(account):
            return "This is the account you are signed in with, and the only active superuser. It can’t be deleted."
        return "This is the account you are signed in with. Another administrator can delete it."
    if is_last_administrator(account):
        return "This is the only active superuser: without it, nobody could manage users and roles."
    return ""


def describe_user_deletion(users: Iterable[User], *, may_change: bool) -> Consequences:
    """Return the consequences of a deletion of accounts, with the advice to deactivate to who may change them."""
    users = list(users)
    name = _join_names(users)
    accounts, their = ("The account", "it") if len(users) == 1 else (f"{len(users)} accounts", "them")
    positions = WatchState.objects.filter(user__in=users).count()
    entries = LogEntry.objects.filter(user__in=users).count()
    videos = Video.objects.filter(added_by__in=users).count()
    subscriptions = Subscription.objects.filter(added_by__in=users).count()
    removed = [f"{accounts}: {name} can no longer sign in, and all devices are signed out."]
    if positions:
        removed.append(f"What {name} watched and where they stopped: {format_count(positions, 'video')}.")
    if entries:
        verb = "was" if entries == 1 else "were"
        removed.append(f"{format_count(entries, 'line')} of the admin’s own history that {verb} written by {their}.")
    kept = [f"{format_count(videos, 'video')} that {name} added."] if videos else []
    if subscriptions:
        kept.append(f"{format_count(subscriptions, 'subscription')} that {name} added.")
    kept.append(f"What the audit log says about {name}.")
    return Consequences(removed, kept, _advise_deactivation(users, name) if may_change else "")


def _advise_deactivation(users: list[User], name: str) -> str:
    keep = "and keep everything"
    if len(users) != 1:
        return f"To shut {name} out {keep}, untick “Active” on their pages instead."
    url = reverse("admin:auth_user_change", args=[users[0].pk])
    return format_html('To shut {} out {}, <a href="{}">untick “Active”</a> instead.', name, keep, url)


def describe_additions(user: User) -> str:
    """Return how many videos and subscriptions an account has added."""
    videos, subscriptions = (model.objects.filter(added_by=user).count() for model in (Video, Subscription))
    return f"{format_count(videos, 'video')}, {format_count(subscriptions, 'subscription')}"


def describe_group_deletion(groups: Iterable[Group]) -> Consequences:
    """Return the consequences of a deletion of groups: their members keep their accounts."""
    groups = list(groups)
    removed = [f"The role “{group}”. {describe_group(group)}" for group in groups]
    members = User.objects.filter(groups__in=groups).distinct().count()
    if not members:
        return Consequences(removed, ["All accounts: nobody has this role."])
    accounts, lose = (f"The {members} accounts", "they lose") if members > 1 else ("The account", "it loses")
    return Consequences(
        removed, [f"{accounts} with this role; {lose} what the role permits, unless another role permits it."]
    )


def _join_names(users: list[User]) -> str:
    return _join([user.get_username() for user in users], MAX_NAMES)


def _join(names: list[str], limit: int) -> str:
    more = [f"{len(names) - limit} more"] if len(names) > limit else []
    return get_text_list([*names[:limit], *more], "and")


def deletion_question(rows: Iterable[Any], opts: Any) -> str:
    """Return the question whether to delete these rows, with the names of the first ones."""
    names = [f"“{row}”" for row in rows]
    noun = opts.verbose_name if len(names) == 1 else opts.verbose_name_plural
    return f"Delete {noun} {_join(names, MAX_NAMES_IN_TITLE)}?"


class PlainDeletionMixin:
    """Mixin that asks for the deletion of one row or of several by saying its consequences."""

    opts: Any
    admin_site: Any

    def describe_deletion(self, request: HttpRequest, rows: Iterable[Any]) -> Consequences:
        """Return the consequences of a deletion of these rows, for the user of the request."""
        raise NotImplementedError

    def render_refusal(self, request: HttpRequest, row: Any, reason: str) -> HttpResponse:
        """Say why a row is never deleted: 403 to a form that was sent all the same."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"Can’t delete {self.opts.verbose_name} “{row}”",
            "object": row,
            "opts": self.opts,
            "perms_lacking": [],
            "protected": [reason],
        }
        response = self.render_delete_form(request, context)
        response.status_code = 403 if request.method == "POST" else 200
        return response

    def render_delete_form(self, request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
        """Add the consequences, unless it cannot be deleted."""
        if not context["perms_lacking"] and not context["protected"]:
            context = {**context, "consequences": self.describe_deletion(request, [context["object"]])}
        return super().render_delete_form(request, context)  # type: ignore[misc]

    @admin.action(description="Delete selected", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse | None:
        """Delete rows after a page that says the consequences."""
        response = admin_actions.delete_selected(self, request, rows)  # type: ignore[arg-type]
        if response is not None:
            context: Any = response.context_data
            names = context["objects_name"]
            if not context["perms_lacking"] and not context["protected"]:
                context["title"] = deletion_question(rows, self.opts)
                context["consequences"] = self.describe_deletion(request, rows)
            else:
                context["title"] = f"Can’t delete {names}"
        return response
