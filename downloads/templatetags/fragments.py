"""Template tags for what a page has hundreds of, each rendered once: cards, icons, buttons, options of a field."""

import functools
import hashlib
from collections.abc import Iterable
from typing import Any

from django import template
from django.core.cache import caches
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from downloads.actions.bulk_actions import BULK_KINDS
from downloads.formatting import display_name, time_ago, truncate_text
from downloads.library.status_phrase import is_in_turn, pause_phrase, retry_phrase, retry_reason, status_phrase
from downloads.models import HostPause, PlayableCopy, Queue, Status, Video
from downloads.templatetags import watched
from downloads.templatetags.whitespace import INDENTATION_PATTERN

register = template.Library()

# They stand for the video's id and name in a fragment that all videos share.
PLACEHOLDER_ID = "SOMEID"
PLACEHOLDER_NAME = "SOMENAME"
COPY_PHRASES: dict[str, str] = {
    Status.QUEUED: "Waiting to be converted",
    Status.PROCESSING: "Converting",
    Status.FAILED: "Couldn’t make a playable copy",
}
MAX_NAME_LENGTH = 60  # characters of a video's name in the accessible name of its buttons


@register.simple_tag(takes_context=True)
def video_card(context: template.Context, video: Video, section: str) -> SafeString:
    """Render the card or row of a video, from the cache if nothing that it shows has changed.

    The cache key is a digest of everything that the template reads, so no entry has to be invalidated.
    """
    card_context = {
        "video": video,
        "section": section,
        "can": _video_permissions(context),
        # Who has watched states of their own.
        "is_signed_in": bool(context.get("is_signed_in")),
        "browse": context["browse"],
    }
    return watched.fill_in(context, _cached_card("downloads/library/_video.html", card_context), video)


@register.simple_tag(takes_context=True)
def activity_row(context: template.Context, video: Video, section: str) -> SafeString:
    """Render a video's row of the activity page, from the cache like `video_card`."""
    is_blocked, site_pause = _is_queue_blocked(context), _find_site_pause(context.get("queue"), video)
    row_context = {
        "video": video,
        "section": section,
        "can": _video_permissions(context),
        "browse": context["browse"],
        "is_blocked": is_blocked,
        "site_pause": site_pause,
        "is_in_turn": is_in_turn(video, is_blocked=is_blocked or site_pause is not None),
    }
    # Without the request, so without watched states.
    return watched.fill_in(template.Context(), _cached_card("downloads/activity/_row.html", row_context), video)


def _cached_card(template_name: str, card_context: dict[str, Any]) -> str:
    video, listing = card_context["video"], card_context["browse"]
    fields = [(name, value) for name, value in vars(video).items() if name != "_state"]
    key_parts = (
        template_name,
        fields,
        time_ago(video.added_at),
        retry_phrase(video),
        card_context["section"],
        tuple(card_context["can"].items()),
        card_context.get("is_signed_in"),
        card_context.get("is_blocked"),
        pause.until if (pause := card_context.get("site_pause")) else None,
        listing.search_words,
        listing.clear_url,
    )
    key = hashlib.sha256(repr(key_parts).encode()).hexdigest()
    return caches["cards"].get_or_set(key, lambda: render_to_string(template_name, card_context), None) or ""


def _is_queue_blocked(context: template.Context) -> bool:
    """Return True while the queue starts nothing, as far as the page has read it."""
    queue = context.get("queue")
    return bool(queue and queue.blocked_reason)


def _find_site_pause(queue: Queue | None, video: Video) -> HostPause | None:
    """Return the pause that a waiting video waits for."""
    return queue.find_site_pause(video.host) if queue and video.status == Status.QUEUED else None


@register.filter
def pause_sentence(pause: HostPause) -> SafeString:
    """Return the sentence of a site's pause, with its reason, as HTML."""
    reason = retry_reason(pause.reason)
    return format_html("{}{}.", pause_phrase(pause), f": {reason}" if reason else "")


@register.simple_tag(takes_context=True)
def phrase_badge(context: template.Context, video: Video, queue: Queue | None = None) -> str:
    """Render what happens with a video: the icon of its status, and one phrase."""
    is_blocked = bool(queue and queue.blocked_reason) or bool(context.get("is_blocked"))
    site_pause = _find_site_pause(queue, video) or context.get("site_pause")
    badge_context = {
        "status": video.status,
        "label": status_phrase(video, is_blocked=is_blocked, site_pause=site_pause),
        "is_retrying": video.retries_at is not None and not is_blocked and site_pause is None,
    }
    return render_to_string("downloads/video/_state.html", badge_context)


@register.simple_tag
def copy_state(copy: PlayableCopy, queue: Queue | None = None, failed_label: str = "") -> str:
    """Render what happens with a playable copy: the icon of its status, and one phrase."""
    label = COPY_PHRASES.get(copy.status, "")
    if copy.status == Status.QUEUED and queue and queue.blocked_reason:
        label = "Paused"
    elif copy.status == Status.FAILED:
        label = failed_label or label
    return render_to_string("downloads/video/_copy_state.html", {"status": copy.status, "label": label})


@register.simple_tag
@functools.cache
def icon(name: str) -> str:
    """Render the icon of a status or an action, hidden from screen readers: the text beside it says the same."""
    return render_to_string("downloads/_icon.html", {"name": name})


