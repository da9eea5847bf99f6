"""Django admin of videos, users and groups, with the same actions and live progress bars as the pages."""

import logging
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import Group, User
from django.db import NotSupportedError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import mark_safe
from django.utils.text import Truncator
from django.views.decorators.http import require_POST

from downloads import formatting
from downloads.accounts.admin_url_secrets import HiddenSecretsMixin
from downloads.accounts.filled_fields import FilledFieldsMixin
from downloads.accounts.permissions import Permission, has_permission, require
from downloads.accounts.user_admin import ArchiveGroupAdmin, ArchiveUserAdmin, PlainWordingMixin, SafeLookupMixin
from downloads.actions import bulk_actions, delete_confirmation, video_actions
from downloads.library.filters import frequent_values, site_label
from downloads.models import UNFINISHED_STATUSES, Queue, Status, Video, VideoEvent
from downloads.search.query import find_matching, parse_query
from downloads.templatetags.video_format import file_type, first_line
from downloads.templatetags.whitespace import strip_indentation
from downloads.views import responses
from downloads.views.subscriptions import item_admin, subscription_admin

logger = logging.getLogger(__name__)

admin.site.site_header = admin.site.site_title = "ytarchive"
admin.site.site_url = settings.URL_PREFIX
# One page to change one's password, where wrong ones are counted.
admin.site.password_change = lambda request, extra_context=None: redirect("account")  # type: ignore
# There are few models to choose from, and the list of videos needs the width.
admin.site.enable_nav_sidebar = False
admin.site.index_title = "Admin"
admin.site.empty_value_display = "—"
# Django's name is "Authentication and Authorization".
apps.get_app_config("auth").verbose_name = "People"
# One word for them: the list of users and their pages have "role". Migrations compare the names in the class itself.
Group._meta.verbose_name, Group._meta.verbose_name_plural = "role", "roles"

# Registered there.
__all__ = ["item_admin", "subscription_admin"]
CHANGELIST_URL_NAME = "admin:downloads_video_changelist"
MAX_SEARCH_MATCHES = 1000
MAX_NAME_LENGTH = 40  # characters of an uploader, or of a site in a filter
# What the delete confirmation reads of each video.
CONFIRMATION_COLUMNS = ("video_id", "title", "url", "status", "size", "is_list")
MAX_VIDEOS_PER_DELETE = 10_000  # keeps the confirmation page and its field of primary keys small
# Of a complete video, the size says how much was downloaded, and the history has the times.
FIELDS_OF_UNFINISHED = ("downloaded_text", "queued_at", "started_at", "processing_at")
# Videos that may have no title yet are searched by URL too; they are few, and an index finds them.
UNTITLED_STATUSES = (*UNFINISHED_STATUSES, Status.FAILED, Status.CANCELLED)


admin.site.unregister((User, Group))
admin.site.register(User, ArchiveUserAdmin)
admin.site.register(Group, ArchiveGroupAdmin)


class VideoEventInline(admin.TabularInline):
    """The history of a video, read-only, in the words of its page."""

    model = VideoEvent
    template = "admin/downloads/video/history.html"
    fields = readonly_fields = ("at", "status", "attempt", "reason")
    verbose_name_plural = "History"
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: events are written by state transitions only."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: events are never changed."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Show the history to those who may view the video, as its page does."""
        return has_permission(request.user, Permission.VIEW)


class StatusFilter(admin.ChoicesFieldListFilter):
    """Filter by status, under the name of its column."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "state"


