"""Subscription model: a channel or playlist that is checked for new videos, and the verbs of people."""

import datetime as dt
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from downloads.database.clock import current_moment
from downloads.models.choices import Quality
from downloads.models.leases.lease import CLEARED_LEASE
from downloads.models.subscriptions.checks import Checks
from downloads.models.subscriptions.choices import ChannelTab, ListKind, StartChoice
from downloads.models.subscriptions.querysets import SubscriptionQuerySet
from downloads.models.video import MAX_URL_LENGTH, new_video_id
from downloads.network.short_urls import short_url
from downloads.network.url_secrets import has_secrets
from downloads.network.web_links import only_web_link
from downloads.progress import publisher

MIN_CHECK_INTERVAL_SECONDS = 900
MAX_CHECK_INTERVAL_SECONDS = 366 * 86_400
DEFAULT_CHECK_INTERVAL_SECONDS = 6 * 3600
MAX_PATTERN_LENGTH = 200
MAX_NEW_PER_CHECK = 50
MAX_LIST_LENGTH = 100_000
MAX_PLAYLIST_LENGTH = 20_000  # places of a playlist that are looked at: 200 requests on YouTube
CUT = "cut"  # in the cursor of a list that is longer than it was looked at
MISSING, REJUDGE = "missing", "rejudge"  # among the positions: subscriptions/walks.py


