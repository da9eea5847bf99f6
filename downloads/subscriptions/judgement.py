"""Judgement of a video by a subscription's filters: a pure function of what is known of the video.

A video is judged twice: when it is seen in a list, whose dates may be rough, and for good after its look-up. What is
unknown rejects nothing.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Self

from downloads.models import StartChoice, Subscription, SubscriptionItemState
from downloads.models.subscriptions.choices import BEFORE_REASON
from downloads.subscriptions.patterns import is_match
from downloads.ytdlp.results import Stage

ROUGH_MARGIN, ROUGH_MARGIN_OF_YEARS = dt.timedelta(days=7), dt.timedelta(days=31)
YEAR = dt.timedelta(days=365)
MEMBERS_RETRY = dt.timedelta(days=7)
AFTER_START = dt.timedelta(hours=1)  # from the announced start of a premiere or stream to the next look
LIVE_RETRY = dt.timedelta(hours=6)
MAX_START_DISTANCE = dt.timedelta(days=366)
UNAVAILABLE_TITLES = {"[deleted video]": "Deleted on the site.", "[private video]": "Private on the site."}
RESTRICTIONS = {
    "subscriber_only": "For members of the channel only.",
    "premium_only": "For paying users of the site only.",
    "needs_auth": "The site shows it only after signing in.",
}
# What only a look-up has said, of which the list says nothing: another look-up is needed to see it pass.
MEMBERS_LOOKED_UP = "For members of the channel only, as the site said when it was fetched."
NOT_YET_LOOKED_UP = {
    Stage.ANNOUNCED: "Announced, as the site said when it was to be fetched.",
    Stage.LIVE: "Live, as the site said when it was to be fetched.",
    Stage.PROCESSING: "The site was preparing the recording when it was to be fetched.",
    Stage.OFFLINE: "Nothing was live at this link when it was to be fetched.",
}
LOOKED_UP_REASONS = (MEMBERS_LOOKED_UP, *NOT_YET_LOOKED_UP.values())
LIVE_REASONS = {
    "is_upcoming": "Announced: it has not started.",
    "is_live": "Live now: it is fetched when the recording is up.",
    "post_live": "The site prepares the recording.",
}


@dataclass(frozen=True)
class Facts:
    """Facts about a video; None and "" are unknown. A rough date is one such as "2 weeks ago"."""

    title: str = ""
    duration: float | None = None
    published: dt.datetime | None = None
    is_date_rough: bool = False
    availability: str = ""  # yt-dlp's words, as live_status
    live_status: str = ""
    release_at: dt.datetime | None = None

    @classmethod
    def of(cls, source: Any) -> Self:
        """Return the facts of an item of the ledger or of an entry of a listing."""
        return cls(**{name: getattr(source, name) for name in cls.__dataclass_fields__ if hasattr(source, name)})


@dataclass(frozen=True)
class Filters:
    """The filters of a subscription."""

    title_includes: str = ""
    title_excludes: str = ""
    min_duration: int | None = None
    max_duration: int | None = None
    published_since: dt.date | None = None

    @classmethod
    def of(cls, subscription: Subscription) -> Self:
        """Return the filters of a subscription, as it was read."""
        return cls(**{name: getattr(subscription, name) for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Start:
    """Choice of the videos to be fetched of those that were in the list before."""

    choice: str = StartChoice.NEW
    count: int | None = None
    date: dt.date | None = None

    @classmethod
    def of(cls, subscription: Subscription) -> Self:
        """Return the choice of a subscription, as it was read."""
        return cls(subscription.start, subscription.start_count, subscription.start_date)


@dataclass(frozen=True)
class Verdict:
    """The state of an item, its reason as a sentence, and when it is judged anew, if it is by itself."""

    state: str = SubscriptionItemState.QUEUED
    reason: str = ""
    retry_at: dt.datetime | None = None

    @property
    def is_wanted(self) -> bool:
        """True if the video is to be fetched."""
        return self.state == SubscriptionItemState.QUEUED


WANTED = Verdict()


def judge(facts: Facts, filters: Filters, now: dt.datetime) -> Verdict:
    """Judge a video. Raise InvalidPattern for a filter that is no regular expression."""
    return (
        _judge_availability(facts, now)
        or _judge_title(facts, filters)
        or _judge_duration(facts, filters)
        or _judge_date(facts, filters.published_since, SubscriptionItemState.FILTERED, now)
        or _judge_live(facts, now)
        or WANTED
    )


def judge_start(facts: Facts, start: Start, rank: int, now: dt.datetime) -> Verdict:
    """Judge a video that was in the list before; `rank` is its place from the newest one, which is 1."""
    before = SubscriptionItemState.BEFORE
    if start.choice == StartChoice.ALL:
        return WANTED
    if start.choice == StartChoice.NEWEST:
        count = start.count or 0
        return WANTED if rank <= count else Verdict(before, f"Not among the newest {count:,}.")
    if start.choice == StartChoice.SINCE:
        return _judge_date(facts, start.date, before, now) or WANTED
    return Verdict(before, BEFORE_REASON)


def _judge_availability(facts: Facts, now: dt.datetime) -> Verdict | None:
    if reason := UNAVAILABLE_TITLES.get(facts.title.strip().lower()):
        return Verdict(SubscriptionItemState.GONE, reason)
    if facts.availability == "private":
        return Verdict(SubscriptionItemState.GONE, "Private on the site.")
    if reason := RESTRICTIONS.get(facts.availability):
        return Verdict(SubscriptionItemState.MEMBERS, reason, now + MEMBERS_RETRY)
    return None


def _judge_title(facts: Facts, filters: Filters) -> Verdict | None:
    if not facts.title:
        return None
    if filters.title_includes and not is_match(filters.title_includes, facts.title):
        return Verdict(SubscriptionItemState.FILTERED, f"The title does not contain “{filters.title_includes}”.")
    if filters.title_excludes and is_match(filters.title_excludes, facts.title):
        return Verdict(SubscriptionItemState.FILTERED, f"The title contains “{filters.title_excludes}”.")
    return None


def _judge_duration(facts: Facts, filters: Filters) -> Verdict | None:
    if facts.duration is None:
        return None
    if filters.min_duration is not None and facts.duration < filters.min_duration:
        return Verdict(
            SubscriptionItemState.FILTERED,
            f"It is {_format_duration(facts.duration)}, under {_format_duration(filters.min_duration)}.",
        )
    if filters.max_duration is not None and facts.duration > filters.max_duration:
        return Verdict(
            SubscriptionItemState.FILTERED,
            f"It is {_format_duration(facts.duration)}, over {_format_duration(filters.max_duration)}.",
        )
    return None


def _judge_date(facts: Facts, since: dt.date | None, rejected_state: str, now: dt.datetime) -> Verdict | None:
    """Reject a video that was published before a day (UTC), for certain: a rough date has a margin."""
    if since is None or facts.published is None:
        return None
    if facts.published.date() + date_margin(facts, now) >= since:
        return None
    return Verdict(rejected_state, f"Published before {since.day} {since:%b %Y}.")


def date_margin(facts: Facts, now: dt.datetime) -> dt.timedelta:
    """Return by how much the date of a video may be later than it says."""
    if not facts.is_date_rough or facts.published is None:
        return dt.timedelta(0)
    return ROUGH_MARGIN if now - facts.published < YEAR else ROUGH_MARGIN_OF_YEARS


def _judge_live(facts: Facts, now: dt.datetime) -> Verdict | None:
    reason = LIVE_REASONS.get(facts.live_status)
    if reason is None:
        return None
    retry_at = find_announced_look(facts.release_at, now) or now + LIVE_RETRY
    return Verdict(SubscriptionItemState.WAITING, reason, retry_at)


def find_announced_look(release_at: dt.datetime | None, now: dt.datetime) -> dt.datetime | None:
    """Return when to look at what starts at an announced time; None if that is over, unknown or no real date."""
    if release_at is None or release_at >= now + MAX_START_DISTANCE or release_at + AFTER_START <= now:
        return None
    return release_at + AFTER_START


def _format_duration(seconds: float) -> str:
    """Return a duration such as "0:45" or "1:02:03", cut to whole seconds."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
