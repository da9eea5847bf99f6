"""Videos in Django's admin: to look through and to act on, with the same live bars as the pages."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.text import Truncator

from downloads import control
from downloads.models import Video, VideoEvent

admin.site.site_header = admin.site.site_title = "ytarchive"


class VideoEventInline(admin.TabularInline):
    """The history of a video, to read."""

    model = VideoEvent
    fields = readonly_fields = ("at", "status", "attempt", "reason")
    verbose_name_plural = "Timeline"
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave the history to the verbs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Leave the history as it was."""
        return False


@admin.register(Video)
class VideoAdmin(admin.ModelAdmin):
    """States change by verbs only, so nothing here is typed in: one looks, and acts."""

    list_display = ("short_name", "live", "uploader", "extractor", "added_at")
    list_filter = ("status", "quality", "extractor", "added_at")
    search_fields = ("title", "uploader", "url", "canonical_url", "video_id")
    ordering = ("-added_at", "-pk")
    list_per_page = 50
    show_full_result_count = False
    actions = ("retry", "cancel", "front", "again", "pause_queue", "resume_queue", "retry_all_failed", "cancel_all")
    inlines = (VideoEventInline,)
    fieldsets = (
        (None, {"fields": ("name", "page", "live", "error")}),
        ("Source", {"fields": ("url", "canonical_url", "extractor", "source_id", "quality", "added_by")}),
        ("About", {"fields": ("uploader", "upload_date", "duration", "description")}),
        ("Files", {"fields": ("media_file", "size", "thumbnail")}),
        ("Progress", {"fields": ("phase", "percent", "downloaded_bytes", "total_bytes", "attempt", "tries", "worker")}),
        ("Times", {"fields": ("added_at", "not_before", "queued_at", "started_at", "processing_at", "ended_at")}),
    )
    readonly_fields = ("name", "page", "live")

    @admin.display(description="Title", ordering="title")
    def short_name(self, video: Video) -> str:
        """Return what the list calls the video."""
        return Truncator(video.name).chars(80)

    @admin.display(description="State", ordering="status")
    def live(self, video: Video) -> str:
        """Return the video's state and bar, moved by the same script as on the pages."""
        return render_to_string("downloads/_admin_video.html", {"video": video})

    @admin.display(description="Page")
    def page(self, video: Video) -> str:
        """Return a link to the video's own page."""
        return format_html('<a href="{}">{}</a>', video.get_absolute_url(), video.video_id)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Leave adding to the form of the library, which checks what is pasted."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Video | None = None) -> bool:
        """Allow actions, but no typing: saving a form would write back a state that has moved on."""
        return obj is None and super().has_change_permission(request)

    def has_delete_permission(self, request: HttpRequest, obj: Video | None = None) -> bool:
        """Offer no deletion here: rows and files go together."""
        return False

    @admin.action(description="Retry selected videos", permissions=["change"])
    def retry(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Put failed and cancelled videos back into the queue."""
        self._act(
            request,
            videos.order_by("pk"),
            lambda video: video.retry(f"Retried by {request.user}"),
            "queued for another try",
        )

    @admin.action(description="Cancel selected videos", permissions=["change"])
    def cancel(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Take waiting and running videos out."""
        self._act(
            request, videos.order_by("pk"), lambda video: video.cancel(f"Cancelled by {request.user}"), "cancelled"
        )

    @admin.action(description="Move selected videos to the front", permissions=["change"])
    def front(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Let waiting videos start next."""
        by = request.user
        self._act(
            request,
            videos.order_by("-pk"),
            lambda video: video.move_to_front(f"Moved to the front by {by}"),
            "start next",
        )

    @admin.action(description="Download selected videos again", permissions=["change"])
    def again(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Fetch complete videos once more."""
        by = request.user
        self._act(
            request, videos.order_by("pk"), lambda video: video.again(f"Downloaded again by {by}"), "downloaded again"
        )

    @admin.action(description="Pause the queue (whatever is selected)", permissions=["change"])
    def pause_queue(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Let nothing new start."""
        self.message_user(request, control.QUEUE_VERBS["pause"](request.user))

    @admin.action(description="Resume the queue (whatever is selected)", permissions=["change"])
    def resume_queue(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Let waiting videos start again."""
        self.message_user(request, control.QUEUE_VERBS["resume"](request.user))

    @admin.action(description="Retry all failed videos (whatever is selected)", permissions=["change"])
    def retry_all_failed(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Put everything that failed back into the queue."""
        self.message_user(request, control.QUEUE_VERBS["retry-failed"](request.user))

    @admin.action(description="Cancel all waiting and running videos (whatever is selected)", permissions=["change"])
    def cancel_all(self, request: HttpRequest, videos: QuerySet[Video]) -> None:
        """Take out everything that waits or runs."""
        self.message_user(request, control.QUEUE_VERBS["cancel-all"](request.user))

    def _act(self, request: HttpRequest, videos: QuerySet[Video], act: Callable[[Video], bool], words: str) -> None:
        """Act on each video, and say how many it was done to, and what was skipped and why."""
        done, skipped = 0, []
        for video in videos:
            if act(video):
                done += 1
            else:
                skipped.append(f"{Truncator(video.name).chars(60)} ({video.get_status_display().lower()})")
        if done:
            self.message_user(request, f"{done} {words}.", messages.SUCCESS)
        if skipped:
            more = f" and {len(skipped) - 5} more" if len(skipped) > 5 else ""
            self.message_user(request, f"Skipped: {', '.join(skipped[:5])}{more}.", messages.WARNING)
