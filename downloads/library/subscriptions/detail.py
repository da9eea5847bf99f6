"""The page of one subscription: its ledger by states, page by page, its counts and its history."""

import dataclasses
from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils.functional import cached_property

from downloads.library.paging import LatestChange
from downloads.library.subscriptions.states import EMPTY_SENTENCE, StateWords, describe_interval, describe_state
from downloads.library.subscriptions.timeline import TimelineEntry, build_timeline
from downloads.models import HostPause, Subscription, SubscriptionItem, SubscriptionItemState
from downloads.models.subscriptions.choices import BEFORE_REASON, FILTER_STATES, KEPT_STATES

PAGE_SIZE = 50
MAX_EVENTS = 100
# What stands beside the states of items.
VIEWS = {"settings": "Settings", "retention": "Retention", "history": "History"}
VIDEO_FIELDS = ("video_id", "title", "url", "status", "error", "thumbnail", "ended_at", "is_list", "protected")
ITEM_FIELDS = (
    *("title", "url", "source_id", "duration", "published", "is_date_rough", "tab", "state", "reason"),
    *("retry_at", "is_picked", "seen_at", "changed_at", "subscription_id", "video_id"),
)
# Shorter than the labels of the states, since all stand in one row.
TAB_LABELS = {
    SubscriptionItemState.ARCHIVED: "Here already",
    SubscriptionItemState.WAITING: "Not yet",
    SubscriptionItemState.MEMBERS: "Members",
    SubscriptionItemState.GONE: "Gone",
    SubscriptionItemState.BEFORE: "Older",
}
EXPLANATIONS = {
    SubscriptionItemState.QUEUED: "This subscription brought these videos.",
    SubscriptionItemState.ARCHIVED: "These videos were in the archive already.",
    SubscriptionItemState.FILTERED: "The filters keep these videos out; other filters may let them in.",
    SubscriptionItemState.WAITING: "These videos are announced or live, and are fetched when the recording is up.",
    SubscriptionItemState.MEMBERS: "The site shows these videos to members only.",
    SubscriptionItemState.GONE: "The site doesn’t have these videos any more.",
    SubscriptionItemState.IGNORED: "Somebody said to leave these videos alone.",
    SubscriptionItemState.BEFORE: (
        "These videos are older than the subscription, so they aren’t downloaded automatically."
    ),
    SubscriptionItemState.REMOVED: "These videos were deleted here, and stay away.",
}


@dataclasses.dataclass(frozen=True)
class Tab:
    """A tab of the page; `count` is None for one without a number."""

    name: str
    label: str
    url: str
    is_current: bool
    count: int | None = None


