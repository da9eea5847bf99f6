"""Admin of subscriptions and of their ledgers, for reading: what people do with them, they do on the pages."""

import datetime as dt
from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.text import capfirst

from downloads.accounts.filled_fields import FilledFieldsMixin
from downloads.accounts.permissions import Permission, has_permission
from downloads.accounts.secret_admin import SecretLookupMixin, link_url_without_secrets
from downloads.accounts.user_admin import PlainTitlesMixin, SafeLookupMixin
from downloads.formatting import break_after_slashes, format_duration, hide_secrets, site_name, time_until
from downloads.library.subscriptions.index import CONDITIONS, LABELS, Row, describe_rows
from downloads.library.subscriptions.states import describe_interval
from downloads.models import Subscription, SubscriptionItem, SubscriptionItemState
from downloads.models.subscriptions.choices import BEFORE_REASON

# States that need no reason beside them.
UNTROUBLED_STATES = ("new", "active", "checking", "paused")
# Icons of the states of items; the others have that of what was left out.
ITEM_ICONS: Mapping[str, str] = {
    SubscriptionItemState.QUEUED: "complete",
    SubscriptionItemState.ARCHIVED: "complete",
    SubscriptionItemState.FILTERED: "filter",
    SubscriptionItemState.WAITING: "queued",
    SubscriptionItemState.MEMBERS: "warning",
    SubscriptionItemState.GONE: "warning",
    SubscriptionItemState.REMOVED: "delete",
}


