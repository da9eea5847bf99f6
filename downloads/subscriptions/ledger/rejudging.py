"""Judgement of items by what is in the ledger: when filters change, and for previews of such a change."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.utils.functional import cached_property

from downloads.models import ListKind, StartChoice, Subscription, SubscriptionItem, SubscriptionItemState
from downloads.subscriptions.judgement import Facts, Filters, Start, Verdict, judge, judge_start
from downloads.subscriptions.ledger.reading import NOT_RANKED


@dataclass
class JudgedGroup:
    """Items that are wanted now, and others that got another state or reason."""

    wanted: list[SubscriptionItem] = field(default_factory=list)
    changed: list[SubscriptionItem] = field(default_factory=list)


class Rejudging:
    """The filters and the start of a subscription, applied to its ledger; other filters for a preview."""

    def __init__(self, subscription: Subscription, filters: Filters | None = None) -> None:
        self.filters = filters or Filters.of(subscription)
        self.start = Start.of(subscription)
        self.items = subscription.items
        self.is_playlist = subscription.kind == ListKind.PLAYLIST

    def judge_item(self, item: SubscriptionItem, now: dt.datetime) -> Verdict:
        """Judge an item; one that was before the start by the choice of the start first."""
        facts = Facts.of(item)
        return self._judge_start(item.pk, item.state, item.position, facts, now) or judge(facts, self.filters, now)

    def is_before_start(self, pk: int, state: str, position: int, facts: Facts, now: dt.datetime) -> bool:
        """Tell whether the choice of the start keeps an item out, whatever the filters say."""
        return self._judge_start(pk, state, position, facts, now) is not None

    def _judge_start(self, pk: int, state: str, position: int, facts: Facts, now: dt.datetime) -> Verdict | None:
        if state != SubscriptionItemState.BEFORE:
            return None
        rank = (self._newest_ranks.get(pk) if self.is_playlist else position) or NOT_RANKED
        verdict = judge_start(facts, self.start, rank, now)
        return None if verdict.is_wanted else verdict

    @cached_property
    def _newest_ranks(self) -> dict[int, int]:
        """Return the places of a playlist's newest from the newest: by their dates, else from its end."""
        if self.start.choice != StartChoice.NEWEST:
            return {}
        placed = self.items.filter(position__gt=0)
        order = ("-position", "pk") if placed.filter(published=None).exists() else ("-published", "-position", "pk")
        newest = placed.order_by(*order).values_list("pk", flat=True)[: self.start.count or 0]
        return {pk: rank for rank, pk in enumerate(newest, 1)}

    def judge(self, items: Iterable[SubscriptionItem], now: dt.datetime) -> JudgedGroup:
        """Give items their new states, not yet saved; those that are wanted have still to be queued."""
        group = JudgedGroup()
        for item in items:
            verdict = self.judge_item(item, now)
            if verdict.is_wanted:
                group.wanted.append(item)
            elif (item.state, item.reason) != (verdict.state, verdict.reason):
                item.state, item.reason, item.retry_at = verdict.state, verdict.reason, verdict.retry_at
                group.changed.append(item)
        return group
