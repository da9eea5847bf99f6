"""Admin of subscriptions and of their ledgers, for reading: what people do with them, they do on the pages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from downloads.accounts.permissions import Permission, has_permission
from downloads.accounts.user_admin import PlainTitlesMixin, SafeLookupMixin
from downloads.formatting import hide_secrets
from downloads.library.subscriptions.states import describe_interval, describe_state
from downloads.models import Subscription, SubscriptionItem, SubscriptionItemState


class ReadOnlyAdmin(SafeLookupMixin, PlainTitlesMixin, admin.ModelAdmin):
    """Rows that are written by verbs alone; whoever may view the archive, and is staff, may read them."""

    actions = None
    show_full_result_count = False
    list_per_page = 50

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


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Subscriptions, with their state in words."""

    list_display = ("short_name", "state_text", "interval_text", "next_check_at", "found_at", "page_link")
    list_filter = ("active", "kind")
    search_fields = ("name", "canonical_url")
    ordering = ("name", "pk")
    fields = (
        *("short_name", "page_link", "state_text", "cut_url", "extractor", "source_id", "host", "kind", "tabs"),
        *("quality", "subtitle_languages", "interval_text", "title_includes", "title_excludes", "min_duration"),
        *("max_duration", "published_since", "max_new", "start", "start_count", "start_date", "keep_days"),
        *("keep_newest", "active", "added_by", "created_at", "next_check_at", "checked_at", "succeeded_at"),
        *("found_at", "failure_count", "failing_since"),
    )
    readonly_fields = ("short_name", "page_link", "state_text", "cut_url", "interval_text")

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        """Search URLs only for those who may see them whole: others could guess a token letter by letter."""
        return self.search_fields if has_permission(request.user, Permission.CHANGE) else ("name",)

    @admin.display(description="Name", ordering="name")
    def short_name(self, subscription: Subscription) -> str:
        """Return the name, cut to 80 characters."""
        return str(subscription)[:80]

    @admin.display(description="State")
    def state_text(self, subscription: Subscription) -> str:
        """Return the state in words, with the reason."""
        state = describe_state(subscription)
        return " · ".join(filter(None, (state.label, state.sentence)))

    @admin.display(description="Checked")
    def interval_text(self, subscription: Subscription) -> str:
        """Return how often it is checked."""
        return describe_interval(subscription)

    @admin.display(description="URL")
    def cut_url(self, subscription: Subscription) -> str:
        """Return the URL without its secrets."""
        return hide_secrets(subscription.canonical_url)

    @admin.display(description="Page")
    def page_link(self, subscription: Subscription) -> str:
        """Return a link to its page."""
        return format_html('<a href="{}">Open</a>', reverse("subscription", args=[subscription.key]))


class StateFilter(admin.SimpleListFilter):
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

    list_display = ("short_title", "subscription", "label", "reason", "published", "seen_at")
    list_filter = (StateFilter,)
    list_select_related = ("subscription",)
    search_fields = ("title", "source_id")
    ordering = ("-pk",)
    fields = (
        *("title", "subscription", "cut_url", "source_id", "duration", "published", "tab", "label", "reason"),
        *("retry_at", "is_picked", "seen_at", "changed_at", "video"),
    )
    readonly_fields = ("cut_url", "label")

    @admin.display(description="Title", ordering="title")
    def short_title(self, item: SubscriptionItem) -> str:
        """Return the title, cut to 80 characters."""
        return (item.title or item.source_id or "Unknown video")[:80]

    @admin.display(description="URL")
    def cut_url(self, item: SubscriptionItem) -> str:
        """Return the URL without its secrets."""
        return hide_secrets(item.url)
