"""Admin of subscriptions and of their ledgers, for reading: what people do with them, they do on the pages."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.html import format_html
from django.utils.text import capfirst

from downloads.accounts.filled_fields import FilledFieldsMixin
from downloads.accounts.permissions import Permission, has_permission
from downloads.accounts.secret_admin import link_url_without_secrets
from downloads.accounts.user_admin import PlainTitlesMixin, SafeLookupMixin
from downloads.formatting import format_duration, hide_secrets, site_name, time_until
from downloads.library.subscriptions.index import Row, describe_rows
from downloads.library.subscriptions.states import describe_interval, describe_state
from downloads.models import Subscription, SubscriptionItem, SubscriptionItemState

# States that need no reason beside them.
UNTROUBLED_STATES = ("new", "active", "checking", "paused")


class ReadOnlyAdmin(FilledFieldsMixin, SafeLookupMixin, PlainTitlesMixin, admin.ModelAdmin):
    """Rows that are written by verbs alone; whoever may view the archive, and is staff, may read them."""

    actions = None
    show_full_result_count = False
    list_per_page = 50
    empty_value_display = ""
    # The names lead to the pages of the library; this, to the row itself.
    list_display_links = ("record",)

    class Media:
        css: ClassVar = {"all": ("css/state.css", "css/admin.css")}

    @admin.display(description="Record")
    def record(self, row: Any) -> str:
        """Return the words of the link to the admin's page of a row."""
        return format_html('Details<span class="visually-hidden"> of {}</span>', str(row)[:80])

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


class ActiveFilter(admin.BooleanFieldListFilter):
    """Filter of subscriptions by whether they are checked, in words."""

    labels: ClassVar = {"Yes": "Active", "No": "Paused"}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "checks"

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        """Yield the choices; Django's are "Yes" and "No"."""
        for choice in super().choices(changelist):
            label, count = str(choice["display"]).partition(" ")[::2]
            yield {**choice, "display": f"{self.labels.get(label, label)} {count}".strip()}


@admin.register(Subscription)
class SubscriptionAdmin(ReadOnlyAdmin):
    """Subscriptions, with their state in words."""

    list_display = ("page_link", "site", "state", "next_check", "videos", "record")
    list_filter = (("active", ActiveFilter), "kind")
    search_fields = ("name", "canonical_url")
    search_help_text = "Search subscriptions"
    ordering = ("name", "pk")
    fieldsets = (
        ("List", {"fields": ("page_link", "state_text", "active_text", "kind", "tabs", "added_by", "created_at")}),
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
                    *("interval_text", "next_check_at", "checked_at", "succeeded_at", "found_at"),
                    *("failure_count", "failing_since"),
                )
            },
        ),
    )
    readonly_fields = ("page_link", "state_text", "cut_url", "interval_text", "extractor_text", "active_text")

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
    def page_link(self, subscription: Subscription) -> str:
        """Return the name, cut to 80 characters, as a link to its page."""
        return format_html(
            '<a href="{}"><bdi>{}</bdi></a>', reverse("subscription", args=[subscription.key]), str(subscription)[:80]
        )

    @admin.display(description="Site", ordering="host")
    def site(self, subscription: Subscription) -> str:
        """Return the site, as the library names it."""
        return site_name(subscription.canonical_url)[:40]

    @admin.display(description="State", ordering="active")
    def state(self, subscription: Subscription) -> str:
        """Render the state, with the reason where it is not as it should be."""
        state = _row_of(subscription).state
        badge = render_to_string("downloads/subscriptions/_state.html", {"state": state})
        reason = "" if state.name in UNTROUBLED_STATES else state.sentence
        return format_html('{}<p class="reason">{}</p>', badge, reason) if reason else badge

    @admin.display(description="Next check", ordering="next_check_at")
    def next_check(self, subscription: Subscription) -> str:
        """Return when it is checked next, and how often."""
        when = subscription.next_check_at if subscription.active and not subscription.is_resting else None
        interval = describe_interval(subscription)
        return format_html("{}<p>{}</p>", time_until(when).capitalize(), interval) if when else "None planned"

    @admin.display(description="Videos")
    def videos(self, subscription: Subscription) -> str:
        """Return how many videos it has kept, of how many that it has seen."""
        row = _row_of(subscription)
        return f"{row.kept:,} kept of {row.seen:,} seen" if row.seen else "Nothing seen yet"

    @admin.display(description="State")
    def state_text(self, subscription: Subscription) -> str:
        """Return the state in words, with the reason."""
        state = describe_state(subscription)
        return " · ".join(filter(None, (state.label, state.sentence)))

    @admin.display(description="Extractor")
    def extractor_text(self, subscription: Subscription) -> str:
        """Return the name of yt-dlp's extractor."""
        return subscription.extractor

    @admin.display(description="Active")
    def active_text(self, subscription: Subscription) -> str:
        """Return whether it is checked."""
        return "Yes" if subscription.active else "No"

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