class SiteFilter(admin.SimpleListFilter):
    """Filter by the most frequent sites; finding all sites would scan every row for each page."""

    title = "site"
    parameter_name = "site"
    column = "host"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the most frequent sites, as (value, label)."""
        return [
            (value, Truncator(self.label_of(value)).chars(MAX_NAME_LENGTH)) for value in frequent_values(self.column)
        ]

    def label_of(self, value: str) -> str:
        """Return a host as people know it."""
        return site_label(value)

    def queryset(self, request: HttpRequest, videos: QuerySet[Video]) -> QuerySet[Video]:
        """Return the videos of the selected site."""
        return videos.filter(**{self.column: self.value()}) if self.value() else videos


class UploaderFilter(SiteFilter):
    """Filter by the most frequent uploaders."""

    title = parameter_name = column = "uploader"

    def label_of(self, value: str) -> str:
        """Return the uploader itself."""
        return value


@admin.register(Video)
class VideoAdmin(FilledFieldsMixin, HiddenSecretsMixin, SafeLookupMixin, PlainWordingMixin, admin.ModelAdmin):
    """Read-only admin of videos, with actions: a state changes by a transition of the model only."""

    list_display = (
        "short_name",
        "live_status",
        "short_uploader",
        "short_site",
        "duration_text",
        "size_text",
        "added_text",
        "page_link",
    )
    list_filter = (("status", StatusFilter), "quality", UploaderFilter, SiteFilter)
    search_fields = ("title",)
    search_help_text = "Title, uploader, description, subtitles, ID or link"
    date_hierarchy = "added_at"
    empty_value_display = ""
    ordering = ("-added_at", "-pk")
    list_per_page = 50
    show_full_result_count = False
    actions = ("retry", "cancel", "front", "again", "delete_selected")
    # Below the list, where they appear as soon as something is selected, and stay in sight.
    actions_on_top, actions_on_bottom = False, True
    inlines = (VideoEventInline,)
    fieldsets = (
        ("About", {"fields": ("uploader", "upload_date", "duration_text")}),
        (
            "Source",
            {
                "fields": (
                    *("linked_canonical_url", "linked_url", "short_site", "extractor_text"),
                    *("source_id", "quality", "added_by"),
                )
            },
        ),
        ("Files", {"fields": ("file_text", "format_text", "size_text")}),
        ("Progress", {"fields": ("error", "downloaded_text", "attempt", "retry_count", "worker")}),
        ("Times", {"fields": ("added_at", "not_before", "queued_at", "started_at", "processing_at", "ended_at")}),
        # Last, across the page: it may be long.
        ("Description", {"fields": ("folded_description",), "classes": ("whole",)}),
    )
    readonly_fields = (
        "folded_description",
        "short_site",
        "extractor_text",
        "duration_text",
        "file_text",
        "format_text",
        "size_text",
        "downloaded_text",
        *HiddenSecretsMixin.secret_fields,
    )

    @admin.display(description="Title", ordering="title")
    def short_name(self, video: Video) -> str:
        """Return the video's picture and its name, cut to 80 characters; an address breaks after slashes."""
        name = formatting.break_after_slashes(Truncator(formatting.display_name(video)).chars(80))
        thumbnail = strip_indentation(render_to_string("downloads/admin/_thumb.html", {"video": video}))
        return format_html('{}<span class="name">{}</span>', thumbnail, name)

    @admin.display(description="State", ordering="status")
    def live_status(self, video: Video) -> str:
        """Render the status and the bar, which the page's script updates; on phones, what other columns say first."""
        is_recent = video.added_at and video.added_at.year == timezone.now().year
        added = formatting.format_admin_datetime(video.added_at, "j M" if is_recent else "j M Y").replace(" ", "\u00a0")
        facts = " · ".join(filter(None, (self.short_uploader(video), self.duration_text(video), added)))
        state = strip_indentation(render_to_string("downloads/admin/_video.html", {"video": video}))
        return format_html("<small>{}</small>{}", facts, state)

    @admin.display(description="Uploader", ordering="uploader")
    def short_uploader(self, video: Video) -> str:
        """Return the uploader, cut so that the column stays narrow."""
        return Truncator(video.uploader).chars(MAX_NAME_LENGTH)

    @admin.display(description="Site", ordering="host")
    def short_site(self, video: Video) -> str:
        """Return the site by its host, as the library does, cut to 30 characters; lines break after dots."""
        host = escape(Truncator(site_label(video.host)).chars(30))
        return mark_safe(host.replace(".", ".<wbr>"))  # noqa: S308 - escaped

    @admin.display(description="Extractor")
    def extractor_text(self, video: Video) -> str:
        """Return the name of yt-dlp's extractor."""
        return video.extractor

    @admin.display(description="Description")
    def folded_description(self, video: Video) -> str:
        """Return the description, folded where it is long."""
        return render_to_string("downloads/admin/_description.html", {"text": video.description.strip()})

    @admin.display(description="Length", ordering="duration")
    def duration_text(self, video: Video) -> str:
        """Return the duration as "12:04"."""
        return formatting.format_duration(video.duration)

    @admin.display(description="Media file")
    def file_text(self, video: Video) -> str:
        """Return the path of the file below the folder of media; lines break after slashes."""
        return formatting.break_after_slashes(video.media_file)

    @admin.display(description="Format")
    def format_text(self, video: Video) -> str:
        """Describe the file, such as "1080p · mp4 (h264/aac)"."""
        return " · ".join(filter(None, (formatting.resolution_label(video), file_type(video))))

    @admin.display(description="Size", ordering="size")
    def size_text(self, video: Video) -> str:
        """Return the file's size as "603 MB"."""
        return formatting.format_bytes(video.size)

    @admin.display(description="Downloaded")
    def downloaded_text(self, video: Video) -> str:
        """Return the last known progress as "412 of 603 MB"."""
        return formatting.format_downloaded(video)

    @admin.display(description="Added", ordering="added_at")
    def added_text(self, video: Video) -> str:
        """Return the time of adding as "22 Nov 2026, 17:04"; the page's foot names the zone."""
        return formatting.format_admin_datetime(video.added_at)

    @admin.display(description="Library")
    def page_link(self, video: Video) -> str:
        """Return a link to the video's own page."""
        return format_html(
            '<a href="{}" aria-label="Open {}">Open</a>', video.get_absolute_url(), formatting.display_name(video)
        )

    def has_value(self, name: str, obj: Video) -> bool:
        """Leave out what the page says in another place, too."""
        if name in FIELDS_OF_UNFINISHED and obj.status == Status.COMPLETE:
            return False
        if name in ("linked_url", "cut_url"):
            return obj.url != obj.canonical_url
        if name in ("error", "cut_error"):  # the first line stands beside the state of what has failed
            return bool(obj.error.strip()) and (
                obj.status != Status.FAILED or first_line(obj.error) != obj.error.strip()
            )
        if name == "attempt":
            return obj.attempt > 1
        if name == "retry_count":
            return obj.retry_count > 0
        if name == "folded_description":
            return bool(obj.description.strip())
        return super().has_value(name, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: the library's form, which validates URLs, adds videos."""
        return False

    def has_module_permission(self, request: HttpRequest) -> bool:
        """List the videos on the admin's first page for those who may view them."""
        return has_permission(request.user, Permission.VIEW)

    def has_view_permission(self, request: HttpRequest, obj: Video | None = None) -> bool:
        """Allow what the pages allow."""
        return has_permission(request.user, Permission.VIEW)

    def has_change_permission(self, request: HttpRequest, obj: Video | None = None) -> bool:
        """Allow actions but no edit form, which would write back a state that has changed since."""
        return obj is None and has_permission(request.user, Permission.CHANGE)

    def has_delete_permission(self, request: HttpRequest, obj: Video | None = None) -> bool:
        """Allow what the pages allow."""
        return has_permission(request.user, Permission.DELETE)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, below the queue; a query that fails redirects to all videos."""
        context = {"queue": Queue.get_or_default(), **(extra_context or {})}
        try:
            if request.method != "POST":
                response = super().changelist_view(request, context)
                # Rendered here, since the template runs queries that may raise the same errors.
                return response.render() if isinstance(response, TemplateResponse) else response
            _require_action_permission(request)
            # Run the query before the action, so that errors of the action are not taken for errors of the query.
            self.get_changelist_instance(request)
            selected_pks = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
            self.model.objects.filter(pk__in=selected_pks).exists()
        except (OverflowError, ValueError, NotSupportedError, IncorrectLookupParameters):
            if request.method != "POST" and not request.GET:
                raise  # it is not the query: a redirect would come back here
            logger.warning("Invalid query of the video list: %s", request.GET, exc_info=True)
            messages.error(request, "That search isn’t valid. Showing all videos.")
            return redirect(CHANGELIST_URL_NAME)
        return super().changelist_view(request, context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Video]:
        """Return the videos with the bulk action that is to be performed on each."""
        return super().get_queryset(request).with_pending_action()  # type: ignore[attr-defined]

    def get_search_results(
        self, request: HttpRequest, videos: QuerySet[Video], search_term: str
    ) -> tuple[QuerySet[Video], bool]:
        """Search as the library does, and by id and URL, since a new video has no other data yet."""
        term = search_term.replace("\x00", "").strip()
        if not term:
            return videos, False
        by_id_or_url = Q(video_id=term) | Q(canonical_url=term)
        if has_permission(request.user, Permission.CHANGE):  # others could guess a token letter by letter
            by_id_or_url |= Q(url__icontains=term, status__in=UNTITLED_STATUSES)
        matching_pks = [
            *find_matching(parse_query(term), videos),
            *videos.filter(by_id_or_url).values_list("pk", flat=True)[:MAX_SEARCH_MATCHES],
        ]
        return videos.filter(pk__in=matching_pks), False

    @admin.action(description="Retry selected videos", permissions=["change"])
    def retry(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Retry failed and cancelled videos."""
        bulk_actions.run_or_start(request, videos.order_by("pk"), "retry")

    @admin.action(description="Cancel selected videos", permissions=["change"])
    def cancel(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Cancel waiting and running videos."""
        bulk_actions.run_or_start(request, videos.order_by("pk"), "cancel")

    @admin.action(description="Start selected videos next", permissions=["change"])
    def front(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Move waiting videos to the front of the queue."""
        bulk_actions.run_or_start(request, videos.order_by("pk"), "front")

    @admin.action(description="Download selected videos again", permissions=["change"])
    def again(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Redownload complete videos."""
        bulk_actions.run_or_start(request, videos.order_by("pk"), "again")

    # Deletion ----------------------------------------------------------------------------------------

    @admin.action(description="Delete selected videos and their files", permissions=["delete"])
    def delete_selected(self, request: HttpRequest, videos: QuerySet[Video]) -> HttpResponse | None:
        """Show a delete confirmation in place of Django's own, which does not mention files."""
        if videos[: MAX_VIDEOS_PER_DELETE + 1].count() <= MAX_VIDEOS_PER_DELETE:
            return self._delete_confirmation_response(request, list(videos.order_by("pk").only(*CONFIRMATION_COLUMNS)))
        limit = f"You can select up to {MAX_VIDEOS_PER_DELETE:,} videos at a time."
        messages.error(request, f"{limit} Nothing was deleted. Narrow the list with a filter.")
        return None

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the delete confirmation of one video.

        Unlike Django's own view it opens no transaction, since `Video.remove` has one.
        """
        video = self.get_object(request, unquote(object_id))
        require(request.user, Permission.DELETE)
        if video is None:
            messages.info(request, responses.VIDEO_GONE_MESSAGE)
            return redirect(CHANGELIST_URL_NAME)
        return self._delete_confirmation_response(request, [video])

    def _delete_confirmation_response(self, request: HttpRequest, videos: list[Video]) -> HttpResponse:
        confirmation = delete_confirmation.build_delete_confirmation(videos)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": confirmation.question,
            "deletion": confirmation,
            # One field, since Django limits the number of fields (DATA_UPLOAD_MAX_NUMBER_FIELDS).
            "chosen": " ".join(str(video.pk) for video in videos),
            "query": self._changelist_query(request),
        }
        return TemplateResponse(request, "admin/downloads/video/delete.html", context)

    def _changelist_query(self, request: HttpRequest) -> str:
        """Return the query string of the previous list page, so that its filters are kept."""
        return QueryDict(self.get_preserved_filters(request)).get("_changelist_filters", "")

    def get_urls(self) -> list[Any]:
        """Add the URL that the delete confirmation posts to."""
        delete_view = self.admin_site.admin_view(require_POST(self.delete_confirmed))
        return [path("delete/", delete_view, name="downloads_video_delete_chosen"), *super().get_urls()]

    def delete_confirmed(self, request: HttpRequest) -> HttpResponse:
        """Delete the videos that the confirmation page named, and log that in the admin's history."""
        require(request.user, Permission.DELETE)
        # Fewer than 19 digits fit a 64-bit integer; a larger number would make SQLite raise OverflowError.
        pks = [int(text) for text in request.POST.get("chosen", "").split() if text.isdecimal() and len(text) < 19]
        deleted = bulk_actions.run_or_start(request, Video.objects.filter(pk__in=pks).order_by("pk"), "delete")
        LogEntry.objects.log_actions(request.user.pk, deleted, DELETION)  # type: ignore[arg-type]
        if not pks:
            messages.info(request, "Select at least one video.")
        query = QueryDict(request.POST.get("query", "")).urlencode()
        return redirect(reverse(CHANGELIST_URL_NAME) + f"?{query}" * bool(query))


def _require_action_permission(request: HttpRequest) -> None:
    """Refuse an action of the list that this user may not take; Django would say that none was selected."""
    action_name = request.POST.get("action", "").removesuffix("_selected")
    if action_name in video_actions.ACTIONS:
        require(request.user, video_actions.required_permission(action_name))
