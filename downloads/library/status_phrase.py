"""The one phrase that says what happens with a video; static/js/format.js writes the same words on a live page."""

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from downloads.formatting import format_timespan
from downloads.models import MAX_RETRIES, HostPause, Status, Video
from downloads.network.url_secrets import hide_secrets

PHASE_PHRASES = {
    "looking up": "Finding video…",
    "video": "Downloading video",
    "audio": "Downloading audio",
    "merging": "Saving",
    "filing": "Saving",
    "saving": "Saving",
}
RETRY_ADVICE = (" Try again later.", " Retry.")


def status_phrase(video: Video, *, is_blocked: bool = False, site_pause: HostPause | None = None) -> str:
    """Describe the state of a video; `is_blocked` while the queue starts nothing, `site_pause` that of its site."""
    if video.status == Status.QUEUED:
        return _waiting_phrase(video, is_blocked=is_blocked, site_pause=site_pause)
    if video.status == Status.PROCESSING:
        return "Saving"
    if video.status == Status.DOWNLOADING:
        is_unknown = video.percent is None and video.downloaded_bytes is None
        return PHASE_PHRASES.get(video.phase or ("looking up" if is_unknown else ""), "Downloading")
    return video.get_status_display()


def _waiting_phrase(video: Video, *, is_blocked: bool, site_pause: HostPause | None) -> str:
    if video.wait_message:
        return video.wait_message
    if is_blocked:
        return "Paused"
    if site_pause:
        return format_html("Waiting: {}", pause_phrase(site_pause))
    return retry_phrase(video) if video.retries_at else "Waiting"


def pause_phrase(pause: HostPause) -> SafeString:
    """Return who asked for a pause until when, as HTML: "example.com asked for a pause until 14:05"."""
    until = timezone.localtime(pause.until)
    end = format_html('<time datetime="{}">{}</time>', until.isoformat(), f"{until:%H:%M}")
    return format_html("{} asked for a pause until {}", pause.host, end)


def is_in_turn(video: Video, *, is_blocked: bool = False) -> bool:
    """Return True if a waiting video has a place in the queue that says when it starts."""
    return not is_blocked and video.retries_at is None and not video.wait_message


def retry_phrase(video: Video) -> SafeString:
    """Return the state of a delayed retry as HTML: "Retrying in 40 s: the site has a problem (503) (2 of 3)".

    The time is in a `<time>` element for the countdown on a live page, and "soon" once it has passed; "" without a
    retry.
    """
    if video.retries_at is None:
        return SafeString()
    seconds_left = (video.retries_at - timezone.now()).total_seconds()
    when = f"in {format_timespan(max(1.0, seconds_left))}" if seconds_left > 0 else "soon"
    time_element = format_html('<time datetime="{}">{}</time>', video.retries_at.isoformat(), when)
    reason = retry_reason(video.error)
    return format_html(
        "Retrying {}{} ({} of {})", time_element, f": {reason}" if reason else "", video.retry_count, MAX_RETRIES
    )


def _safe_first_line(error: str) -> str:
    """Return the sentence for people of an error, without the detail below it and without secrets."""
    return hide_secrets(error).strip().partition("\n")[0].strip()


def retry_reason(error: str) -> str:
    """Return the reason of a retry as the end of a sentence: without advice that the retry follows itself."""
    reason = _safe_first_line(error)
    for advice in RETRY_ADVICE:
        reason = reason.removesuffix(advice)
    reason = reason.removesuffix(".")
    is_name = reason[1:2].isupper()
    return reason if is_name else reason[:1].lower() + reason[1:]