class ReadOnlyAdmin(FilledFieldsMixin, SecretLookupMixin, SafeLookupMixin, PlainTitlesMixin, admin.ModelAdmin):
    """Rows that are written by verbs alone; whoever may view the archive, and is staff, may read them."""

    actions = None
    show_full_result_count = False
    list_per_page = 50
    empty_value_display = ""
    change_form_template = "admin/downloads/record.html"

    class Media:
        css: ClassVar = {"all": ("css/state.css", "css/admin.css")}

    def has_module_permission(self, request: HttpRequest) -> bool:
        """List the model for those who may view the archive."""
        return has_permission(request.user, Permission.VIEW)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show rows to those who may view the archive."""
        return has_permission(request.user, Permission.VIEW)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: the pages add rows."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: the pages change rows."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: the pages delete rows."""
        return False


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
    search_fields = ("name", "canonical_url")
    search_help_text = "Search subscriptions"
    ordering = ("name", "pk")
    fieldsets = (
        ("List", {"fields": ("kind_text", "tabs_text", "videos", "added_by", "created_at")}),
        ("Source", {"fields": ("cut_url", "host", "extractor_text", "source_id")}),
        (
            "Videos",
            {
                "fields": (
                    *("quality", "subtitle_languages", "title_includes", "title_excludes"),
                    *("min_duration", "max_duration", "published_since", "max_new"),
                    *("start", "start_count", "start_date"),
                )
            },
        ),
        ("Retention", {"fields": ("keep_days", "keep_newest")}),
        (
            "Checks",
            {
                "fields": (
                    *("interval_text", "next_check_text", "checked_at", "succeeded_at", "found_at"),
                    *("failure_count", "failing_since"),
                )
            },
        ),
    )
    readonly_fields = (
        *("kind_text", "tabs_text", "videos"),
        *("cut_url", "extractor_text", "interval_text", "next_check_text"),
    )

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Show the state below the name, and a link to the page where it is changed."""
        subscription = context["original"]
        url = reverse("subscription", args=[subscription.key])
        record = {"state": _row_of(subscription).state, "links": [("Open in Subscriptions", url)]}
        return super().render_change_form(request, {**context, "record": record}, *args, **kwargs)

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Search URLs only for those who may see them whole: others could guess a token letter by letter."""
        return self.search_fields if has_permission(request.user, Permission.CHANGE) else ("name",)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Return the list, with the states and the counts of its rows, which are read by two queries."""
        changelist = super().get_changelist_instance(request)
        for row in describe_rows(list(changelist.result_list)):
            row.subscription.index_row = row  # type: ignore[attr-defined]
        return changelist

    @admin.display(description="Name", ordering="name")
    def row_name(self, subscription: Subscription) -> str:
        """Return the name, cut to 80 characters; on phones, what other columns say stands below."""
        return format_html(
            '<bdi>{}</bdi> <span class="row-facts"><span>{}</span> <span>{}</span></span>',
            break_after_slashes(str(subscription)[:80]),
            _next_check_phrase(subscription),
            self.videos(subscription),
        )

    @admin.display(description="Site", ordering="host")
    def site(self, subscription: Subscription) -> str:
        """Return the site, as the library names it."""
        return site_name(subscription.canonical_url)[:40]

    @admin.display(description="State", ordering="active")
    def state(self, subscription: Subscription) -> str:
        """Render the state, with the reason where it is not as it should be; the next check has its own column."""
        state = _row_of(subscription).state
        badge = render_to_string("downloads/subscriptions/_state.html", {"state": state})
        reason = "" if state.name in UNTROUBLED_STATES else state.reason or state.sentence
        return format_html('{}<p class="reason">{}</p>', badge, reason) if reason else badge

    @admin.display(description="Next check", ordering="next_check_at")
    def next_check(self, subscription: Subscription) -> str:
        """Return when it is checked next, and how often."""
        when = _next_check_at(subscription)
        interval = describe_interval(subscription)
        return format_html("{}<p>{}</p>", time_until(when).capitalize(), interval) if when else "None planned"

    @admin.display(description="Videos")
    def videos(self, subscription: Subscription) -> str:
        """Return how many videos it has kept, of how many that it has seen."""
        row = _row_of(subscription)
        return f"{row.kept:,} kept of {row.seen:,} seen" if row.seen else "Nothing seen yet"

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

    @admin.display(description="Next check")
    def next_check_text(self, subscription: Subscription) -> str:
        """Return when it is checked next; the page's foot names the zone."""
        when = _next_check_at(subscription)
        if when is None:
            return "None planned"
        if _row_of(subscription).state.name == "checking":
            return "Now"
        if when <= timezone.now():
            return f"Due since {_format_moment(when)}"
        return f"{time_until(when).capitalize()} ({_format_moment(when)})"

    @admin.display(description="Interval")
    def interval_text(self, subscription: Subscription) -> str:
        """Return how often it is checked."""
        return capfirst(describe_interval(subscription))

    @admin.display(description="URL")
    def cut_url(self, subscription: Subscription) -> str:
        """Return the URL as a link, or without its secrets."""
        return link_url_without_secrets(subscription.canonical_url)

    def has_value(self, name: str, obj: Subscription) -> bool:
        """Leave out the number of failures while there are none."""
        return obj.failure_count > 0 if name == "failure_count" else super().has_value(name, obj)


def _format_moment(moment: dt.datetime) -> str:
    return formats.date_format(timezone.localtime(moment), "j M Y, H:i")


def _next_check_at(subscription: Subscription) -> dt.datetime | None:
    return subscription.next_check_at if subscription.active and not subscription.is_resting else None


def _next_check_phrase(subscription: Subscription) -> str:
    when = _next_check_at(subscription)
    return f"Next check {time_until(when)}" if when else "No check planned"


def _row_of(subscription: Subscription) -> Row:
    if not hasattr(subscription, "index_row"):
        subscription.index_row = describe_rows([subscription])[0]  # type: ignore[attr-defined]
    return subscription.index_row  # type: ignore[attr-defined]


