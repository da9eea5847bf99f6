"""Admin of the ledgers of subscriptions, for reading: every video that a check has seen."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats
from django.utils.html import format_html
from django.utils.text import capfirst

from downloads.accounts.admin_url_secrets import link_url_without_secrets
from downloads.formatting import (
    break_after_slashes,
    format_admin_datetime,
    format_duration,
    hide_secrets,
    truncate_text,
)
from downloads.models import Subscription, SubscriptionItem, SubscriptionItemState
from downloads.models.subscriptions.choices import BEFORE_REASON
from downloads.views.subscriptions.actions import perform_on_items, perform_on_selected
from downloads.views.subscriptions.read_only_admin import ReadOnlyAdmin

MAX_SUBSCRIPTION_CHOICES = 20  # more would push the filter of states out of sight
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


class ItemStateFilter(admin.SimpleListFilter):
    """Filter of items by their state."""

    title = parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states, as (value, label)."""
        return [(value, str(label)) for value, label in SubscriptionItemState.choices]

    def queryset(self, request: HttpRequest, items: QuerySet[SubscriptionItem]) -> QuerySet[SubscriptionItem]:
        """Return the items of the selected state."""
        return items.filter(state=self.value()) if self.value() else items


class ItemSubscriptionFilter(admin.SimpleListFilter):
    """Filter of items by their subscription; of many, only the chosen one is shown: its page leads here."""

    title = parameter_name = "subscription"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the subscriptions, as (value, label); the chosen one alone, or nothing, if there are many."""
        subscriptions = Subscription.objects.order_by("name", "pk").only("name", "url")
        choices = list(subscriptions[: MAX_SUBSCRIPTION_CHOICES + 1])
        if len(choices) > MAX_SUBSCRIPTION_CHOICES:
            choices = list(subscriptions.filter(pk=self._chosen_pk))
        return [(str(one.pk), truncate_text(str(one), 60)) for one in choices]

    def queryset(self, request: HttpRequest, items: QuerySet[SubscriptionItem]) -> QuerySet[SubscriptionItem]:
        """Return the items of the chosen subscription; all of them if there is none of this key."""
        is_choice = str(self._chosen_pk) in dict(self.lookup_choices)
        return items.filter(subscription=self._chosen_pk) if is_choice else items

    @property
    def _chosen_pk(self) -> int:
        value = self.value() or ""
        # Fewer than 19 digits fit a 64-bit integer; no row has the key 0.
        return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0


@admin.register(SubscriptionItem)
class SubscriptionItemAdmin(ReadOnlyAdmin):
    """The ledgers: every video that was seen, with its state and the reason."""

    list_display = ("short_title", "list_link", "state_badge", "length_text", "published_text", "seen_text")
    list_filter = (ItemSubscriptionFilter, ItemStateFilter)
    actions = ("fetch", "ignore", "unignore")
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
        record = {"state": item_badge(item), "links": links, "item": item}
        context = {**context, "subtitle": item_title(item), "record": record}
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.action(description="Fetch selected items", permissions=["act"])
    def fetch(self, request: HttpRequest, items: QuerySet[SubscriptionItem]) -> None:
        """Queue the videos, whatever the filters say."""
        perform_on_selected(request, "fetch", items, perform_on_items)

    @admin.action(description="Ignore selected items", permissions=["act"])
    def ignore(self, request: HttpRequest, items: QuerySet[SubscriptionItem]) -> None:
        """Leave the videos alone for good."""
        perform_on_selected(request, "ignore", items, perform_on_items)

    @admin.action(description="Stop ignoring selected items", permissions=["act"])
    def unignore(self, request: HttpRequest, items: QuerySet[SubscriptionItem]) -> None:
        """Let the filters judge the videos again."""
        perform_on_selected(request, "unignore", items, perform_on_items)

    @admin.display(description="Title", ordering="title")
    def short_title(self, item: SubscriptionItem) -> str:
        """Return the title, cut to 80 characters."""
        return format_html("<bdi>{}</bdi>", truncate_text(item_title(item), 80))

    @admin.display(description="Subscription", ordering="subscription__name")
    def list_link(self, item: SubscriptionItem) -> str:
        """Return the name of its subscription, as a link to its page."""
        url = reverse("subscription", args=[item.subscription.key])
        return format_html(
            '<a href="{}"><bdi>{}</bdi></a>', url, break_after_slashes(truncate_text(str(item.subscription), 60))
        )

    @admin.display(description="State", ordering="state")
    def state_badge(self, item: SubscriptionItem) -> str:
        """Render the state and the reason, if there is one; on phones, what other columns say stands below."""
        context = {
            "state": item_badge(item),
            "reason": "" if item.reason == BEFORE_REASON else self.cut_reason(item),  # which the state says
            "facts": f"{truncate_text(str(item.subscription), 60)} · seen {self.seen_text(item).partition(',')[0]}",
        }
        return render_to_string("downloads/admin/_row_state.html", context)

    @admin.display(description="Length", ordering="duration")
    def length_text(self, item: SubscriptionItem) -> str:
        """Return the duration as "12:04"."""
        return format_duration(item.duration) or "—"

    @admin.display(description="Published", ordering="published")
    def published_text(self, item: SubscriptionItem) -> str:
        """Return the day of publication."""
        return formats.date_format(item.published_on, "j M Y") if item.published_on else "—"

    # Rows are written when they are seen, and their keys have an index.
    @admin.display(description="First seen", ordering="pk")
    def seen_text(self, item: SubscriptionItem) -> str:
        """Return when a check saw it first; the page's foot names the zone."""
        return format_admin_datetime(item.seen_at) if item.seen_at else ""

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


def item_badge(item: SubscriptionItem) -> dict[str, str]:
    """Return the state of an item as its template takes it: `name`, `icon` and `label`."""
    icon = ITEM_ICONS.get(item.state, "cancelled")
    return {"name": f"item-{item.state}", "icon": icon, "label": item.label}


def item_title(item: SubscriptionItem) -> str:
    """Return the title of an item, or else its ID on the site."""
    return item.title or item.source_id or "Unknown video"
