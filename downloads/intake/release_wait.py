"""Waits for videos that are not up yet: when to look again, until when, and in which words."""

import dataclasses
import datetime as dt

from django.utils import timezone

from downloads.database.clock import read_clock
from downloads.models import ReleaseWait
from downloads.models.value_objects import MAX_LOOK_INTERVAL, MAX_START_DISTANCE
from downloads.ytdlp.results import NotYetAvailable, Stage

GIVE_UP_AFTER = dt.timedelta(days=7)  # without a recording, since the announced start or the first look
MAX_TOTAL_WAIT = dt.timedelta(days=400)  # for a date that is moved again and again
MIN_INTERVALS = {
    Stage.ANNOUNCED: dt.timedelta(minutes=5),
    Stage.OFFLINE: dt.timedelta(minutes=15),
    Stage.LIVE: dt.timedelta(minutes=15),
    Stage.PROCESSING: dt.timedelta(minutes=15),
}
INTERVAL_GROWTH = 4  # the next look comes after this fraction of the time that has passed
MIN_UNTIL_START = dt.timedelta(minutes=1)
MAX_UNTIL_START = dt.timedelta(minutes=30)  # a start that moves is looked for less and less often

GIVE_UP_MESSAGES = {
    Stage.ANNOUNCED: "This video was announced, but hasn’t started for {days} days. Retry to check again.",
    Stage.OFFLINE: "Nothing was live at this link for {days} days. Retry to check again.",
    Stage.LIVE: "This has been live for {days} days without a recording. Add the recording’s link when it’s up.",
    Stage.PROCESSING: "The site hasn’t put up the recording of this live stream for {days} days. Retry to check again.",
}
WAIT_MESSAGES = {
    Stage.ANNOUNCED: "{subject} hasn’t started, and the site doesn’t say when it will. {look}.",
    Stage.OFFLINE: "Nothing is live at this link right now. {look}.",
    Stage.LIVE: "This is live now. Its recording will be downloaded when it’s up. {look}.",
    Stage.PROCESSING: "This live stream has ended, and the site is still processing its recording. {look}.",
}


class WaitTooLong(Exception):
    """The site has put nothing up for too long; the message is a sentence for people."""


def plan_wait(
    not_yet: NotYetAvailable, waiting_since: dt.datetime | None = None, announced_start: dt.datetime | None = None
) -> ReleaseWait:
    """Return the wait for a video that cannot be fetched yet; raise WaitTooLong after GIVE_UP_AFTER.

    `waiting_since` is the first look, `announced_start` the start that an earlier look found.
    """
    now = read_clock()
    first_look = min(waiting_since or now, now)
    start = _plausible_start(not_yet.starts_at, now)
    if start and start > now and now - first_look < MAX_TOTAL_WAIT:
        return _wait_for_start(start, now, now - first_look, is_premiere=not_yet.is_premiere)
    start = start or _plausible_start(announced_start, now)
    overdue = now - min(max(first_look, start or first_look), now)
    wait = _wait_for_recording(not_yet, now, overdue)
    return dataclasses.replace(wait, release_at=start)


def plan_announced(starts_at: dt.datetime | None) -> ReleaseWait | None:
    """Return the wait for an entry that its playlist announces; None if a look must find the date."""
    now = read_clock()
    start = _plausible_start(starts_at, now)
    return _wait_for_start(start, now, dt.timedelta(), is_premiere=False) if start and start > now else None


def _plausible_start(start: dt.datetime | None, now: dt.datetime) -> dt.datetime | None:
    return start if start and abs(start - now) <= MAX_START_DISTANCE else None


def _wait_for_start(start: dt.datetime, now: dt.datetime, waited: dt.timedelta, *, is_premiere: bool) -> ReleaseWait:
    subject = "This premiere" if is_premiere else "This video"
    pause = max(MIN_UNTIL_START, min(waited / 20, MAX_UNTIL_START))
    until = max(start, now + pause)
    return ReleaseWait(
        f"{subject} starts on {format_moment_with_zone(start)} and will be downloaded then.", until, start
    )


def _wait_for_recording(not_yet: NotYetAvailable, now: dt.datetime, overdue: dt.timedelta) -> ReleaseWait:
    if overdue > GIVE_UP_AFTER:
        raise WaitTooLong(GIVE_UP_MESSAGES[not_yet.stage].format(days=GIVE_UP_AFTER.days))
    interval = max(MIN_INTERVALS[not_yet.stage], min(overdue / INTERVAL_GROWTH, MAX_LOOK_INTERVAL))
    look = f"Next check: {format_moment_with_zone(now + interval)}"
    subject = "This premiere" if not_yet.is_premiere else "This video"
    return ReleaseWait(WAIT_MESSAGES[not_yet.stage].format(subject=subject, look=look), now + interval)


def format_moment_with_zone(moment: dt.datetime) -> str:
    """Return a moment in the zone of TZ, such as "3 Dec 2026 at 18:00 UTC"."""
    local = timezone.localtime(moment)
    return f"{local.day} {local:%b %Y} at {local:%H:%M %Z}"