class ItemStateFilter(admin.SimpleListFilter):
    """Filter of items by their state."""

    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states, as (value, label)."""
        return [(value, str(label)) for value, label in SubscriptionItemState.choices]

    def queryset(self, request: HttpRequest, items: QuerySet[SubscriptionItem]) -> QuerySet[SubscriptionItem]:
        """Return the items of the selected state."""
        return items.filter(state=self.value()) if self.value() else items


@admin.register(SubscriptionItem)
class SubscriptionItemAdmin(ReadOnlyAdmin):
    """The ledgers: every video that was seen, with its state and the reason."""

    list_display = ("short_title", "list_link", "state_badge", "published_text", "seen_text")
    list_filter = (ItemStateFilter,)
    list_select_related = ("subscription", "video")
    search_fields = ("title", "source_id")
    search_help_text = "Search titles and IDs"
    ordering = ("-pk",)
    fieldsets = (
        (
            "Video",
            {"fields": ("subscription", "cut_url", "source_id", "duration_text", "published", "tab_text", "video")},
        ),
        ("State", {"fields": ("cut_reason", "retry_at", "picked_text", "seen_at", "changed_at")}),
    )
    readonly_fields = ("cut_url", "cut_reason", "picked_text", "duration_text", "tab_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionItem]:
        """Return the items; of their videos only what names them."""
        return super().get_queryset(request).defer("video__description", "video__chapters")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Show an item under its title, with its state, its verbs, and links to its video and its subscription."""
        item = context["original"]
        links = [("Open in Subscriptions", reverse("subscription", args=[item.subscription.key]))]
        if item.video:
            links.insert(0, ("Open its video", item.video.get_absolute_url()))
        record = {"state": _badge_of(item), "links": links, "item": item}
        context = {**context, "subtitle": _item_title(item), "record": record}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="Title", ordering="title")
    def short_title(self, item: SubscriptionItem) -> str:
        """Return the title, cut to 80 characters; on phones, its subscription and the day it was seen stand below."""
        return format_html(
            '<bdi>{}</bdi> <span class="row-facts"><span>{}</span> <span>{}</span></span>',
            _item_title(item)[:80],
            break_after_slashes(str(item.subscription)[:60]),
            self.seen_text(item).partition(",")[0],
        )

    @admin.display(description="Subscription", ordering="subscription__name")
    def list_link(self, item: SubscriptionItem) -> str:
        """Return the name of its subscription, as a link to its page."""
        url = reverse("subscription", args=[item.subscription.key])
        return format_html('<a href="{}"><bdi>{}</bdi></a>', url, break_after_slashes(str(item.subscription)[:60]))

    @admin.display(description="State", ordering="state")
    def state_badge(self, item: SubscriptionItem) -> str:
        """Render the state, with the reason below it, if there is one."""
        badge = render_to_string("downloads/subscriptions/_state.html", {"state": _badge_of(item)})
        reason = "" if item.reason == BEFORE_REASON else self.cut_reason(item)  # which the state says
        return format_html('{}<p class="reason">{}</p>', badge, reason) if reason else badge

    @admin.display(description="Published", ordering="published")
    def published_text(self, item: SubscriptionItem) -> str:
        """Return the day of publication."""
        return formats.date_format(item.published_on, "j M Y") if item.published_on else "—"

    # Rows are written when they are seen, and their keys have an index.
    @admin.display(description="First seen", ordering="pk")
    def seen_text(self, item: SubscriptionItem) -> str:
        """Return when a check saw it first; the page's foot names the zone."""
        return _format_moment(item.seen_at) if item.seen_at else ""

    @admin.display(description="Reason")
    def cut_reason(self, item: SubscriptionItem) -> str:
        """Return the reason without the secrets of URLs in it."""
        return hide_secrets(item.reason)

    @admin.display(description="URL")
    def cut_url(self, item: SubscriptionItem) -> str:
        """Return the URL as a link, or without its secrets."""
        return link_url_without_secrets(item.url)

    @admin.display(description="Asked for by a person")
    def picked_text(self, item: SubscriptionItem) -> str:
        """Return "Yes" if somebody chose it, whatever the filters say."""
        return "Yes" if item.is_picked else ""

    @admin.display(description="Tab")
    def tab_text(self, item: SubscriptionItem) -> str:
        """Return the tab of the channel that it is in."""
        return capfirst(item.tab)

    @admin.display(description="Length")
    def duration_text(self, item: SubscriptionItem) -> str:
        """Return the duration as "12:04"."""
        return format_duration(item.duration)


def _badge_of(item: SubscriptionItem) -> dict[str, str]:
    icon = ITEM_ICONS.get(item.state, "cancelled")
    return {"name": f"item-{item.state}", "icon": icon, "label": item.label}


def _item_title(item: SubscriptionItem) -> str:
    return item.title or item.source_id or "Unknown video"
