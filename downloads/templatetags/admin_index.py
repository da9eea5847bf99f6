"""Template tags of the admin: its tabs, and for its first page the state of the archive and a note for each model."""

from typing import Any

from django import template
from django.contrib import admin
from django.http import QueryDict
from django.urls import reverse
from django.utils.text import capfirst

from downloads.accounts.permissions import Permission, has_permission
from downloads.library.activity import SECTION_KINDS, ActivityListing
from downloads.models import Queue
from downloads.monitoring.standstill import standstill_sentence
from downloads.ytdlp_update.selection import select_version_cached
from downloads.ytdlp_update.status import read_status

register = template.Library()

# In the order of the rows.
MODEL_NOTES = {
    "downloads.video": "Every download with its state. Retry, cancel or delete many at once.",
    "downloads.subscription": "Channels and playlists that are followed, and when each is checked.",
    "downloads.subscriptionitem": "Every video that was seen in a subscription, and why it is or isn’t here.",
    "auth.user": "Who can sign in, and what each may do.",
    "auth.group": "What viewers, editors and managers may do.",
}
# Their tables are small; the number of videos is known without counting rows, and that of subscription items is not.
COUNTED_MODELS = {"downloads.subscription", "auth.user", "auth.group"}
# In the tabs, where the whole name is long.
TAB_LABELS = {"downloads.subscriptionitem": "Items"}


@register.simple_tag(takes_context=True)
def admin_tabs(context: template.Context) -> list[dict[str, str]]:
    """Return the tabs of the admin that the user may open, each with the value of its `aria-current`, if any."""
    request, page_model = context["request"], getattr(context.get("opts"), "model", None)
    page_name = request.resolver_match.view_name
    tabs = [{"label": "Admin", "url": reverse("admin:index"), "current": "page" * (page_name == "admin:index")}]
    # The audit log is no page of Django's admin.
    apps = context["available_apps"] if "available_apps" in context else admin.site.get_app_list(request)
    rows = [row for app in apps for row in app["models"] if row.get("admin_url")]
    for row in in_display_order(rows):
        options = row["model"]._meta
        label = TAB_LABELS.get(options.label_lower, capfirst(str(options.verbose_name_plural)))
        current = "page" if "cl" in context else "true"
        tabs.append({"label": label, "url": row["admin_url"], "current": current * (row["model"] is page_model)})
    if has_permission(request.user, Permission.MANAGE):
        tabs.append({"label": "Audit log", "url": reverse("audit"), "current": "page" * (page_name == "audit")})
    return tabs


@register.simple_tag
def archive_overview() -> dict[str, Any]:
    """Return the queue, the number of videos in each section of the activity page, what stands still, and yt-dlp."""
    listing = ActivityListing(QueryDict())
    counts = [(kind, listing.count(kind)) for kind in SECTION_KINDS]
    return {
        "queue": Queue.get_or_default(),
        "sections": [
            {
                "label": kind.label,
                "count": f"{count:,}",
                "url": listing.build_url(kind),
                "state": kind.state if count else "none",
            }
            for kind, count in counts
        ],
        "video_count": sum(listing.archive_status_counts.values()),
        "standstill": standstill_sentence(),
        "ytdlp": select_version_cached(),
        "ytdlp_update": read_status(),
    }


# They take the rows of Django's list of apps: a template would call the class of a model.


@register.filter
def in_display_order(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort rows by the order of MODEL_NOTES; Django sorts them by name."""
    order = [*MODEL_NOTES]
    return sorted(
        rows, key=lambda row: order.index(label) if (label := row["model"]._meta.label_lower) in order else 99
    )


@register.filter
def model_note(row: dict[str, Any]) -> str:
    """Return a sentence about what is done in the list of a model; "" for a model of another app."""
    return MODEL_NOTES.get(row["model"]._meta.label_lower, "")


@register.filter
def add_label(row: dict[str, Any]) -> str:
    """Return the words of the button that adds to a list: "Add user"."""
    return f"Add {row['model']._meta.verbose_name}"


@register.simple_tag
def model_count(row: dict[str, Any], video_count: int) -> str:
    """Return the number of rows of a model; "" where they would have to be counted for long."""
    label = row["model"]._meta.label_lower
    if label == "downloads.video":
        return f"{video_count:,}"
    return f"{row['model']._default_manager.count():,}" if label in COUNTED_MODELS else ""