def _row_of(subscription: Subscription) -> Row:
    return getattr(subscription, "index_row", None) or describe_rows([subscription])[0]


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

    list_display = ("short_title", "list_link", "state_text", "published_text", "seen_text", "record")
    list_filter = (StateFilter,)
    list_select_related = ("subscription", "video")
    search_fields = ("title", "source_id")
    search_help_text = "Search titles and IDs"
    ordering = ("-pk",)
    fieldsets = (
        (
            "Video",
            {"fields": ("title", "subscription", "cut_url", "source_id", "duration_text", "published", "tab", "video")},
        ),
        ("State", {"fields": ("state_label", "cut_reason", "retry_at", "picked_text", "seen_at", "changed_at")}),
    )
    readonly_fields = ("cut_url", "state_label", "cut_reason", "picked_text", "duration_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet[SubscriptionItem]:
        """Return the items; of their videos only what names them."""
        return super().get_queryset(request).defer("video__description", "video__chapters")

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Show an item under its title alone; its state is among the fields."""
        item = context["original"]
        return super().render_change_form(request, {**context, "subtitle": _item_title(item)}, *args, **kwargs)

    @admin.display(description="Title", ordering="title")
    def short_title(self, item: SubscriptionItem) -> str:
        """Return the title, cut to 80 characters; a link to the video's page if it is in the archive."""
        title = _item_title(item)[:80]
        if item.video is None:
            return format_html("<bdi>{}</bdi>", title)
        return format_html('<a href="{}"><bdi>{}</bdi></a>', item.video.get_absolute_url(), title)

    @admin.display(description="Subscription", ordering="subscription__name")
    def list_link(self, item: SubscriptionItem) -> str:
        """Return the name of its subscription, as a link to its page."""
        url = reverse("subscription", args=[item.subscription.key])
        return format_html('<a href="{}"><bdi>{}</bdi></a>', url, str(item.subscription)[:60])

    @admin.display(description="State", ordering="state")
    def state_text(self, item: SubscriptionItem) -> str:
        """Return the state, with the reason below it."""
        reason = self.cut_reason(item)
        return format_html('{}<p class="reason">{}</p>', item.label, reason) if reason else item.label

    @admin.display(description="Published", ordering="published")
    def published_text(self, item: SubscriptionItem) -> str:
        """Return the day of publication."""
        return formats.date_format(item.published_on, "j M Y") if item.published_on else ""

    @admin.display(description="First seen", ordering="seen_at")
    def seen_text(self, item: SubscriptionItem) -> str:
        """Return when a check saw it first; the page's foot names the zone."""
        return formats.date_format(timezone.localtime(item.seen_at), "j M Y, H:i") if item.seen_at else ""

    @admin.display(description="Reason")
    def cut_reason(self, item: SubscriptionItem) -> str:
        """Return the reason without the secrets of URLs in it."""
        return hide_secrets(item.reason)

    @admin.display(description="URL")
    def cut_url(self, item: SubscriptionItem) -> str:
        """Return the URL as a link, or without its secrets."""
        return link_url_without_secrets(item.url)

    @admin.display(description="State")
    def state_label(self, item: SubscriptionItem) -> str:
        """Return the state; its reason has a row of its own."""
        return item.label

    @admin.display(description="Asked for by a person")
    def picked_text(self, item: SubscriptionItem) -> str:
        """Return "Yes" if somebody chose it, whatever the filters say."""
        return "Yes" if item.is_picked else ""

    @admin.display(description="Length")
    def duration_text(self, item: SubscriptionItem) -> str:
        """Return the duration as "12:04"."""
        return format_duration(item.duration)


def _item_title(item: SubscriptionItem) -> str:
    return item.title or item.source_id or "Unknown video"
