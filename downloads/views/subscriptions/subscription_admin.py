"""Admin of subscriptions, for reading, with the verbs of their pages."""

import datetime as dt
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.text import capfirst

from downloads.accounts.admin_url_secrets import link_url_without_secrets
from downloads.accounts.permissions import Permission, has_permission
from downloads.formatting import break_after_slashes, format_admin_datetime, site_name, time_until, truncate_text
from downloads.library.subscriptions.index import CONDITIONS, LABELS, Row, describe_rows
from downloads.library.subscriptions.pictures import attach_newest_videos
from downloads.library.subscriptions.states import describe_interval
from downloads.library.subscriptions.timeline import build_timeline
from downloads.models import Subscription
from downloads.views.subscriptions.actions import perform_on_selected, perform_on_subscriptions
from downloads.views.subscriptions.item_admin import item_badge
from downloads.views.subscriptions.read_only_admin import ReadOnlyAdmin

# States that need no reason beside them.
UNTROUBLED_STATES = ("new", "active", "checking", "paused")
# What the page of one shows of its ledger and of its history; the rest is a link away.
MAX_ITEMS = 10
MAX_EVENTS = 50


class SubscriptionStateFilter(admin.SimpleListFilter):
    """Filter of subscriptions by state: the tabs of their page, and "Active" for those without an error."""

    title = parameter_name = "state"
    conditions: ClassVar = {"active": Q(active=True, error=""), **CONDITIONS}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states, as (value, label)."""
        labels = {**LABELS, "active": "Active"}
        return [(name, labels[name]) for name in self.conditions if name]

    def queryset(self, request: HttpRequest, subscriptions: QuerySet[Subscription]) -> QuerySet[Subscription]:
        """Return the subscriptions in the selected state; all of them if there is no such state."""
        return subscriptions.filter(self.conditions.get(self.value() or "", Q()))


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Subscriptions, with their state in words."""

    list_display = ("row_name", "site", "state", "next_check", "videos")
    list_filter = (SubscriptionStateFilter, "kind")
    actions = ("check_now", "pause", "resume")
    search_fields = ("name", "canonical_url")
    search_help_text = "Search subscriptions"
    ordering = ("name", "pk")
    fieldsets = (
        ("About", {"fields": ("kind_text", "tabs_text", "linked_counts", "added_by")}),
        ("Source", {"fields": ("cut_url", "extractor_text", "source_id", "created_text")}),
        (
            "Downloads",
            {
                "fields": (
                    *("quality", "subtitle_languages", "title_includes", "title_excludes"),
                    *("min_duration", "max_duration", "published_since", "max_new_text"),
                    *("start", "start_count", "start_date"),
                )
            },
        ),
        ("Retention", {"fields": ("keep_days", "keep_newest")}),
        (
            "Checks",
            {
                "fields": (
                    *("interval_text", "last_check_text", "next_check_text", "succeeded_at", "found_at"),
                    *("failure_count", "failing_since"),
                )
            },
        ),
    )
    readonly_fields = (
        *("kind_text", "tabs_text", "linked_counts", "created_text", "max_new_text"),
        *("cut_url", "extractor_text", "interval_text", "last_check_text", "next_check_text"),
    )

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Show its picture, state and verbs, a link to its page, the videos seen last, and its history."""
        subscription = context["original"]
        attach_newest_videos([subscription])
        url = reverse("subscription", args=[subscription.key])
        may_change = has_permission(request.user, Permission.CHANGE)
        record = {
            "state": _row_of(subscription).state,
            "links": [("Edit settings", f"{url}?show=settings") if may_change else ("Open in Subscriptions", url)],
            "subscription": subscription,
            "seen_last": [(item, item_badge(item)) for item in subscription.items.order_by("-pk")[:MAX_ITEMS]],
            "seen_count": _row_of(subscription).seen_count,
            "items_url": _items_url(subscription),
            "timeline": build_timeline(subscription.events()[:MAX_EVENTS]),
        }
        return super().render_change_form(request, {**context, "record": record}, *args, **kwargs)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Search URLs only for those who may see them whole: others could guess a token letter by letter."""
        return self.search_fields if has_permission(request.user, Permission.CHANGE) else ("name",)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list, with the states, counts and pictures of its rows, which are read by three queries."""
        changelist = super().get_changelist_instance(request)
        subscriptions = list(changelist.result_list)
        attach_newest_videos(subscriptions)
        for row in describe_rows(subscriptions):
            row.subscription.index_row = row  # type: ignore[attr-defined]
        return changelist

    @admin.action(description="Check selected subscriptions now", permissions=["act"])
    def check_now(self, request: HttpRequest, subscriptions: QuerySet[Subscription]) -> None:
        """Check these as soon as a worker is free."""
        perform_on_selected(request, "check", subscriptions, perform_on_subscriptions)

    @admin.action(description="Pause selected subscriptions", permissions=["act"])
    def pause(self, request: HttpRequest, subscriptions: QuerySet[Subscription]) -> None:
        """Check these no more until they are resumed."""
        perform_on_selected(request, "pause", subscriptions, perform_on_subscriptions)

    @admin.action(description="Resume selected subscriptions", permissions=["act"])
    def resume(self, request: HttpRequest, subscriptions: QuerySet[Subscription]) -> None:
        """Check these again at their times."""
        perform_on_selected(request, "resume", subscriptions, perform_on_subscriptions)

    @admin.display(description="Name", ordering="name")
    def row_name(self, subscription: Subscription) -> str:
        """Return the picture and the name, cut to 80 characters."""
        context = {
            "class_name": "subscription-avatar",
            "name": str(subscription),
            "video": subscription.newest_video,
        }
        picture = render_to_string("downloads/video/_avatar.html", context)
        return format_html("{}<bdi>{}</bdi>", picture, break_after_slashes(truncate_text(str(subscription), 80)))

    @admin.display(description="Site", ordering="host")
    def site(self, subscription: Subscription) -> str:
        """Return the site, as the library names it."""
        return site_name(subscription.canonical_url)[:40]

    @admin.display(description="State", ordering="active")
    def state(self, subscription: Subscription) -> str:
        """Render the state, with the reason where it is not as it should be; on phones, also what other columns say."""
        state = _row_of(subscription).state
        context = {
            "state": state,
            "reason": "" if state.name in UNTROUBLED_STATES else state.reason or state.sentence,
            "facts": " · ".join(filter(None, (_next_check_phrase(subscription), self.videos(subscription)))),
        }
        return render_to_string("downloads/admin/_row_state.html", context)

    @admin.display(description="Next check", ordering="next_check_at")
    def next_check(self, subscription: Subscription) -> str:
        """Return when it is checked next, and how often."""
        when = _next_check_at(subscription)
        if when is None:
            return "None planned"
        time = "Now" if _row_of(subscription).state.is_checking else time_until(when).capitalize()
        return format_html("{}<p>{}</p>", time, describe_interval(subscription))

    @admin.display(description="Videos")
    def videos(self, subscription: Subscription) -> str:
        """Return how many videos it has kept, of how many that it has seen."""
        row = _row_of(subscription)
        return f"{row.kept_count:,} kept of {row.seen_count:,} seen" if row.seen_count else "Nothing seen yet"

    @admin.display(description="Videos")
    def linked_counts(self, subscription: Subscription) -> str:
        """Return how many videos it has kept and seen, with links to both."""
        row = _row_of(subscription)
        if not row.seen_count:
            return self.videos(subscription)
        kept = f"{row.kept_count:,} kept"
        if row.kept_count:
            kept = format_html('<a href="{}?subscription={}">{}</a>', reverse("library"), subscription.key, kept)
        return format_html('{} of <a href="{}">{} seen</a>', kept, _items_url(subscription), f"{row.seen_count:,}")

    @admin.display(description="Followed since")
    def created_text(self, subscription: Subscription) -> str:
        """Return when somebody followed the list; the page's foot names the zone."""
        return format_admin_datetime(subscription.created_at)

    @admin.display(description="Per check")
    def max_new_text(self, subscription: Subscription) -> str:
        """Return how many new videos one check adds at most."""
        return f"At most {subscription.max_new:,} new videos"

    @admin.display(description="Kind")
    def kind_text(self, subscription: Subscription) -> str:
        """Return whether it is a channel or a playlist, once that is known."""
        return capfirst(subscription.get_kind_display())

    @admin.display(description="Tabs")
    def tabs_text(self, subscription: Subscription) -> str:
        """Return the tabs of a channel that are looked at."""
        return capfirst(subscription.tabs.replace(",", ", "))

    @admin.display(description="Extractor")
    def extractor_text(self, subscription: Subscription) -> str:
        """Return the name of yt-dlp's extractor."""
        return subscription.extractor

    @admin.display(description="Last check")
    def last_check_text(self, subscription: Subscription) -> str:
        """Return when it was checked last, if it is not being checked; the page's foot names the zone."""
        if _row_of(subscription).state.is_checking:
            return "Running now"
        return format_admin_datetime(subscription.checked_at) if subscription.checked_at else "None yet"

    @admin.display(description="Next check")
    def next_check_text(self, subscription: Subscription) -> str:
        """Return when it is checked next; the page's foot names the zone."""
        when = _next_check_at(subscription)
        if when is None:
            return "None planned"
        if when <= timezone.now():
            return f"Due since {format_admin_datetime(when)}"
        return f"{time_until(when).capitalize()} ({format_admin_datetime(when)})"

    @admin.display(description="Interval")
    def interval_text(self, subscription: Subscription) -> str:
        """Return how often it is checked."""
        return capfirst(describe_interval(subscription))

    @admin.display(description="URL")
    def cut_url(self, subscription: Subscription) -> str:
        """Return the URL as a link, or without its secrets."""
        return link_url_without_secrets(subscription.canonical_url)

    def has_value(self, name: str, obj: Subscription) -> bool:
        """Leave out the number of failures while there are none, and the next check while one runs."""
        if name == "failure_count":
            return obj.failure_count > 0
        if name == "next_check_text":
            return not _row_of(obj).state.is_checking
        return super().has_value(name, obj)


def _next_check_at(subscription: Subscription) -> dt.datetime | None:
    return subscription.next_check_at if subscription.active and not subscription.is_resting else None


def _next_check_phrase(subscription: Subscription) -> str:
    if _row_of(subscription).state.is_checking:
        return ""
    when = _next_check_at(subscription)
    return f"Next check {time_until(when)}" if when else "No check planned"


def _items_url(subscription: Subscription) -> str:
    return f"{reverse('admin:downloads_subscriptionitem_changelist')}?subscription={subscription.pk}"


def _row_of(subscription: Subscription) -> Row:
    if not hasattr(subscription, "index_row"):
        subscription.index_row = describe_rows([subscription])[0]  # type: ignore[attr-defined]
    return subscription.index_row  # type: ignore[attr-defined]
