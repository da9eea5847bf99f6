"""Views of the library and of one video, their partials, and the form that adds videos."""

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.utils.translation.trans_real import parse_accept_lang_header
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import replace_url

from downloads.accounts import permissions
from downloads.accounts.permissions import Permission, RoleRequired
from downloads.actions import video_actions
from downloads.forms import IngestForm, remember_languages
from downloads.intake import submit
from downloads.intake.rejections import Rejection, group_by_reason, remaining_text, summarize
from downloads.library.cards import cards_context
from downloads.library.display import read_display
from downloads.library.listing import Listing
from downloads.library.video import video_page
from downloads.models import ACTIVITY_STATUSES, Quality, Queue, Video
from downloads.progress.keys import VIDEO_ID_PATTERN
from downloads.views import responses
from downloads.views.activity import activity_context
from downloads.views.decorators import require_permission
from downloads.views.middleware.body_limit import SIGNED_OUT_MESSAGE
from downloads.views.subscriptions.follow_added import follow_added

MAX_CARDS_PER_REQUEST = 100
MAX_LOGIN_URL_CHARACTERS = 3_000  # nginx accepts response headers of up to 4,096 bytes
# The partials of `video_cards`, by the value of its `as` parameter.
CARD_TEMPLATES = {
    "card": "downloads/library/_video.html",
    "activity": "downloads/activity/_row.html",
    "detail": "downloads/video/_detail.html",
    "admin": "downloads/admin/_video.html",
}


@require_safe
@require_permission(Permission.VIEW)
def library(request: HttpRequest) -> HttpResponse:
    """Show one page of what can be watched; query parameters named like fields of the form fill it in.

    Those who may not add videos are shown what the form would have had, since they may have typed it before signing in.
    """
    # What has failed, and the like, were states of the library once.
    if (state := request.GET.get("state")) in ACTIVITY_STATUSES:
        return redirect(f"{reverse('activity')}?state={state}")
    context = _library_context(request)
    if permissions.is_signed_in(request.user) and not permissions.has_permission(request.user, Permission.ADD):
        context |= {"pasted_text": request.GET.get("urls", ""), "refusal": RoleRequired(Permission.ADD)}
    if initial := _ingest_form_values(request.GET):
        context |= {"form": IngestForm.for_request(request, **initial), "is_sheet_open": True}
    context["is_archive_empty"] = not any(context["browse"].archive_status_counts.values())
    response = render(request, "downloads/library/library.html", context)
    if responses.is_htmx_request(request):
        return responses.update_url(request, response, context["browse"].build_url())
    return response


@require_safe
@require_permission(Permission.VIEW)
def library_list(request: HttpRequest) -> HttpResponse:
    """Return the library's list alone, for a page that missed a change."""
    return render(request, "downloads/library/_list.html", _library_context(request))


@require_http_methods(["GET", "HEAD", "POST"])
def add_videos(request: HttpRequest) -> HttpResponse:
    """Show the form, or add the videos of the submitted URLs; rejected lines stay in it, each with the reason."""
    if not permissions.is_signed_in(request.user):
        return _keep_form_through_login(request)
    permissions.require(request.user, Permission.ADD)
    if request.method != "POST":
        return _render_form(request, IngestForm.for_request(request, **_ingest_form_values(request.GET)))
    form = IngestForm(request.POST)
    added: list[Video] = []
    rejected: list[Rejection] = []
    if form.is_valid():
        options = {name: form.cleaned_data[name] for name in ("quality", "subtitles")}
        added, rejected = submit.submit(
            form.url_lines(), added_by=request.user, list_limit=form.chosen_limit(), **options
        )
        if form.cleaned_data["follow"]:
            follow_added(request, [*added, *(rejection.video for rejection in rejected if rejection.video)], options)
        # Where lines were refused, the form itself says how many were added.
        if added and not rejected:
            subject = video_actions.short_title(added[0]) if len(added) == 1 else f"{len(added):,} videos"
            messages.success(request, f"Added {subject}.", extra_tags="added")
        initial = {"urls": remaining_text(rejected), **options} if rejected else {"subtitles": options["subtitles"]}
        form = IngestForm(initial=initial)
        if rejected:
            form.mark_rejected()
    response = _added_response(request, form, added, rejected)
    if not form.is_bound:
        remember_languages(request, response, form["subtitles"].value())
    return response


def _ingest_form_values(data: QueryDict) -> dict[str, str]:
    """Return the values of the ingest form's fields in a query string or a posted form."""
    names = [name for name in IngestForm.base_fields if data.get(name)]
    return {name: ",".join(data.getlist(name)) if name == "subtitles" else str(data[name]) for name in names}