class SubscriptionPage(LatestChange):
    """Context of the page of a subscription, by its query string."""

    def __init__(self, subscription: Subscription, query: QueryDict, show: str = "") -> None:
        self.subscription = subscription
        self._requested = show or query.get("show", "")
        self.is_backwards = "after" in query
        cursor = query.get("after", query.get("before", ""))
        # Fewer than 19 digits fit a 64-bit integer.
        self.cursor = int(cursor) if cursor.isascii() and cursor.isdigit() and len(cursor) < 19 else 0

    @cached_property
    def counts(self) -> dict[str, int]:
        """Return how many items there are in each state."""
        return self.subscription.items.count_by_state()

    @property
    def seen_count(self) -> int:
        """Return how many items there are."""
        return sum(self.counts.values())

    @property
    def kept_count(self) -> int:
        """Return how many of the videos are here, or on their way."""
        return sum(self.counts.get(state, 0) for state in KEPT_STATES)

    @cached_property
    def show(self) -> str:
        """Return the tab: a state, or one of VIEWS; the first that has something unless the query names one."""
        if self._requested in VIEWS or self._requested in SubscriptionItemState.values:
            return self._requested
        return next((state.value for state in SubscriptionItemState if self.counts.get(state)), "queued")

    @property
    def is_ledger(self) -> bool:
        """Return whether the tab shows items."""
        return self.show not in VIEWS

    @property
    def tabs(self) -> list[Tab]:
        """Return the tabs of the states that have items, and of the views."""
        states = [
            Tab(
                state.value,
                TAB_LABELS.get(state, str(state.label)),
                self.build_url(state.value),
                state == self.show,
                self.counts.get(state, 0),
            )
            for state in SubscriptionItemState
            if self.counts.get(state) or state == self.show or (state == "queued" and not self.counts)
        ]
        return [*states, *(Tab(name, label, self.build_url(name), name == self.show) for name, label in VIEWS.items())]

    @property
    def explanation(self) -> str:
        """Return what the items of this tab have in common."""
        return EXPLANATIONS[SubscriptionItemState(self.show)] if self.is_ledger else ""

    @property
    def explained_reason(self) -> str:
        """Return the reason of items that the explanation gives for all of them."""
        return BEFORE_REASON

    @property
    def nothing_seen(self) -> str:
        """Return why there are no items at all."""
        if self.subscription.checked_at is None:
            return "The first check lists what is there. This page follows it by itself."
        return "No video was seen yet. The check has to succeed first." if self.subscription.error else EMPTY_SENTENCE

    @cached_property
    def pause(self) -> HostPause | None:
        """Return the pause of its site, if one lasts."""
        return HostPause.objects.find(self.subscription.host) if self.subscription.host else None

    @property
    def state(self) -> StateWords:
        """Return its state in words."""
        return describe_state(self.subscription, self.pause)

    @property
    def interval(self) -> str:
        """Return how often it is checked."""
        return describe_interval(self.subscription)

    @cached_property
    def items(self) -> list[SubscriptionItem]:
        """Return the items of this page, the last seen first."""
        items = self._rows[:PAGE_SIZE]
        return items[::-1] if self.is_backwards else items

    @property
    def fetchable(self) -> list[SubscriptionItem]:
        """Return the items that one button fetches together: those of this page that the settings alone keep out."""
        items = [item for item in self.items if item.video is None] if self.show in FILTER_STATES else []
        return items if len(items) > 1 else []

    @property
    def has_more_pages(self) -> bool:
        """Return whether the tab has items that this page does not show."""
        return bool(self.next_url or self.previous_url)

    @cached_property
    def _rows(self) -> list[SubscriptionItem]:
        """Return the items of this page, and one more if there is one."""
        rows = self.subscription.items.in_state(self.show).select_related("video")
        rows = rows.only(*ITEM_FIELDS, *(f"video__{name}" for name in VIDEO_FIELDS))
        if self.cursor:
            rows = rows.filter(pk__gt=self.cursor) if self.is_backwards else rows.filter(pk__lt=self.cursor)
        return list(rows.order_by("pk" if self.is_backwards else "-pk")[: PAGE_SIZE + 1])

    @cached_property
    def timeline(self) -> list[TimelineEntry]:
        """Return its newest events."""
        return build_timeline(self.subscription.events()[:MAX_EVENTS])

    # URLs ------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Return the URL of the page."""
        return reverse("subscription", args=[self.subscription.key])

    @property
    def next_url(self) -> str:
        """Return the URL of the page with older items; "" on the last."""
        has_more = self.is_backwards or len(self._rows) > PAGE_SIZE
        return self.build_url(self.show, before=self.items[-1].pk) if has_more and self.items else ""

    @property
    def previous_url(self) -> str:
        """Return the URL of the page with newer items; "" on the first."""
        has_more = len(self._rows) > PAGE_SIZE if self.is_backwards else bool(self.cursor)
        return self.build_url(self.show, after=self.items[0].pk) if has_more and self.items else ""

    def build_url(self, show: str, **place: Any) -> str:
        """Return the URL of a tab."""
        query = QueryDict(mutable=True)
        query.update({"show": show, **{name: str(value) for name, value in place.items()}})
        return f"{self.url}?{query.urlencode()}"
