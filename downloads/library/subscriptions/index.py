"""The list of subscriptions: search by name, state and place, parsed from an untrusted query string."""

import dataclasses
import re
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Lower
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property

from downloads.library.paging import LatestChange
from downloads.library.subscriptions.pictures import attach_newest_videos
from downloads.library.subscriptions.states import StateWords, describe_interval, describe_state, pauses_by_host
from downloads.models import Subscription, SubscriptionItem
from downloads.models.subscriptions.choices import KEPT_STATES
from downloads.network.sites import site_of

MAY_HAVE_SECRETS = "=|://[^/]*@"  # in a URL: parameters, or a password; others could guess them letter by letter
KEY_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,64}")
PAGE_SIZE = 50
MIN_SUBSCRIPTIONS_FOR_SEARCH = 12  # fewer are seen at a glance
MAX_QUERY_LENGTH = 200
# Which subscriptions a tab shows.
CONDITIONS = {"": Q(), "failing": Q(active=True) & ~Q(error=""), "paused": Q(active=False)}
LABELS = {"": "All", "failing": "Failing", "paused": "Paused"}


@dataclasses.dataclass(frozen=True)
class Row:
    """A subscription, its state in words, and how many videos it has seen and kept."""

    subscription: Subscription
    state: StateWords
    interval: str
    seen_count: int
    kept_count: int


class SubscriptionIndex(LatestChange):
    """One page of the subscriptions that a query string selects, by name."""

    def __init__(self, query: QueryDict, *, with_secrets: bool) -> None:
        self.with_secrets = with_secrets  # whether a search may find what is in a token
        self.q = " ".join(query.get("q", "")[:MAX_QUERY_LENGTH].replace("\x00", " ").split())
        state = query.get("state", "")
        self.state = state if state in CONDITIONS else ""
        self.is_backwards = "before" in query
        cursor = query.get("before", query.get("after", ""))
        self.cursor = cursor if KEY_PATTERN.fullmatch(cursor) else ""

    @cached_property
    def counts(self) -> dict[str, int]:
        """Return how many subscriptions there are in all and of each tab."""
        columns = {f"count_{name}": Count("pk", filter=condition) for name, condition in CONDITIONS.items() if name}
        row = Subscription.objects.aggregate(count_=Count("pk"), **columns)
        return {name: row[f"count_{name}"] for name in CONDITIONS}

    @property
    def total(self) -> int:
        """Return how many subscriptions there are."""
        return self.counts[""]

    @property
    def shows_search(self) -> bool:
        """Return whether the page has the search: for many subscriptions, or while one is set."""
        return bool(self.q or self.total >= MIN_SUBSCRIPTIONS_FOR_SEARCH)

    @property
    def tabs(self) -> list[dict[str, Any]]:
        """Return the tabs, those without a subscription left out."""
        return [
            {
                "label": label,
                "url": self.build_url(state=name),
                "count": self.counts[name],
                "is_current": name == self.state,
            }
            for name, label in LABELS.items()
            if not name or self.counts[name] or name == self.state
        ]

    @cached_property
    def rows(self) -> list[Row]:
        """Return the rows of the page, with the picture of each subscription."""
        subscriptions = self._page[:PAGE_SIZE] if not self.is_backwards else self._page[:PAGE_SIZE][::-1]
        attach_newest_videos(subscriptions)
        return describe_rows(subscriptions)

    @property
    def is_changing(self) -> bool:
        """Return whether a row is about to change by itself."""
        return any(row.state.is_changing for row in self.rows)

    @cached_property
    def _page(self) -> list[Subscription]:
        """Return the subscriptions of the page, and one more if there is one, from the cursor on."""
        order = ("-sort_name", "-pk") if self.is_backwards else ("sort_name", "pk")
        return list(self._from_cursor.order_by(*order)[: PAGE_SIZE + 1])

    @property
    def _matching(self) -> QuerySet[Subscription]:
        rows = Subscription.objects.annotate(sort_name=Lower("name")).filter(CONDITIONS[self.state])
        if not self.q:
            return rows
        # SQLite ignores the case of ASCII letters alone.
        matches = Q()
        for spelling in sorted({self.q, self.q.lower(), self.q.upper(), self.q.title(), self.q.capitalize()}):
            matches |= Q(name__icontains=spelling)
        urls = Q(canonical_url__icontains=self.q)
        if not self.with_secrets:
            urls &= ~Q(canonical_url__regex=MAY_HAVE_SECRETS)
        return rows.filter(matches | urls)

    @property
    def _from_cursor(self) -> QuerySet[Subscription]:
        place = self._cursor_place
        if place is None:
            return self._matching
        name, pk = place
        beyond = "lt" if self.is_backwards else "gt"
        same_name = Q(sort_name=name, **{f"pk__{beyond}": pk})
        return self._matching.filter(Q(**{f"sort_name__{beyond}": name}) | same_name)

    @cached_property
    def _cursor_place(self) -> tuple[str, int] | None:
        rows = Subscription.objects.filter(key=self.cursor).annotate(sort_name=Lower("name"))
        return rows.values_list("sort_name", "pk").first() if self.cursor else None

    # URLs ------------------------------------------------------------------------------------------

    @property
    def next_url(self) -> str:
        """Return the URL of the page after this one; "" on the last."""
        has_more = len(self._page) > PAGE_SIZE or (self.is_backwards and self._cursor_place is not None)
        return self.build_url(after=self.rows[-1].subscription.key) if has_more and self.rows else ""

    @property
    def previous_url(self) -> str:
        """Return the URL of the page before this one; "" on the first."""
        has_more = len(self._page) > PAGE_SIZE if self.is_backwards else self._cursor_place is not None
        return self.build_url(before=self.rows[0].subscription.key) if has_more and self.rows else ""

    @property
    def clear_url(self) -> str:
        """Return the URL of all subscriptions."""
        return reverse("subscriptions")

    def build_url(self, **changes: str) -> str:
        """Return the URL of this list with `changes`; the first page unless they have a place."""
        query = QueryDict(mutable=True)
        parameters = {"q": self.q, "state": self.state} | changes
        query.update({name: value for name, value in parameters.items() if value})
        return f"{self.clear_url}?{query.urlencode()}" if query else self.clear_url


def describe_rows(subscriptions: list[Subscription]) -> list[Row]:
    """Return these subscriptions with their states and counts, by two queries."""
    now = timezone.now()
    pauses = pauses_by_host(subscriptions)
    counts = count_items([subscription.pk for subscription in subscriptions])
    return [
        Row(
            subscription,
            describe_state(subscription, pauses.get(site_of(subscription.host)), now),
            describe_interval(subscription),
            sum(counts.get(subscription.pk, {}).values()),
            sum(counts.get(subscription.pk, {}).get(state, 0) for state in KEPT_STATES),
        )
        for subscription in subscriptions
    ]


def count_items(subscription_pks: list[int]) -> dict[int, dict[str, int]]:
    """Return how many items each of these subscriptions has in each state, from the index of states alone."""
    rows = SubscriptionItem.objects.filter(subscription__in=subscription_pks).order_by()
    counts: dict[int, dict[str, int]] = {}
    for pk, state, count in rows.values_list("subscription", "state").annotate(count=Count("pk")):
        counts.setdefault(pk, {})[state] = count
    return counts