def _render_form(request: HttpRequest, form: IngestForm, **context: Any) -> HttpResponse:
    """Render the form as a page, or alone for htmx; after a submission, with the messages."""
    partial = "downloads/add/_added.html" if request.method == "POST" else "downloads/add/_form.html"
    template = partial if responses.is_htmx_request(request) else "downloads/add/add.html"
    response = render(request, template, {"form": form, **context})
    patch_vary_headers(response, ["HX-Request"])
    return response


def _added_response(
    request: HttpRequest, form: IngestForm, added: list[Video], rejected: list[Rejection]
) -> HttpResponse:
    """Return the form with the rejected lines, or lead to the library; the open page shows the added videos."""
    if not (responses.is_htmx_request(request) or rejected or form.is_bound):
        return redirect("library")
    is_audio = form["quality"].value() == Quality.AUDIO
    response = _render_form(
        request,
        form,
        refusals=group_by_reason(rejected),
        summary=summarize(len(added), len(rejected)),
        has_added=bool(added),
        offers_audio=not is_audio and any(rejection.could_be_audio for rejection in rejected),
    )
    if not added or not responses.is_htmx_request(request):
        return response
    # Without this, reloading the page would fill the form with the added URLs.
    if responses.current_url_has_parameter(request, "urls"):
        response = replace_url(response, reverse("library"))
    return responses.refresh_videos(response, [video.video_id for video in added])


def _keep_form_through_login(request: HttpRequest) -> HttpResponse:
    """Redirect to the sign-in page, with the form's values in the URL to return to.

    Values that are too long for a URL stay in the form: htmx shows a message there instead of redirecting.
    """
    if request.method != "POST":
        return responses.login_redirect(request, request.get_full_path())
    fields = QueryDict(mutable=True)
    fields.update(_ingest_form_values(request.POST))
    next_url = f"{reverse('library')}?{fields.urlencode()}" if fields else reverse("library")
    if len(quote(next_url)) <= MAX_LOGIN_URL_CHARACTERS:
        return responses.login_redirect(request, next_url)
    if not responses.is_htmx_request(request):
        return responses.login_redirect(request, reverse("library"))
    return responses.message_response(request, SIGNED_OUT_MESSAGE)


@require_safe
@require_permission(Permission.VIEW)
def video_cards(request: HttpRequest) -> HttpResponse:
    """Return the partials of the requested videos, each of the kind `as`; "admin" also lists ids that are gone."""
    kind = requested if (requested := request.GET.get("as")) in CARD_TEMPLATES else "card"
    ids = request.GET.getlist("id")[:MAX_CARDS_PER_REQUEST]
    videos = Video.objects.with_ids(ids).with_pending_action()
    context: dict[str, Any] = {"partial": CARD_TEMPLATES[kind], "kind": kind}
    if kind in ("card", "activity"):
        context |= _library_context(request) if kind == "card" else activity_context(request)
        context |= cards_context(context["browse"], videos)
    elif kind == "detail":
        context["videos"] = [{"video": video, "detail": _video_page_context(request, video)} for video in videos]
    else:
        context["videos"] = [{"video": video} for video in videos]
        valid_ids = {video_id for video_id in ids if VIDEO_ID_PATTERN.fullmatch(video_id)}
        gone_ids = sorted(valid_ids - {video.video_id for video in videos})
        context |= {"queue": Queue.get_or_default(), "gone": gone_ids}
    return render(request, "downloads/library/_cards.html", context)


@require_safe
@require_permission(Permission.VIEW)
def video_detail(request: HttpRequest, video_id: str) -> HttpResponse:
    """Show one video: its player, its metadata and its history."""
    # Read before the row: a change in between is then newer than `rev`, and the page fetches it.
    rev = Video.objects.latest_rev()
    videos = Video.objects.with_pending_action().select_related("parent", "added_by")
    video = get_object_or_404(videos, video_id=video_id)
    context = {"video": video, "detail": _video_page_context(request, video), "rev": rev}
    template = "downloads/playlist/playlist.html" if video.is_list else "downloads/video/detail.html"
    return render(request, template, context)


def _video_page_context(request: HttpRequest, video: Video) -> dict[str, Any]:
    languages = [code for code, _ in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]
    return video_page.video_page_context(video, request.GET, languages)


def _library_context(request: HttpRequest) -> dict[str, Any]:
    listing = Listing(request.GET, request.user, read_display(request))
    return {"rev": listing.rev, "browse": listing, "queue": Queue.get_or_default()}