@register.simple_tag
@functools.cache
def status_badge(status: str) -> str:
    """Render a status as its icon and its label."""
    label = dict(Status.choices).get(status, status)
    return render_to_string("downloads/video/_state.html", {"status": status, "label": label})


@register.simple_tag(takes_context=True)
def action_buttons(context: template.Context, video: Video) -> SafeString:
    """Render the buttons of the actions that a video's status allows; none while a bulk action is to be performed."""
    if action_name := getattr(video, "pending_action", None):
        return pending_label(action_name)
    can = _video_permissions(context)
    return _fill_in_video(video, _render_action_buttons(video.status, **can))


def _video_permissions(context: template.Context) -> dict[str, bool]:
    """Return the permissions that the buttons of a video depend on; a cache of them has to tell these apart."""
    can = context.get("can")
    return {name: bool(can and can[name]) for name in ("change", "delete")}


@register.simple_tag
def pending_label(action_name: str) -> SafeString:
    """Render what a bulk action is about to do with a video."""
    kind = BULK_KINDS.get(action_name)
    return format_html('<span class="muted pending">{}</span>', kind.label if kind else "…")


@functools.cache
def _render_action_buttons(status: str, **can: bool) -> str:
    video = Video(video_id=PLACEHOLDER_ID, title=PLACEHOLDER_NAME, status=status)
    return render_to_string("downloads/video/_actions.html", {"video": video, "can": can})


@register.simple_tag
def action_button(video: Video, action: str, label: str, icon: str = "", form_id: str = "act") -> SafeString:
    """Render the button of one action on a video; `form_id` is the form that it submits."""
    return _fill_in_video(video, _render_action_button(action, label, icon or action, form_id))


@register.simple_tag(takes_context=True)
def card_menu(context: template.Context, video: Video) -> SafeString:
    """Render the menu of a card; the same fragment serves all videos that offer the same."""
    can = _video_permissions(context)
    is_signed_in = bool(context.get("is_signed_in"))
    kind = (video.status, bool(video.media_file), video.is_list, bool(video.protected), is_signed_in)
    menu = _fill_in_video(video, _render_card_menu(*kind, **can))
    # Inside of a card that is cached, the card is filled in at the end.
    return watched.fill_in(context, menu, video) if "request" in context else menu


@functools.cache
def _render_card_menu(
    status: str, has_file: bool, is_list: bool, protected: bool, is_signed_in: bool, **can: bool
) -> str:
    state = {"status": status, "media_file": PLACEHOLDER_ID if has_file else "", "is_list": is_list}
    video = Video(video_id=PLACEHOLDER_ID, title=PLACEHOLDER_NAME, protected=protected, **state)
    context = {"video": video, "can": can, "is_signed_in": is_signed_in, "name": PLACEHOLDER_NAME}
    return INDENTATION_PATTERN.sub(" ", render_to_string("downloads/library/_menu.html", context))


@functools.cache
def _render_action_button(action: str, label: str, icon: str, form_id: str) -> str:
    context = {"video_id": PLACEHOLDER_ID, "action": action, "label": label, "icon": icon, "form_id": form_id}
    return render_to_string("downloads/video/_act.html", {**context, "name": PLACEHOLDER_NAME})


@register.simple_tag
def cached_video_url(url_name: str, video: Video) -> SafeString:
    """Return the URL with this name for a video; faster than `url`, which resolves all patterns each time."""
    return _fill_in_video_id(video, _reverse_with_placeholder(url_name))


@register.simple_tag
def thumbnail_url(video: Video, size: str = "large") -> SafeString:
    """Return the URL of a video's thumbnail, "small" or "large", with a version that changes with the picture.

    While a download may be about to replace it, there is none, and browsers ask whether theirs is the newest.
    """
    query = ["size=small"] if size == "small" else []
    if video.ended_at:
        query.append(f"v={int(video.ended_at.timestamp() * 1000):x}")
    url = cached_video_url("thumbnail", video)
    return mark_safe(f"{url}?{'&amp;'.join(query)}" if query else url)  # noqa: S308 - no character of a person


@functools.cache
def _reverse_with_placeholder(url_name: str) -> str:
    return reverse(url_name, args=[PLACEHOLDER_ID])


def _fill_in_video_id(video: Video, fragment: str) -> SafeString:
    # An id has no character with a meaning in HTML or in a URL.
    return mark_safe(fragment.replace(PLACEHOLDER_ID, video.video_id))  # noqa: S308


def _fill_in_video(video: Video, fragment: str) -> SafeString:
    name = escape(truncate_text(display_name(video), MAX_NAME_LENGTH))
    # The name last: somebody else wrote it, and it may hold the other placeholder.
    return mark_safe(_fill_in_video_id(video, fragment).replace(PLACEHOLDER_NAME, name))  # noqa: S308


@register.simple_tag
def select_options(choices: Iterable[tuple[str, str]], selected: str) -> SafeString:
    """Render the options of a select; Django's widget renders two templates for each, which takes 50 times as long."""
    return _render_select_options(tuple(choices), selected)


@functools.lru_cache(maxsize=64)
def _render_select_options(choices: tuple[tuple[str, str], ...], selected: str) -> SafeString:
    selected_attributes = {selected: mark_safe(" selected")}
    options = ((value, selected_attributes.get(value, ""), label) for value, label in choices)
    return format_html_join("\n", '<option value="{}"{}>{}</option>', options)
