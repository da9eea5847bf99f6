"""View that follows channels and playlists: pasted links, pasted lists, or a file with one."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from downloads.accounts.permissions import Permission
from downloads.formatting import truncate_text
from downloads.forms import FollowForm, remembered_languages
from downloads.intake.rejections import group_by_reason, remaining_text
from downloads.library.subscriptions.index import describe_rows
from downloads.models import Subscription
from downloads.subscriptions.exchange import submission
from downloads.subscriptions.exchange.lists import FeedList, UnreadableList
from downloads.views.decorators import require_permission
from downloads.views.subscriptions.retention import require_permission_to_tighten_retention
from downloads.views.subscriptions.start_counts import describe_start_choices

MAX_SHOWN_KNOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
@require_permission(Permission.ADD)
def follow_lists(request: HttpRequest) -> HttpResponse:
    """Show the form, or follow what was submitted; what was not followed stays in it, each with the reason."""
    if request.method != "POST":
        return _render(request, FollowForm(initial=_initial(request)))
    form = FollowForm(request.POST, request.FILES)
    if not form.is_valid():
        return _render(request, form)
    require_permission_to_tighten_retention(request.user, form.settings())
    try:
        feeds = _read_feeds(form)
    except UnreadableList as error:
        form.add_error("file" if form.cleaned_data["file"] else "urls", str(error))
        return _render(request, form)
    result = submission.follow(feeds, added_by=request.user, values=form.settings())
    if result.added:
        messages.success(request, followed_sentence(result.added))
    if not result.rejections:
        for subscription in result.known[:1]:
            messages.info(request, _known_sentence(result.known, subscription))
        return redirect("subscription", result.added[0].key) if len(result.added) == 1 else redirect("subscriptions")
    return _render(request, _form_with_rest(form, result), result)


def _read_feeds(form: FollowForm) -> FeedList:
    """Return the entries of the field and of the file together; raise UnreadableList."""
    feeds = FeedList()
    for content in (form.cleaned_data["urls"], form.cleaned_data["file"]):
        if content:
            part = submission.read_list(content if isinstance(content, str) else content.read())
            feeds.feeds += part.feeds
            feeds.skipped += part.skipped
    return feeds


def followed_sentence(added: list[Subscription]) -> str:
    """Return the message about new subscriptions."""
    if len(added) == 1:
        return f"Following {truncate_text(str(added[0]), 80)}. The first check starts soon."
    return f"Following {len(added):,} channels and playlists. They are checked one after another."


def _known_sentence(known: list[Subscription], first: Subscription) -> str:
    if len(known) == 1:
        return f"You already follow {truncate_text(str(first), 80)}. Nothing was changed."
    return f"{len(known):,} of them were followed already. Nothing was changed there."


def _form_with_rest(form: FollowForm, result: submission.Submission) -> FollowForm:
    """Return the form with what was not followed, and the settings as they were chosen."""
    data = form.data.copy() if isinstance(form.data, QueryDict) else QueryDict(mutable=True)
    data["urls"] = remaining_text(result.rejections)
    values = {**form.cleaned_data, "urls": data["urls"], "file": None}
    return FollowForm(initial=values)


def _initial(request: HttpRequest) -> dict[str, str]:
    """Return what the query string fills in, such as the address of a channel whose page offers to follow it."""
    names = ("urls", "quality")
    fields = {name: request.GET[name] for name in names if request.GET.get(name)}
    return {"subtitles": remembered_languages(request), **fields}


def _render(request: HttpRequest, form: FollowForm, result: submission.Submission | None = None) -> HttpResponse:
    context = {"form": form, "start_choices": describe_start_choices(None)}
    if result:
        context |= {
            "unfollowed": group_by_reason(result.rejections),  # the sheet to add videos has a form of its own
            "added_count": len(result.added),
            "rejected_count": len(result.rejections),
            "known": describe_rows(result.known[:MAX_SHOWN_KNOWN]),
        }
    return render(request, "downloads/subscriptions/follow.html", context)