class Subscription(Checks):
    """A list that is followed: its address, what of it is wanted, how often it is checked and how long videos stay."""

    key = models.CharField(max_length=64, unique=True, default=new_video_id, editable=False)
    name = models.CharField(max_length=500, blank=True)
    url = models.CharField("submitted URL", max_length=MAX_URL_LENGTH)
    canonical_url = models.CharField(
        "URL",
        max_length=MAX_URL_LENGTH,
        unique=True,
        error_messages={"unique": "There is a subscription to this list already."},
    )
    extractor = models.CharField("extractor of yt-dlp", max_length=100, blank=True)
    source_id = models.CharField("ID of the list on the site", max_length=255, blank=True)
    host = models.CharField("site", max_length=255, blank=True, db_index=True)  # network/sites.py
    kind = models.CharField(max_length=8, choices=ListKind.choices, blank=True)
    tabs = models.CharField(max_length=60, default=ChannelTab.VIDEOS.value, blank=True)  # of a channel: "videos,shorts"
    quality = models.CharField(max_length=8, choices=Quality.choices, default=Quality.BEST)
    subtitle_languages = models.CharField("subtitle languages", max_length=200, blank=True)

    check_interval = models.PositiveIntegerField("seconds between checks", default=DEFAULT_CHECK_INTERVAL_SECONDS)
    cron = models.CharField("times of checks (cron)", max_length=100, blank=True)  # in place of the interval
    time_zone = models.CharField(max_length=64, blank=True)  # of `cron`; "" is UTC

    # Filters: subscriptions/judgement.py.
    title_includes = models.CharField("title contains", max_length=MAX_PATTERN_LENGTH, blank=True)
    title_excludes = models.CharField("title does not contain", max_length=MAX_PATTERN_LENGTH, blank=True)
    min_duration = models.PositiveIntegerField("shortest, in seconds", null=True, blank=True)
    max_duration = models.PositiveIntegerField("longest, in seconds", null=True, blank=True)
    published_since = models.DateField(null=True, blank=True)
    max_new = models.PositiveIntegerField("new videos per check, at most", default=MAX_NEW_PER_CHECK)

    # What is fetched of what the list had before.
    start = models.CharField(max_length=8, choices=StartChoice.choices, default=StartChoice.NEW)
    start_count = models.PositiveIntegerField("the newest …", null=True, blank=True)
    start_date = models.DateField("published since", null=True, blank=True)

    # Retention; None is for ever.
    keep_days = models.PositiveIntegerField("days that videos stay", null=True, blank=True)
    keep_newest = models.PositiveIntegerField("newest videos that stay", null=True, blank=True)

    active = models.BooleanField(default=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    newest_video: Any = None  # set by the pages of subscriptions, for the picture

    objects: ClassVar[SubscriptionQuerySet["Subscription"]] = SubscriptionQuerySet.as_manager()  # type: ignore[assignment]

    STORED_LIMITS = {
        "check_interval": (MIN_CHECK_INTERVAL_SECONDS, MAX_CHECK_INTERVAL_SECONDS),
        **dict.fromkeys(("min_duration", "max_duration"), (0, 10**9)),
        **dict.fromkeys(("max_new", "start_count", "keep_newest"), (1, MAX_LIST_LENGTH)),
        **dict.fromkeys(("failure_count", "not_found_count"), (0, 2**31 - 1)),
        "keep_days": (1, 36_500),
    }

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["extractor", "source_id"],
                condition=~Q(source_id=""),
                name="downloads_subscription_list",
                violation_error_message="There is a subscription to this list already.",
            ),
        )
        indexes = (models.Index(fields=["lease_token"], condition=~Q(lease_token=""), name="downloads_check_leases"),)

    def __str__(self) -> str:
        return self.name.strip() or short_url(self.url) or "Unknown list"

    @property
    def page_url(self) -> str:
        """The URL of the list at its site; "" for anything that is no link, such as javascript:."""
        return only_web_link(self.canonical_url)

    @property
    def has_secret_url(self) -> bool:
        """True if the URL holds a token or the like, so that only those who may change it see it whole."""
        return has_secrets(self.canonical_url)

    @property
    def tab_names(self) -> list[str]:
        """The tabs to check, of those that exist; [""] for a list without tabs."""
        if self.kind == ListKind.PLAYLIST:
            return [""]
        chosen = set(self.tabs.split(","))
        return [tab.value for tab in ChannelTab if tab in chosen] or [""]

    @property
    def missing_tabs(self) -> list[str]:
        """The chosen tabs that the channel did not have at the last check."""
        missing = (self.positions or {}).get(MISSING)
        return [tab for tab in self.tab_names if tab and tab in missing] if isinstance(missing, list) else []

    @property
    def cut_at(self) -> int:
        """The place after which the list was not looked at yet; 0 if it was seen whole."""
        cursor = (self.positions or {}).get("list")
        place = cursor.get(CUT) if isinstance(cursor, dict) else None
        return place if isinstance(place, int) else 0

    @property
    def is_to_be_rejudged(self) -> bool:
        """True if the next check judges the ledger by filters that were changed before."""
        return REJUDGE in (self.positions or {})

    @property
    def rejudged_until(self) -> int:
        """The key of the last item that was judged by the filters as they are now; 0 before the first."""
        place = (self.positions or {}).get(REJUDGE)
        return place if isinstance(place, int) and place is not True else 0  # True: of an older version

    @property
    def interval(self) -> dt.timedelta:
        """The time between checks; unless it has a cron line."""
        return dt.timedelta(seconds=max(self.check_interval or 0, MIN_CHECK_INTERVAL_SECONDS))

    @property
    def has_retention(self) -> bool:
        """True if videos do not stay for ever."""
        return self.keep_days is not None or self.keep_newest is not None

    # By people: each False where the row is not in a state that allows it ---------------------------

    def pause(self, reason: str = "Paused") -> bool:
        """Check no more until somebody resumes; a running check loses its lease. False if it is paused already."""
        return self._change(reason, {"active": False, **CLEARED_LEASE}, active=True)

    def resume(self, reason: str = "Resumed") -> bool:
        """Check again, at once; False if it is not paused."""
        return self._change(reason, {"active": True, **self._due_now()}, active=False)

    def check_now(self) -> bool:
        """Have the next worker check it, one that rests as well; False if it is paused, or being checked.

        A pause of its site is waited for.
        """
        rows = (
            type(self).objects.filter(pk=self.pk, active=True).exclude(pk__in=type(self).objects.running().values("pk"))
        )
        if not rows.update(**self._due_now()):
            return False
        transaction.on_commit(publisher.wake_workers)
        return True

    @staticmethod
    def _due_now() -> dict[str, Any]:
        return {"next_check_at": current_moment(), "scheduled_at": current_moment()}

    def _change(self, reason: str, changes: dict[str, Any], **where: Any) -> bool:
        with transaction.atomic():
            if not type(self).objects.filter(pk=self.pk, **where).update(**changes):
                return False
            self.refresh_from_db()
            self.record_event(reason)
        return True
